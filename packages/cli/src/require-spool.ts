import { join } from 'node:path';
import { nodeFileSystem } from '@relaykit/segments';

/**
 * Commands that read a spool do not found one: a misspelt path would otherwise look like an empty spool.
 *
 * @throws Error - nothing is there that a writer made.
 */
export async function requireSpool(directory: string): Promise<void> {
  const fileSystem = nodeFileSystem();
  const found = await fileSystem.stat(directory);
  if (found === undefined) {
    throw new Error(`There is no directory ${directory}; check --dir. relay record creates it.`);
  }
  // What a symbolic link points to is looked at by whoever opens the spool.
  if (found.kind !== 'directory' && found.kind !== 'symbolicLink') {
    throw new Error(`${directory} is not a directory; check --dir.`);
  }
  if ((await fileSystem.stat(join(directory, 'spool.json'))) === undefined) {
    throw new Error(`${directory} is no spool, spool.json is missing; check --dir. relay record makes one.`);
  }
}
