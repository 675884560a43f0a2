// A spool in a temporary directory, and what is in it.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

/** A path where no directory is yet. */
export async function newSpool(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-cli-'));
  directories.push(directory);
  return join(directory, 'spool');
}

/** Names of the segment files, oldest first. */
export async function segmentFiles(spool: string): Promise<string[]> {
  return (await readdir(spool)).filter((name) => /\.ndjson(\.open)?$/u.test(name) && name !== 'ledger.ndjson').sort();
}

/** Bytes of all segments in order. */
export async function spoolBytes(spool: string): Promise<Buffer> {
  return Buffer.concat(await Promise.all((await segmentFiles(spool)).map((name) => readFile(join(spool, name)))));
}
