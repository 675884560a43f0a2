import cluster from 'node:cluster';
import { createRelay, nodeLifecycle } from '@relaykit/relay';

const WORKERS = 4;

const relay = createRelay({
  directory: process.env.SPOOL ?? 'spool',
  url: process.env.COLLECTOR_URL,
  http: { headers: { 'x-delivered-by': String(process.pid) } },
  lifecycle: nodeLifecycle(),
  // How soon it sees the segments of the workers: other processes, so nothing wakes it.
  export: { pollIntervalMs: 1_000 },
});

let isEnding = false;
for (let index = 0; index < WORKERS; index += 1) cluster.fork();

cluster.on('exit', (worker, code, signal) => {
  if (isEnding) return;
  relay.add({ type: 'worker-died', pid: worker.process.pid, signal: signal ?? code });
  cluster.fork(); // what the dead one had acknowledged is sealed by whoever looks next
});

process.on('SIGTERM', async () => {
  isEnding = true;
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  while (Object.keys(cluster.workers).length > 0) await new Promise((resolve) => cluster.once('exit', resolve));
  const { drained } = await relay.close({ drain: true });
  console.log(`drained: ${drained?.endedBy}`);
  process.exit();
});
