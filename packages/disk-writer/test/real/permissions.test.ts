// Goal: what a spool holds is for its owner alone, whatever the umask.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startChild, temporaryDirectory } from './child-process.ts';

it.skipIf(process.platform === 'win32')('makes files 0600 in directories 0700 under umask 0', async () => {
  const directory = join(temporaryDirectory(onTestFinished), 'spool');
  const child = startChild('write-with-umask.ts', directory);
  await child.ended;
  const modes = new Map([[directory, modeOf(directory)]]);
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    modes.set(entry, modeOf(join(directory, entry)));
  }
  const wrong = [...modes].filter(([, { isDirectory, mode }]) => mode !== (isDirectory ? 0o700 : 0o600));
  expect(wrong).toEqual([]);
  const kinds = ['.open', '.ndjson', '.meta.json', '.export.json', 'ledger.ndjson', 'ledger.lock', 'spool.json'];
  for (const kind of kinds)
    expect(
      [...modes.keys()].some((path) => path.endsWith(kind)),
      kind,
    ).toBe(true);
  expect(modes.get('quarantine')?.isDirectory).toBe(true);
});

function modeOf(path: string): { readonly isDirectory: boolean; readonly mode: number } {
  const found = statSync(path);
  return { isDirectory: found.isDirectory(), mode: found.mode & 0o777 };
}
