import { join } from 'node:path';
import { nodeFileSystem, parseSpoolFile, SPOOL_FILE } from '@relaykit/segments';

/**
 * Commands that read a spool do not found one: a misspelt path would otherwise look like an empty spool.
 *
 * @throws Error - nothing is there that a writer made.
 */
export async function requireSpool(directory: string): Promise<void> {
  await requireDirectory(directory);
  if ((await nodeFileSystem().stat(join(directory, SPOOL_FILE))) === undefined) {
    throw new Error(`${directory} is no spool, spool.json is missing; check --dir. relay record makes one.`);
  }
}

/**
 * The same for commands that judge and mend spools, whose `spool.json` may be what is missing.
 *
 * @throws Error - nothing of a spool is there.
 */
export async function requireRemains(directory: string): Promise<void> {
  await requireDirectory(directory);
  const names = await nodeFileSystem().list(directory);
  if (!names.some((name) => name === SPOOL_FILE || parseSpoolFile(name))) {
    throw new Error(`${directory} is no spool, nothing of one is there; check --dir. relay record makes one.`);
  }
}

async function requireDirectory(directory: string): Promise<void> {
  const fileSystem = nodeFileSystem();
  const found = await fileSystem.stat(directory);
  if (found === undefined) {
    throw new Error(`There is no directory ${directory}; check --dir. relay record creates it.`);
  }
  // What a symbolic link points to is looked at by whoever opens the spool.
  if (found.kind !== 'directory' && found.kind !== 'symbolicLink') {
    throw new Error(`${directory} is not a directory; check --dir.`);
  }
}
