// A spool that is sound, the same each time but for nonces: two sealed segments and one that its writer left open.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActiveSegmentFile, closingFrameOf, formatSegmentId, Spool, systemClock } from '@relaykit/segments';
import { formatToWrite, type LineSerializer } from '../../src/formats.ts';

export const SPOOL_ID = '5f0c1e9b7a3d42688c1f6e20d94ab371';
export const WRITER_ID = 'k3f9q2m4xa';
const CREATED_MS = Date.UTC(2026, 10, 22, 16, 40, 12);

/** What the formats of these spools are called, and how to ask for them. */
export const formats = {
  plain: {},
  gzip: { gzip: true },
  zstd: { zstd: true },
  encrypted: { isEncrypted: true },
  'gzip, encrypted': { gzip: true, isEncrypted: true },
} as const;

export type FormatName = keyof typeof formats;

export interface BuiltSegment {
  readonly id: string;
  readonly fileName: string;
  /** Where each frame begins, and the end of the file. */
  readonly borders: readonly number[];
  readonly events: readonly number[];
}

export interface SoundSpool {
  readonly directory: string;
  readonly format: FormatName;
  readonly keyFile: string;
  /** Events 0 to 11 in three frames of four. */
  readonly first: BuiltSegment;
  /** Events 12 to 17 in two frames of three. */
  readonly second: BuiltSegment;
  /** Events 18 to 26 in three frames of three, not sealed. */
  readonly open: BuiltSegment;
}

export const lineOf = (n: number): string => `{"n":${n},"name":"event ${n}"}`;

export async function buildSoundSpool(folder: string, format: FormatName): Promise<SoundSpool> {
  const directory = join(folder, 'spool');
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, 'spool.json'), `{"formatVersion":1,"spoolId":"${SPOOL_ID}"}\n`, { mode: 0o600 });
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, `golden ${'0f'.repeat(32)}\n`, { mode: 0o600 });
  const { isEncrypted, ...compression } = { isEncrypted: false, ...formats[format] };
  const serializer = await formatToWrite({ ...compression, ...(isEncrypted ? { keyFile } : {}) });
  const clock = { ...systemClock(), now: () => CREATED_MS + 60_000, monotonicMs: () => 0 };
  const spool = Spool.openSync({ directory, clock });
  const build = (first: number, frames: number, size: number, isSealed: boolean): Promise<BuiltSegment> =>
    buildSegment(spool, serializer, { first, frames, size, isSealed });
  return {
    directory,
    format,
    keyFile,
    first: await build(0, 3, 4, true),
    second: await build(12, 2, 3, true),
    open: await build(18, 3, 3, false),
  };
}

async function buildSegment(
  spool: Spool,
  serializer: LineSerializer,
  { first, frames, size, isSealed }: { first: number; frames: number; size: number; isSealed: boolean },
): Promise<BuiltSegment> {
  const createdAtMs = CREATED_MS + first * 1_000;
  const id = formatSegmentId({ createdAtMs, firstSequence: first, writerId: WRITER_ID });
  const { format } = serializer;
  const file = new ActiveSegmentFile({
    spool,
    format,
    writerId: WRITER_ID,
    firstSequence: first,
    createdAtMs,
    isAtomic: false,
  });
  const borders = [0];
  for (let frame = 0; frame < frames; frame += 1) {
    const lines = Array.from({ length: size }, (_, index) => lineOf(first + frame * size + index));
    const context = { spoolId: spool.spoolId, segmentId: id, frameIndex: frame };
    const { bytes, eventCount } = await serializer.encode(lines, context);
    file.appendSync([{ bytes, eventCount }]);
    borders.push(file.end.sizeBytes);
  }
  const events = Array.from({ length: frames * size }, (_, index) => first + index);
  if (!isSealed) {
    await file.abandon();
    return { id, fileName: `${id}.${format.fileExtension}.open`, borders, events };
  }
  const context = { spoolId: spool.spoolId, segmentId: id, frameIndex: frames };
  const closing = await closingFrameOf(serializer, {
    ...context,
    eventCount: events.length,
    sizeBytes: borders.at(-1) ?? 0,
  });
  if (closing) file.appendClosingSync(closing);
  await file.sync();
  await file.seal({ reason: 'bytes' });
  return { id, fileName: `${id}.${format.fileExtension}`, borders, events };
}
