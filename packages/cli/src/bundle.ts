import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { handleSource, readPieces, systemCodeOf } from '@relaykit/segments';
import type { FileHandle } from '@relaykit/types';
import { type Pack, pack } from 'tar-stream';
import { type BundleContent, type BundleEntry, cannotBeRead, type LeftOut } from './bundle-entries.ts';
import type { SpoolView } from './open-spool.ts';

export interface WriteBundleOptions {
  readonly signal: AbortSignal;
  readonly onRead: (bytes: number) => void;
}

/** @returns What could not be packed. */
export async function writeBundle(
  view: SpoolView,
  { entries }: BundleContent,
  streams: readonly (Writable | NodeJS.ReadWriteStream)[],
  { signal, onRead }: WriteBundleOptions,
): Promise<readonly LeftOut[]> {
  const tar = pack();
  const leftOut: LeftOut[] = [];
  const fill = async (): Promise<void> => {
    for (const entry of entries) {
      signal.throwIfAborted();
      const missing = await addEntry(tar, view, entry, onRead);
      if (missing) leftOut.push(missing);
    }
    tar.finalize();
  };
  const written = pipeline([tar, ...streams] as Parameters<typeof pipeline>[0] & NodeJS.ReadWriteStream[], { signal });
  await Promise.all([fill().catch((error: unknown) => void tar.destroy(error as Error)), written]);
  return leftOut;
}

async function addEntry(
  tar: Pack,
  view: SpoolView,
  { name, text, sizeBytes, modifiedAtMs }: BundleEntry,
  onRead: (bytes: number) => void,
): Promise<LeftOut | undefined> {
  const header = { name: `spool/${name}`, size: sizeBytes, mode: 0o600, mtime: new Date(modifiedAtMs) };
  if (text !== undefined) {
    await new Promise<void>((resolve, reject) => {
      tar.entry(header, text, (error) => (error ? reject(error) : resolve()));
    });
    return undefined;
  }
  let handle: FileHandle;
  try {
    handle = await view.fileSystem.openFile(join(view.directory, name), 'read');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return { name, reason: 'it went meanwhile', isUnread: false };
    return { name, reason: cannotBeRead(cause), isUnread: true };
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()));
      const feed = async (): Promise<void> => {
        let given = 0;
        for await (const piece of readPieces(handleSource(handle, 0, sizeBytes))) {
          given += piece.byteLength;
          onRead(piece.byteLength);
          if (!entry.write(piece)) await new Promise<void>((drained) => void entry.once('drain', () => drained()));
        }
        // The header has promised so many; a file that was cut meanwhile is filled up with zeros.
        if (given < sizeBytes) entry.write(Buffer.alloc(sizeBytes - given));
        entry.end(undefined);
      };
      feed().catch(reject);
    });
    return undefined;
  } finally {
    await handle.close();
  }
}
