import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { handleSource, parseSpoolFile, QUARANTINE_DIRECTORY, readPieces } from '@relaykit/segments';
import { type Pack, pack } from 'tar-stream';
import { describeSnapshot } from './commands/stat.ts';
import type { SpoolView } from './open-spool.ts';
import { SpoolWatcher } from './spool-snapshot.ts';

/** One file of the tar. Without `text` it is read from the spool. */
interface BundleEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly text?: string;
}

export interface BundleContent {
  readonly entries: readonly BundleEntry[];
}

const described = new Set(['spool.json', 'ledger.ndjson']);

/** What goes in: files of a spool by their names, so nothing that somebody put beside them. */
export async function bundleEntries(
  view: SpoolView,
  { withEvents, version }: { readonly withEvents: boolean; readonly version: string },
): Promise<BundleContent> {
  const entries: BundleEntry[] = [];
  const listing: string[] = [];
  for (const folder of ['', QUARANTINE_DIRECTORY]) {
    const directory = join(view.directory, folder);
    if ((await view.fileSystem.stat(directory)) === undefined) continue;
    for (const fileName of (await view.fileSystem.list(directory)).toSorted()) {
      const found = await view.fileSystem.stat(join(directory, fileName));
      if (found?.kind !== 'file') continue;
      const name = folder === '' ? fileName : `${folder}/${fileName}`;
      const { sizeBytes, modifiedAtMs, mode } = found;
      listing.push(`${mode.toString(8)} ${sizeBytes} ${new Date(modifiedAtMs).toISOString()} ${JSON.stringify(name)}`);
      if (isWanted(fileName, withEvents)) entries.push({ name, sizeBytes, modifiedAtMs });
    }
  }
  const snapshot = await new SpoolWatcher(view).snapshot();
  return {
    entries: [
      ...entries,
      made(
        'about.json',
        `${JSON.stringify({ relay: version, node: process.version, platform: process.platform, snapshot }, undefined, 2)}\n`,
      ),
      made('stat.txt', `${describeSnapshot(snapshot).join('\n')}\n`),
      made('files.txt', `${listing.join('\n')}\n`),
    ],
  };
}

function isWanted(fileName: string, withEvents: boolean): boolean {
  if (described.has(fileName)) return true;
  const kind = parseSpoolFile(fileName)?.kind;
  if (kind === 'metadata' || kind === 'exportState') return true;
  return withEvents && (kind === 'sealed' || kind === 'active' || kind === 'atomic');
}

function made(name: string, text: string): BundleEntry {
  return { name, text, sizeBytes: Buffer.byteLength(text), modifiedAtMs: Date.now() };
}

export interface WriteBundleOptions {
  readonly signal: AbortSignal;
  readonly onRead: (bytes: number) => void;
}

/** @returns Names of files that went before they were read. */
export async function writeBundle(
  view: SpoolView,
  { entries }: BundleContent,
  streams: readonly (Writable | NodeJS.ReadWriteStream)[],
  { signal, onRead }: WriteBundleOptions,
): Promise<readonly string[]> {
  const tar = pack();
  const skipped: string[] = [];
  const fill = async (): Promise<void> => {
    for (const entry of entries) {
      signal.throwIfAborted();
      if (!(await addEntry(tar, view, entry, onRead))) skipped.push(entry.name);
    }
    tar.finalize();
  };
  const written = pipeline([tar, ...streams] as Parameters<typeof pipeline>[0] & NodeJS.ReadWriteStream[], { signal });
  await Promise.all([fill().catch((error: unknown) => void tar.destroy(error as Error)), written]);
  return skipped;
}

async function addEntry(
  tar: Pack,
  view: SpoolView,
  { name, text, sizeBytes, modifiedAtMs }: BundleEntry,
  onRead: (bytes: number) => void,
): Promise<boolean> {
  const header = { name: `spool/${name}`, size: sizeBytes, mode: 0o600, mtime: new Date(modifiedAtMs) };
  if (text !== undefined) {
    await new Promise<void>((resolve, reject) => {
      tar.entry(header, text, (error) => (error ? reject(error) : resolve()));
    });
    return true;
  }
  const handle = await view.fileSystem.openFile(join(view.directory, name), 'read').catch(() => undefined);
  if (!handle) return false;
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
    return true;
  } finally {
    await handle.close();
  }
}
