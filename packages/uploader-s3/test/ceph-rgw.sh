#!/usr/bin/env bash
# Starts a small Ceph with its S3 gateway on 127.0.0.1, data in memory, files under DIR; says "ready" once it answers, and
# ends all of it when its input ends, however its parent died. Access key: relay, secret: relaysecret.
# Needs ceph-mon, ceph-osd, radosgw, ceph-common.
set -euo pipefail
directory=${1:?usage: ceph-rgw.sh DIR GATEWAY_PORT MONITOR_PORT}
gateway=${2:?}
monitor=${3:?}
mkdir -p "$directory"/{mon,osd.0,rgw}
cd "$directory"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<CONF
[global]
fsid = $fsid
mon_initial_members = a
mon_host = v1:127.0.0.1:$monitor
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
run_dir = $directory
log_file = $directory/\$name.log
pid_file = $directory/\$name.pid
admin_socket = $directory/\$name.asok
ms_bind_port_min = 26800
ms_bind_port_max = 27300
[mon.a]
mon_data = $directory/mon
mon_addr = 127.0.0.1:$monitor
[osd.0]
osd_data = $directory/osd.0
osd_objectstore = memstore
memstore_device_bytes = 1073741824
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$gateway
rgw_data = $directory/rgw
rgw_enable_ops_log = false
CONF
export CEPH_CONF=$directory/ceph.conf
pids=()
trap 'disown -a; kill -9 "${pids[@]}" 2>/dev/null; sleep 0.2' EXIT
daemon() {
  "$@" -c ceph.conf -f </dev/null >>daemons.out 2>&1 &
  pids+=($!)
}
quietly() { "$@" </dev/null >>commands.out 2>&1; }

quietly monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor]" monmap
quietly ceph-mon -c ceph.conf --mkfs -i a --monmap monmap
daemon ceph-mon -i a
osd=$(cat /proc/sys/kernel/random/uuid)
quietly ceph -c ceph.conf osd new "$osd"
quietly ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$osd"
daemon ceph-osd -i 0
quietly ceph -c ceph.conf osd crush add osd.0 1.0 root=default host=localhost
for _ in $(seq 120); do
  ceph -c ceph.conf osd stat </dev/null 2>/dev/null | grep -q '1 up' && break
  sleep 0.5
done
quietly radosgw-admin -c ceph.conf -n client.rgw user create --uid=t --display-name=t --access-key=relay --secret-key=relaysecret
daemon radosgw -n client.rgw
for _ in $(seq 120); do
  (echo >"/dev/tcp/127.0.0.1/$gateway") 2>/dev/null && break
  sleep 0.5
done
echo ready
cat >/dev/null
