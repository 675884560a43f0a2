import { join } from 'node:path';
import {
  accountForSpool,
  LEDGER_FILE,
  listSpoolFiles,
  parseSpoolFile,
  QUARANTINE_DIRECTORY,
  SPOOL_FILE,
  type SpoolFile,
  takeOwnership,
} from '@relaykit/segments';
import type { Finding } from './findings.ts';
import { formatBytes, formatCount } from './format.ts';
import type { LineSerializer } from './formats.ts';
import type { SpoolView } from './open-spool.ts';
import { sumQuarantine } from './segment-view.ts';
import { isSystemFailure } from './system-failure.ts';
import { orUnreadable } from './unreadable.ts';
import { isPacked } from './verify-decoding.ts';
import { verifyCompanion, verifySpoolFile } from './verify-files.ts';
import { verifyLedger } from './verify-ledger.ts';
import { type VerifySegmentOptions, verifySealed, verifyUnsealed } from './verify-segment.ts';

export type VerifyOptions = Omit<VerifySegmentOptions, 'spoolId'>;

/**
 * Reads all of a spool and yields what is not as it was written, file by file. Safe beside writers and exports: what
 * they seal, deliver or drop meanwhile is no damage. Changes nothing.
 */
export async function* verifySpool(options: VerifyOptions): AsyncGenerator<Finding> {
  const { view } = options;
  const { spoolId, finding } = await verifySpoolFile(view);
  if (finding) yield finding;
  let hasLedger = true;
  for await (const found of orUnreadable(LEDGER_FILE, verifyLedger(view))) {
    if (found.code === 'unreadable') hasLedger = false;
    yield found;
  }
  const files = await listSpoolFiles(view);
  const withSegment = new Set(files.filter(({ kind }) => isSegment(kind)).map(({ segment }) => segment.id));
  const isSettled = async (id: string) => hasLedger && (await view.ledger.find(id)) !== undefined;
  for (const file of files) {
    const { kind, fileName, segment } = file;
    const judge = (found: AsyncGenerator<Finding>) => stillThere(view, file, orUnreadable(fileName, found), isSettled);
    if (kind === 'sealed') {
      if (!(await isSettled(segment.id))) yield* judge(verifySealed(file, { ...options, spoolId }));
    } else if (kind === 'active' || kind === 'atomic') {
      if (await isWritten(view, file)) yield inUse(file);
      else yield* judge(verifyUnsealed(file, { ...options, spoolId }));
    } else if (hasLedger || kind !== 'metadata') {
      // Whether metadata may stand alone is what the ledger says.
      yield* judge(verifyCompanion(file, view, withSegment.has(segment.id)));
    }
  }
  if (hasLedger) yield* verifyNumbers(view);
  yield* noteOthers(view);
}

/** Sum of the bytes that will be read, for who shows how far it is: for the hash, for the frames, for what is in them. */
export async function bytesToVerify(view: SpoolView, formats: readonly LineSerializer[]): Promise<number> {
  const known = new Map(formats.map((serializer) => [serializer.format.fileExtension, serializer]));
  let bytes = 0;
  for (const { kind, fileName, segment } of await listSpoolFiles(view)) {
    if (kind !== 'sealed' && kind !== 'active') continue;
    const serializer = known.get(segment.fileExtension);
    const times = Number(kind === 'sealed') + (serializer === undefined ? 0 : isPacked(serializer) ? 2 : 1);
    if (times > 0) bytes += times * ((await view.fileSystem.stat(join(view.directory, fileName)))?.sizeBytes ?? 0);
  }
  return bytes;
}

function isSegment(kind: SpoolFile['kind']): boolean {
  return kind === 'sealed' || kind === 'active' || kind === 'atomic' || kind === 'salvage' || kind === 'gone';
}

/** What a living process moved on meanwhile looks odd and is in order. */
async function* stillThere(
  { directory, fileSystem }: SpoolView,
  { fileName, segment }: SpoolFile,
  found: AsyncGenerator<Finding>,
  isSettled: (id: string) => Promise<boolean>,
): AsyncGenerator<Finding> {
  const findings: Finding[] = [];
  for await (const finding of found) findings.push(finding);
  if (findings.length === 0) return;
  const isThere = (await fileSystem.stat(join(directory, fileName))) !== undefined;
  if (isThere && !(await isSettled(segment.id))) yield* findings;
}

/** Its writer holds the lock. Who may not write there cannot ask, and takes it for finished. */
async function isWritten({ directory, fileSystem }: SpoolView, { fileName }: SpoolFile): Promise<boolean> {
  const ownership = await takeOwnership(fileSystem, join(directory, fileName)).catch(() => undefined);
  if (ownership?.status === 'owned') await ownership.handle.close();
  return ownership?.status === 'busy';
}

function inUse({ fileName: file }: SpoolFile): Finding {
  return { severity: 'note', code: 'inUse', file, message: 'being written; not looked into' };
}

async function* verifyNumbers(view: SpoolView): AsyncGenerator<Finding> {
  const accounts = await accountForSpool(view).catch((cause: unknown) => {
    if (!isSystemFailure(cause)) throw cause;
  });
  // Without metadata that nobody can read, which is named by now, there is no telling.
  if (!accounts) return;
  const { lost, repeated } = accounts;
  const file = LEDGER_FILE;
  if (lost > 0) {
    const message = `${formatCount(lost, 'event')} nowhere: damaged, or not on disk when the power failed`;
    yield { severity: 'note', code: 'eventsLost', file, message };
  }
  if (repeated > 0) {
    const message = `${formatCount(repeated, 'event')} stand in two segments`;
    yield { severity: 'damage', code: 'eventsRepeated', file, message };
  }
}

const others: ReadonlySet<string> = new Set([
  SPOOL_FILE,
  LEDGER_FILE,
  `${LEDGER_FILE}.tmp`,
  'ledger.lock',
  QUARANTINE_DIRECTORY,
]);

async function* noteOthers(view: SpoolView): AsyncGenerator<Finding> {
  yield* orUnreadable(QUARANTINE_DIRECTORY, noteQuarantine(view));
  for (const file of (await view.fileSystem.list(view.directory)).toSorted()) {
    if (parseSpoolFile(file) || others.has(file)) continue;
    yield { severity: 'note', code: 'foreignFile', file, message: 'not ours; never touched' };
  }
}

async function* noteQuarantine(view: SpoolView): AsyncGenerator<Finding> {
  const { segments, bytes } = await sumQuarantine(view);
  if (bytes === 0) return;
  const message = `${formatCount(segments, 'segment')}, ${formatBytes(bytes)} that were damaged or refused; look at them`;
  yield { severity: 'note', code: 'quarantined', file: QUARANTINE_DIRECTORY, message };
}
