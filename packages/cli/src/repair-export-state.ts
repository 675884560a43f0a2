import { join } from 'node:path';
import { type Spool, type SpoolFile, takeOwnership } from '@relaykit/segments';
import type { FileSystem } from '@relaykit/types';

/** An export state is a few hundred bytes. */
const maxStateBytes = 16 * 1024;

/** Whether an export state says something; a missing one says that nothing was tried. */
export async function isReadableState(fileSystem: FileSystem, directory: string, id: string): Promise<boolean> {
  const handle = await fileSystem.openFile(join(directory, `${id}.export.json`), 'read').catch(() => undefined);
  if (!handle) return true;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await handle.read(0, maxStateBytes)));
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}

/** Removes an export state that says nothing. `false` where there is none, or somebody else has the segment. */
export async function removeDamagedState(spool: Spool, { fileName, segment: { id } }: SpoolFile): Promise<boolean> {
  if (await isReadableState(spool.fileSystem, spool.directory, id)) return false;
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(fileName));
  if (ownership.status !== 'owned') return false;
  try {
    await spool.fileSystem.remove(spool.pathOf(`${id}.export.json`));
    return true;
  } finally {
    await ownership.handle.close();
  }
}
