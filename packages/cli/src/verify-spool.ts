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
import { isPacked } from './verify-decoding.ts';
import { verifyCompanion, verifyLedger, verifySpoolFile } from './verify-files.ts';
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
  yield* verifyLedger(view);
  const files = await listSpoolFiles(view);
  const withSegment = new Set(files.filter(({ kind }) => isSegment(kind)).map(({ segment }) => segment.id));
  const { records } = await view.ledger.content();
  for (const file of files) {
    if (file.kind === 'sealed') {
      if (!records.has(file.segment.id)) yield* stillThere(view, file, verifySealed(file, { ...options, spoolId }));
    } else if (file.kind === 'active' || file.kind === 'atomic') {
      if (await isWritten(view, file)) yield inUse(file);
      else yield* stillThere(view, file, verifyUnsealed(file, { ...options, spoolId }));
    } else yield* stillThere(view, file, verifyCompanion(file, view, withSegment.has(file.segment.id)));
  }
  yield* verifyNumbers(view);
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
  { directory, fileSystem, ledger }: SpoolView,
  { fileName, segment }: SpoolFile,
  found: AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  const findings: Finding[] = [];
  for await (const finding of found) findings.push(finding);
  if (findings.length === 0) return;
  const isThere = (await fileSystem.stat(join(directory, fileName))) !== undefined;
  if (isThere && !(await ledger.find(segment.id))) yield* findings;
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
  const { lost, repeated } = await accountForSpool(view);
  const file = LEDGER_FILE;
  if (lost > 0) {
    const message = `${formatCount(lost, 'event')} are nowhere: they were damaged, or not on disk when the power failed`;
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
  const { segments, bytes } = await sumQuarantine(view);
  if (bytes > 0) {
    const message = `${formatCount(segments, 'segment')}, ${formatBytes(bytes)} that were damaged or refused; look at them`;
    yield { severity: 'note', code: 'quarantined', file: QUARANTINE_DIRECTORY, message };
  }
  for (const file of (await view.fileSystem.list(view.directory)).toSorted()) {
    if (parseSpoolFile(file) || others.has(file)) continue;
    yield { severity: 'note', code: 'foreignFile', file, message: 'not ours; never touched' };
  }
}
