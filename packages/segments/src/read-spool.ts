import { join, resolve } from 'node:path';
import {
  type ByteSource,
  type DamageReason,
  type EventSerializer,
  type FileHandle,
  type FileSystem,
  isRelayError,
  RelayError,
  type SegmentContext,
  type SegmentName,
} from '@relaykit/types';
import { handleSource } from './handle-source.ts';
import { Ledger } from './ledger.ts';
import { readMetadataFile } from './metadata-file.ts';
import { nodeFileSystem } from './node-file-system.ts';
import { salvageId } from './salvage.ts';
import { isOf, withoutCopies } from './segment-copies.ts';
import { findSpoolIdSync } from './spool-identity.ts';
import { parseSpoolFile, type SpoolFile, salvageFileName, sealedFileName } from './spool-names.ts';
import { systemClock } from './system-clock.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';
import { undecodable } from './undecodable.ts';

/** What `readSpool` reads, and what it does about damage. */
export interface ReadSpoolOptions<TEvent> {
  /** Formats that may be met, found by their file extension; a segment in another one is skipped. */
  readonly serializers: readonly EventSerializer<TEvent>[];
  /** Segments begun before are left out: milliseconds since the epoch, or a date. */
  readonly since?: number | Date;
  /** Segments begun after are left out. */
  readonly until?: number | Date;
  /**
   * Most bytes that one frame or line may decode to: more is `RELAY_LIMIT_EXCEEDED`. Events may take 35 times the memory of
   * their line, so lower it where others may place files in the spool, to the `maxEventBytes` of your writers and 256 KiB
   * for the rest of a frame. Defaults to what each serializer takes.
   */
  readonly maxDecodedBytes?: number;
  /** Ends the reading between two events, with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Told of damage, and of a file that this user may not read; reading goes on with the next intact frame. Without it,
   * damage ends the reading with `RELAY_SEGMENT_DAMAGED`.
   */
  readonly onDamage?: (error: RelayError) => void;
  /** Defaults to the real one. */
  readonly fileSystem?: FileSystem;
}

const REFUSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/** One event, and where it stands. */
export interface SpooledEvent<TEvent> {
  readonly event: TEvent;
  readonly segmentId: string;
}

/**
 * Yields the events that wait in a spool, segment by segment in the order of their names: in order for each writer,
 * approximately in time across writers. Takes no lock and changes nothing, so it is safe beside living writers; of a
 * segment that is being written it yields the whole frames that are there.
 *
 * @throws RelayError `RELAY_STORAGE_FAILED`, `RELAY_SPOOL_UNSUPPORTED`, `RELAY_SEGMENT_DAMAGED`, `RELAY_KEY_MISSING`,
 *   `RELAY_LIMIT_EXCEEDED`
 */
export async function* readSpool<TEvent>(
  spoolDirectory: string,
  options: ReadSpoolOptions<TEvent>,
): AsyncGenerator<SpooledEvent<TEvent>> {
  const { fileSystem = nodeFileSystem(), since = 0, until = Number.POSITIVE_INFINITY, serializers, signal } = options;
  const directory = resolve(spoolDirectory);
  const files = [...(await readableFiles(fileSystem, directory))];
  const spoolId = findSpoolIdSync(fileSystem, directory);
  for (const file of files) {
    const { createdAtMs, fileExtension, id } = file.segment;
    if (createdAtMs < Number(since) || createdAtMs > Number(until)) continue;
    const serializer = serializers.find(({ format }) => format.fileExtension === fileExtension);
    const opened =
      serializer && (await open(fileSystem, directory, file, spoolId).catch(passRefused(options.onDamage)));
    if (!opened) continue;
    try {
      for await (const event of eventsOf(opened, serializer, id, options, () => isThere(fileSystem, directory, file))) {
        signal?.throwIfAborted();
        yield { event, segmentId: id };
      }
    } catch (error) {
      // Delivered or given up while it was read: its bytes were taken away, not damaged.
      if (!isRelayError(error) || isThere(fileSystem, directory, file)) throw error;
    } finally {
      await opened.handle.close();
    }
    const next = opened.continuedIn && salvageOf(opened.continuedIn, fileExtension);
    // Between the two steps of a move its events stand where a listing tells nobody that they count.
    if (next && !files.some(({ segment }) => segment.id === next.segment.id))
      files.splice(files.indexOf(file) + 1, 0, next);
  }
}

/** One file that this user may not read costs itself, where somebody is told. */
function passRefused(onDamage: ((error: RelayError) => void) | undefined): (error: unknown) => undefined {
  return (error) => {
    const isRefused = isRelayError(error, 'RELAY_STORAGE_FAILED') && REFUSED.has(error.facts.systemCode ?? '');
    if (!onDamage || !isRefused) throw error;
    onDamage(error);
  };
}

function salvageOf(id: string, fileExtension: string): SpoolFile | undefined {
  return parseSpoolFile(salvageFileName(id, fileExtension));
}

function isThere(fileSystem: FileSystem, directory: string, { fileName, segment }: SpoolFile): boolean {
  const names = [fileName, sealedFileName(segment.id, segment.fileExtension)];
  return names.some((name) => fileSystem.statSync(join(directory, name)) !== undefined);
}

interface OpenedSegment {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly isSealed: boolean;
  readonly spoolId: string;
  /** The segment that took over what its metadata leaves out. */
  readonly continuedIn?: string | undefined;
}

/** What metadata says of a file; `undefined` where it says that the file is no segment. */
type Description = Omit<OpenedSegment, 'handle'> | undefined;

async function readableFiles(fileSystem: FileSystem, directory: string): Promise<readonly SpoolFile[]> {
  let names: readonly string[];
  try {
    names = await fileSystem.list(directory);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'list', path: directory });
  }
  const named = [...names].sort().map(parseSpoolFile);
  const files = await withoutCopies(
    fileSystem,
    directory,
    named.filter((file) => file !== undefined),
  );
  const sealed = new Set(files.filter(({ kind }) => kind === 'sealed').map(({ segment }) => segment.id));
  return (
    files
      .filter(({ kind }) => kind === 'sealed' || kind === 'active' || kind === 'atomic')
      // A listing made during a rename may name a file twice. What was salvaged stands in its own segment.
      .filter(({ kind, segment: { id, firstSequence } }) =>
        kind === 'sealed' ? true : !sealed.has(id) && !sealed.has(salvageId(id, firstSequence)),
      )
      .sort((a, b) => (a.segment.id < b.segment.id ? -1 : 1))
  );
}

/** `undefined` where the segment is gone, or counts for nothing yet. */
async function open(
  fileSystem: FileSystem,
  directory: string,
  { kind, fileName, segment }: SpoolFile,
  spoolId: string | undefined,
): Promise<OpenedSegment | undefined> {
  // Since the listing it may have been sealed, so the final name is the second try.
  for (const name of new Set([fileName, sealedFileName(segment.id, segment.fileExtension)])) {
    const path = join(directory, name);
    let handle: FileHandle;
    try {
      handle = await fileSystem.openFile(path, 'read');
    } catch (cause) {
      const code = systemCodeOf(cause);
      // What somebody placed there that is no file is no segment.
      if (code === 'ENOENT' || code === 'EISDIR' || code === 'ELOOP' || code === 'EINVAL') continue;
      throw toStorageError(cause, { operation: 'open', path });
    }
    const described = await describe(fileSystem, directory, segment, handle).catch(async (cause: unknown) => {
      await handle.close();
      throw toStorageError(cause, { operation: 'read', path });
    });
    const isUnwritten = kind === 'atomic' && name === fileName && !described?.isSealed;
    const isSettled =
      !described?.isSealed && kind === 'sealed' && (await isRecorded(fileSystem, directory, segment.id));
    if (!described || isUnwritten || isSettled) {
      await handle.close();
      return undefined;
    }
    // What somebody brought from another spool says so itself; formats that check it go by where it was found.
    return { handle, ...described, ...(spoolId === undefined ? {} : { spoolId }) };
  }
  return undefined;
}

async function describe(
  fileSystem: FileSystem,
  directory: string,
  segment: SegmentName,
  handle: FileHandle,
): Promise<Description> {
  const metadata = await readMetadataFile(fileSystem, directory, segment.id);
  if (metadata && !isOf(metadata, segment)) return undefined;
  const { sizeBytes } = await handle.stat();
  return {
    sizeBytes: Math.min(sizeBytes, metadata?.bytes ?? sizeBytes),
    // One that kept no event has handed them on, and is about to go.
    isSealed: metadata !== undefined && metadata.eventCount > 0,
    spoolId: metadata?.spoolId ?? '',
    continuedIn: metadata?.continuedIn,
  };
}

/** Without metadata a sealed file may be a copy of what is delivered by now. The ledger knows. */
async function isRecorded(fileSystem: FileSystem, directory: string, id: string): Promise<boolean> {
  const ledger = new Ledger({ directory, fileSystem, clock: systemClock() });
  return (await ledger.find(id)) !== undefined;
}

async function* eventsOf<TEvent>(
  { handle, sizeBytes, isSealed, spoolId }: OpenedSegment,
  serializer: EventSerializer<TEvent>,
  segmentId: string,
  { onDamage, maxDecodedBytes }: Pick<ReadSpoolOptions<TEvent>, 'onDamage' | 'maxDecodedBytes'>,
  isStillThere: () => boolean,
): AsyncGenerator<TEvent> {
  const limits = maxDecodedBytes === undefined ? undefined : { maxDecodedBytes };
  const whole = sourceOf(handle, 0, sizeBytes);
  const context: SegmentContext = { spoolId, segmentId, isSealed };
  if (!onDamage) {
    yield* serializer.decode(whole, context, limits);
    return;
  }
  const { damaged, intact, isClosed, missingKeyId, tornTailBytes, unopenedKeyId } = await serializer.scan(
    whole,
    context,
    limits,
  );
  if (missingKeyId !== undefined) throw keyMissing(segmentId, missingKeyId);
  if (unopenedKeyId !== undefined) throw keyWrong(segmentId, unopenedKeyId);
  for (const { positionBytes, reason } of damaged) onDamage(damageError(segmentId, positionBytes, reason));
  for (const { positionBytes, lengthBytes, firstFrameIndex } of intact) {
    const part = { ...context, isSealed: false, firstFrameIndex };
    const endBytes = positionBytes + lengthBytes;
    for (let fromBytes = positionBytes; fromBytes < endBytes; ) {
      try {
        yield* serializer.decode(sourceOf(handle, fromBytes, endBytes), part, limits);
        break;
      } catch (error) {
        const found = undecodable(error, endBytes - fromBytes);
        if (!found || !isStillThere()) throw error;
        const damage = damageError(segmentId, fromBytes + found.positionBytes, found.reason);
        onDamage(isRelayError(error, 'RELAY_LIMIT_EXCEEDED') ? error : damage);
        fromBytes += found.nextBytes;
      }
    }
  }
  // An open segment may end anywhere; a sealed one was whole.
  if (isSealed && tornTailBytes > 0) onDamage(damageError(segmentId, sizeBytes - tornTailBytes, 'syntax'));
  else if (isSealed && isClosed === false) onDamage(damageError(segmentId, sizeBytes, 'authentication'));
}

/** Serializers pass on what a source throws, so it bears our code from the start. */
function sourceOf(handle: FileHandle, fromBytes: number, toBytes: number): ByteSource {
  const { sizeBytes, read } = handleSource(handle, fromBytes, toBytes);
  return {
    sizeBytes,
    read: (positionBytes, lengthBytes) =>
      read(positionBytes, lengthBytes).catch((cause: unknown) => {
        throw toStorageError(cause, { operation: 'read', path: handle.path });
      }),
  };
}

function keyMissing(segmentId: string, keyId: string): RelayError<'RELAY_KEY_MISSING'> {
  const message = `Segment ${segmentId} needs the key ${keyId}, which its serializer does not have.`;
  return new RelayError('RELAY_KEY_MISSING', message, { segmentId, keyId });
}

/** For the reader the same: without the key that encrypted the segment nothing of it can be said. */
function keyWrong(segmentId: string, keyId: string): RelayError<'RELAY_KEY_MISSING'> {
  const message = `No frame of segment ${segmentId} opens with the key ${keyId}: it has other bytes than the one that encrypted them, or the segment is of another spool. Give its serializer the right key.`;
  return new RelayError('RELAY_KEY_MISSING', message, { segmentId, keyId });
}

function damageError(segmentId: string, positionBytes: number, reason: DamageReason): RelayError {
  const message = `Segment ${segmentId} is damaged at byte ${positionBytes} (${reason}); what is intact was read.`;
  return new RelayError('RELAY_SEGMENT_DAMAGED', message, { segmentId, positionBytes, reason });
}
