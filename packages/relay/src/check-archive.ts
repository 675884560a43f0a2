import { assertArchiveApartSync, nodeFileSystem } from '@relaykit/segments';
import type { AfterDelivery, FileSystem } from '@relaykit/types';

/**
 * Refuses an archive in the spool. Reads and touches nothing; what cannot be read yet is looked at again before the first
 * segment is sent.
 *
 * @throws TypeError
 */
export function checkArchive(
  directory: string,
  afterDelivery: AfterDelivery | undefined,
  fileSystem: FileSystem = nodeFileSystem(),
): void {
  if (afterDelivery === undefined || afterDelivery === 'delete' || typeof directory !== 'string') return;
  try {
    assertArchiveApartSync(fileSystem, directory, afterDelivery.archiveDirectory);
  } catch (error) {
    if (error instanceof TypeError) throw error;
  }
}
