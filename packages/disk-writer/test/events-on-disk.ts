import { join } from 'node:path';
import { parseSpoolFile, systemCodeOf } from '@relaykit/segments';
import type { EventSerializer, FileSystem } from '@relaykit/types';

/** Every event in the segment files of a spool, sealed or not, in the order of their names. */
export async function eventsOnDisk<TEvent>(
  fileSystem: FileSystem,
  directory: string,
  serializer: EventSerializer<TEvent>,
): Promise<readonly TEvent[]> {
  const names = await fileSystem.list(directory).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const events: TEvent[] = [];
  for (const name of [...names].sort()) {
    const file = parseSpoolFile(name);
    if (file?.kind !== 'sealed' && file?.kind !== 'active') continue;
    const handle = await fileSystem.openFile(join(directory, name), 'read').catch((error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      return undefined;
    });
    // It was sealed meanwhile, and has its final name.
    if (!handle) return eventsOnDisk(fileSystem, directory, serializer);
    const { sizeBytes } = await handle.stat();
    const source = {
      sizeBytes,
      read: (position: number, length: number) => handle.read(position, Math.min(length, sizeBytes - position)),
    };
    const context = { spoolId: '', segmentId: file.segment.id, isSealed: file.kind === 'sealed' };
    for await (const event of serializer.decode(source, context)) events.push(event);
    await handle.close();
  }
  return events;
}
