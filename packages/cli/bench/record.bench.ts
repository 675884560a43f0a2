// Question: how many lines a second does `relay record` take, checked and stored as they are?

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { exitCodes, runCommand } from '@relaykit/cli';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const lines = flights(isSmall ? 1_000 : 20_000).map((flight) => `${JSON.stringify(flight)}\n`);
const input = Buffer.from(lines.join(''));
const chunks = Array.from({ length: Math.ceil(input.byteLength / 65_536) }, (_, index) =>
  input.subarray(index * 65_536, (index + 1) * 65_536),
);
const directory = mkdtempSync(join(tmpdir(), 'relay-bench-'));

async function record(durability: string): Promise<void> {
  const silent = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  const code = await runCommand(['record', '--dir', join(directory, durability), '--durability', durability], {
    stdin: Readable.from(chunks),
    stdout: silent(),
    stderr: silent(),
    signal: new AbortController().signal,
    version: '0.0.0',
  });
  if (code !== exitCodes.done) throw new Error(`relay record ended with ${code}`);
}

try {
  const bench = new Bench(benchTimes());
  for (const durability of ['written', 'synced']) bench.add(durability, () => record(durability));
  await bench.run();
  printComparison(bench, { unit: 'lines', perIteration: lines.length, bytesPerIteration: input.byteLength });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
