import { join } from 'node:path';
import { parseSpoolFile, QUARANTINE_DIRECTORY } from '@relaykit/segments';
import { describeSnapshot } from './commands/stat.ts';
import { describeError } from './describe-error.ts';
import type { SpoolView } from './open-spool.ts';
import { SpoolWatcher } from './spool-snapshot.ts';

/** One file of the tar. Without `text` it is read from the spool. */
export interface BundleEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly text?: string;
}

/** What should be in the tar and is not. */
export interface LeftOut {
  readonly name: string;
  /** Goes on where "it is left out: " ended. */
  readonly reason: string;
  /** Whether it could not be read; one that was delivered meanwhile is in order. */
  readonly isUnread: boolean;
}

export interface BundleContent {
  readonly entries: readonly BundleEntry[];
  readonly leftOut: readonly LeftOut[];
}

const described = new Set(['spool.json', 'ledger.ndjson']);

/** What goes in: files of a spool by their names, so nothing that somebody put beside them, and nothing behind a link. */
export async function bundleEntries(
  view: SpoolView,
  { withEvents, version }: { readonly withEvents: boolean; readonly version: string },
): Promise<BundleContent> {
  const entries: BundleEntry[] = [];
  const leftOut: LeftOut[] = [];
  const listing: string[] = [];
  for (const folder of ['', QUARANTINE_DIRECTORY]) {
    const names = await list(view, folder);
    if ('reason' in names) {
      leftOut.push(names);
      continue;
    }
    for (const fileName of names) {
      const found = await view.fileSystem.stat(join(view.directory, folder, fileName));
      if (!found) continue;
      const name = folder === '' ? fileName : `${folder}/${fileName}`;
      const { kind, sizeBytes, modifiedAtMs, mode } = found;
      const what = `${mode.toString(8)} ${sizeBytes} ${new Date(modifiedAtMs).toISOString()} ${JSON.stringify(name)}`;
      listing.push(kind === 'file' ? what : `${what} ${kinds[kind]}`);
      if (!isWanted(fileName, withEvents)) continue;
      if (kind === 'file') entries.push({ name, sizeBytes, modifiedAtMs });
      else leftOut.push({ name, reason: `it is ${kinds[kind]}`, isUnread: true });
    }
  }
  const { about, stat } = await describeView(view);
  const facts = { relay: version, node: process.version, platform: process.platform, ...about };
  return {
    entries: [
      ...entries,
      made('about.json', `${JSON.stringify(facts, undefined, 2)}\n`),
      made('stat.txt', `${stat.join('\n')}\n`),
      made('files.txt', `${listing.join('\n')}\n`),
    ],
    leftOut,
  };
}

const kinds = { directory: 'a directory', symbolicLink: 'a symbolic link', other: 'no regular file' } as const;

/** Names in a folder of the spool. One that is a link holds what is not the spool's. */
async function list(view: SpoolView, folder: string): Promise<readonly string[] | LeftOut> {
  const directory = join(view.directory, folder);
  if (folder !== '') {
    const found = await view.fileSystem.stat(directory);
    if (!found) return [];
    if (found.kind !== 'directory') {
      const what = found.kind === 'file' ? 'a file' : kinds[found.kind];
      return { name: folder, reason: `it is ${what}, not a directory`, isUnread: true };
    }
  }
  try {
    return (await view.fileSystem.list(directory)).toSorted();
  } catch (cause) {
    if (folder === '') throw cause;
    return { name: folder, reason: cannotBeRead(cause), isUnread: true };
  }
}

/** A bundle is made where something is wrong: what keeps `relay stat` from its answer is an answer, too. */
async function describeView(view: SpoolView): Promise<{ about: object; stat: readonly string[] }> {
  try {
    const snapshot = await new SpoolWatcher(view).snapshot();
    return { about: { snapshot }, stat: describeSnapshot(snapshot) };
  } catch (cause) {
    const text = describeError(cause);
    return { about: { snapshotError: text }, stat: [`relay stat fails: ${text}`] };
  }
}

export function cannotBeRead(cause: unknown): string {
  return `it cannot be read: ${describeError(cause)}`;
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
