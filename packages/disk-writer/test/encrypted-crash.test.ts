// Goal: whatever moment the power fails or the process is killed, acknowledged events are there once, sealed segments are
// whole, and no pair of key and nonce has sealed two plaintexts (S2, S6).
// Method: a writer rotates segments and keys; at each step of the disk, outcomes of a crash are recovered and read.
import { rotateByEvents } from '@relaykit/rotation';
import { type EncryptionKey, KeyRing } from '@relaykit/serializer-encrypted';
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import type { FlushMode } from '../src/index.ts';
import { encrypted, keyOf, NonceLedger, numbersIn, recover, ring, writerOn } from './encrypted-scene.ts';

interface Crash {
  readonly disk: SimulatedDisk;
  readonly acknowledged: number;
  readonly isKill: boolean;
}

async function runWorkload(
  flushMode: FlushMode,
  failsSync: boolean,
  seed: number,
  nonces: NonceLedger,
): Promise<readonly Crash[]> {
  const disk = new SimulatedDisk({ seed });
  const keys = ring('k1');
  const writer = writerOn(disk, { serializer: nonces.watch(encrypted(keys)), flushMode, rotation: rotateByEvents(5) });
  const crashes: Crash[] = [];
  let synced = 0;
  let written = 0;
  disk.onEveryStep((snapshot) => {
    crashes.push({ disk: snapshot.crash({ seed: seed + crashes.length }), acknowledged: synced, isKill: false });
    crashes.push({ disk: snapshot.kill(seed + crashes.length), acknowledged: written, isKill: true });
  });
  for (let n = 0; n < 18; n += 2) {
    if (n === 6) keys.rotate(keyOf('k2'));
    if (n === 12) keys.rotate(keyOf('k3'));
    if (failsSync && n === 8)
      disk.failNext(({ name, path }) => name === 'sync' && path.includes('.ndjson.enc'), 'EIO', { landed: 'all' });
    const durability = n % 4 === 0 ? 'synced' : 'written';
    const receipt = await writer.write([{ n }, { n: n + 1 }], { durability });
    written = n + 2;
    if (receipt.durability === 'synced') synced = written;
  }
  await writer.close();
  crashes.push({ disk: disk.snapshot().crash({ seed }), acknowledged: 18, isKill: false });
  return crashes;
}

describe('a crash at any step', () => {
  it.for([
    ['append', false],
    ['append', true],
    ['atomic', false],
    ['atomic', true],
  ] as const)('%s, a sync fails: %s', { timeout: 120_000 }, async ([flushMode, failsSync]) => {
    const nonces = new NonceLedger();
    const seed = Math.floor(Math.random() * 1_000_000);
    const crashes = await runWorkload(flushMode, failsSync, seed, nonces);
    expect(crashes.length).toBeGreaterThan(60);
    const all = Array.from({ length: 18 }, (_, n) => n);
    for (const [index, { disk, acknowledged, isKill }] of crashes.entries()) {
      const where = `seed ${seed}, crash ${index}: ${disk.describe()}`;
      // Without the old keys first, or with other bytes under their names, as an operator may have it.
      const wrong = ['k1', 'k2', 'k3'].map((id) => ({ id, key: new Uint8Array(32).fill(index % 250) }));
      const early = await recover(
        disk,
        index % 2 === 0 ? ring('k3') : new KeyRing({ current: wrong[0] as EncryptionKey, others: wrong }),
        index % 2 === 0 ? nonces : undefined,
      );
      expect(
        early.problems.filter(({ reason }) => !reason.includes('key')),
        where,
      ).toEqual([]);
      const report = await recover(disk, ring('k3', 'k1', 'k2'), nonces);
      expect(report.problems, where).toEqual([]);
      expect(report.filesWaiting, where).toBe(0);
      nonces.noteSealed(disk);
      const numbers = await numbersIn(disk, ring('k1', 'k2', 'k3'));
      expect(numbers, where).toEqual(all.slice(0, numbers.length));
      expect(numbers.length, `${where}, ${isKill ? 'killed' : 'power cut'}`).toBeGreaterThanOrEqual(acknowledged);
      // Twice is as good as once.
      expect(await recover(disk, ring('k1', 'k2', 'k3')), where).toMatchObject({
        segmentsRecovered: 0,
        problems: [],
      });
    }
    expect(nonces.pairs).toBeGreaterThanOrEqual(18);
    expect(nonces.reuses, `seed ${seed}`).toBe(0);
  });
});
