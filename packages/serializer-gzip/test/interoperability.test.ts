// Goal: what is written here opens in the tools people have, and what they write is read here.
import { spawnSync } from 'node:child_process';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { describe, expect, it } from 'vitest';
import { decodeAll, frameOf, joined, lines, numbered } from './files.ts';

const PYTHON = 'import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))';

function run(command: string, args: readonly string[], input: Uint8Array): { status: number | null; stdout: Buffer } {
  return spawnSync(command, args, { input, maxBuffer: 64 * 1024 * 1024 });
}

function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

describe.each(['native', 'fflate'] as const)('a file written with %s', async (engine) => {
  const serializer = new GzipSerializer<unknown>(new JSONEventSerializer(), { engine });
  const frames = [numbered(1), numbered(2_000, 1), [{ text: 'Zürich 東京 👩‍👩‍👧' }]];
  const file = joined(...(await Promise.all(frames.map((events) => frameOf(serializer, events)))));
  const content = Buffer.from(lines(...frames.flat()));

  it.skipIf(!isInstalled('gzip'))('passes gzip -t (skipped where gzip is missing)', () => {
    expect(run('gzip', ['-t'], file).status).toBe(0);
  });

  it.skipIf(!isInstalled('zcat'))('comes out of zcat (skipped where zcat is missing)', () => {
    expect(run('zcat', [], file).stdout.equals(content)).toBe(true);
  });

  it.skipIf(!isInstalled('python3'))('comes out of Python (skipped where python3 is missing)', () => {
    expect(run('python3', ['-c', PYTHON], file).stdout.equals(content)).toBe(true);
  });

  it.skipIf(!isInstalled('gzip'))('reads what gzip makes (skipped where gzip is missing)', async () => {
    for (const level of ['-1', '-9']) {
      const made = run('gzip', ['-c', level], content).stdout;
      expect(await decodeAll(serializer, joined(made, made))).toEqual({
        events: [...frames.flat(), ...frames.flat()],
        error: undefined,
      });
    }
  });
});
