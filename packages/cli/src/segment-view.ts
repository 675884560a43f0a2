import { join } from 'node:path';
import { listSpoolFiles, parseSpoolFile, QUARANTINE_DIRECTORY, readMetadataFile } from '@relaykit/segments';
import type { SegmentMetadata } from '@relaykit/types';
import type { SpoolView } from './open-spool.ts';

/**
 * One segment. `ready` and `held` are sealed and have all of their metadata; `open` is being written, or was left behind
 * by a writer that died and waits to be recovered. `unknown` is sealed, and its metadata is lost.
 */
export type ListedSegment =
  | (SegmentMetadata & { readonly state: 'ready' | 'held' })
  | { readonly state: 'open' | 'unknown'; readonly id: string; readonly createdAt: string; readonly bytes: number };

/** Metadata of sealed segments by id. It changes where somebody rebuilds or releases it, and then says so once more. */
export type MetadataCache = Map<string, SegmentMetadata>;

/** What waits, oldest first. */
export async function listSegments(view: SpoolView, cache: MetadataCache = new Map()): Promise<ListedSegment[]> {
  const { directory, fileSystem, ledger } = view;
  const files = await listSpoolFiles(view);
  const { records } = await ledger.content();
  const sealed: ListedSegment[] = [];
  const open: ListedSegment[] = [];
  const seen = new Set<string>();
  for (const { kind, fileName, segment } of files) {
    const { id, createdAtMs } = segment;
    if (kind === 'sealed' && !records.has(id)) {
      seen.add(id);
      const metadata = cache.get(id) ?? (await readMetadataFile(fileSystem, directory, id));
      if (metadata) {
        // What is held may be released any time.
        if (metadata.exportReady) cache.set(id, metadata);
        sealed.push({ state: metadata.exportReady ? 'ready' : 'held', ...metadata });
        continue;
      }
    } else if (kind !== 'active' && kind !== 'atomic') continue;
    const found = await fileSystem.stat(join(directory, fileName));
    // A file that went meanwhile was sealed, delivered or dropped.
    if (!found) continue;
    const facts = { id, createdAt: new Date(createdAtMs).toISOString(), bytes: found.sizeBytes };
    if (kind !== 'sealed') open.push({ state: 'open', ...facts });
    else if (!(await ledger.find(id))) sealed.push({ state: 'unknown', ...facts });
  }
  for (const id of cache.keys()) if (!seen.has(id)) cache.delete(id);
  return [...sealed, ...open];
}

/** What is in quarantine: segments, and the bytes of everything there. */
export async function sumQuarantine({
  directory,
  fileSystem,
}: SpoolView): Promise<{ segments: number; bytes: number }> {
  const quarantine = join(directory, QUARANTINE_DIRECTORY);
  if ((await fileSystem.stat(quarantine)) === undefined) return { segments: 0, bytes: 0 };
  let segments = 0;
  let bytes = 0;
  for (const fileName of await fileSystem.list(quarantine)) {
    const kind = parseSpoolFile(fileName)?.kind;
    if (kind === 'sealed' || kind === 'active' || kind === 'atomic') segments += 1;
    bytes += (await fileSystem.stat(join(quarantine, fileName)))?.sizeBytes ?? 0;
  }
  return { segments, bytes };
}
