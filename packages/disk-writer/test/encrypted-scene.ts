// What the tests of encrypted spools share: keys, a writer on a simulated disk, and what is found there afterwards.
import { noRetry } from '@relaykit/retry';
import { decodeMetadata, type RecoveryReport, readSpool } from '@relaykit/segments';
import { EncryptedSerializer, type EncryptionKey, KeyRing } from '@relaykit/serializer-encrypted';
import { JSONEventSerializer } from '@relaykit/serializers';
import { ManualClock, type SimulatedDisk } from '@relaykit/testing';
import type { EncodedFrame, EventSerializer, FileSystem, FrameContext, SegmentMetadata } from '@relaykit/types';
import { FileDiskWriter, type FileDiskWriterOptions } from '../src/index.ts';

export const SPOOL = '/spool';

export interface Numbered {
  readonly n: number;
}

/** Always the same 32 bytes for the same id. */
export function keyOf(id: string): EncryptionKey {
  return {
    id,
    key: Uint8Array.from({ length: 32 }, (_, index) => (id.charCodeAt(id.length - 1) * (index + 1)) & 0xff),
  };
}

export function ring(...ids: readonly string[]): KeyRing {
  const [current = 'k1', ...others] = ids;
  return new KeyRing({ current: keyOf(current), others: others.map(keyOf) });
}

export function encrypted(keys: KeyRing = ring('k1')): EncryptedSerializer<Numbered> {
  return new EncryptedSerializer(new JSONEventSerializer<Numbered>(), { keys });
}

export function writerOn(
  fileSystem: FileSystem,
  options: Partial<FileDiskWriterOptions<Numbered>> = {},
): FileDiskWriter<Numbered> {
  const clock = new ManualClock();
  return new FileDiskWriter({
    directory: SPOOL,
    fileSystem,
    clock,
    serializer: encrypted(),
    retry: noRetry,
    ...options,
  });
}

/** Opens the spool, which recovers it, and closes it again. */
export async function recover(fileSystem: FileSystem, keys?: KeyRing, nonces?: NonceLedger): Promise<RecoveryReport> {
  const serializer = encrypted(keys);
  const writer = writerOn(fileSystem, { serializer: nonces?.watch(serializer) ?? serializer });
  const report = await writer.open();
  await writer.close();
  return report;
}

/** Every event in the spool; sealed segments have to be whole. */
export async function numbersIn(
  fileSystem: FileSystem,
  readBy?: KeyRing | EventSerializer<Numbered>,
): Promise<readonly number[]> {
  const serializer = readBy === undefined || readBy instanceof KeyRing ? encrypted(readBy) : readBy;
  const numbers: number[] = [];
  for await (const { event } of readSpool(SPOOL, { serializers: [serializer], fileSystem })) numbers.push(event.n);
  return numbers;
}

export function namesIn(disk: SimulatedDisk): readonly string[] {
  return [...disk.files().keys()].map((path) => path.slice(SPOOL.length + 1)).filter((name) => /^\d{8}T/.test(name));
}

/** Metadata of the sealed segments, in the order of their names. */
export function metadataIn(disk: SimulatedDisk): readonly SegmentMetadata[] {
  return namesIn(disk)
    .filter((name) => name.endsWith('.meta.json'))
    .sort()
    .map((name) => {
      const bytes = disk.files().get(`${SPOOL}/${name}`) ?? new Uint8Array();
      const metadata = decodeMetadata(bytes, name.slice(0, -'.meta.json'.length));
      if (!metadata) throw new Error(`${name} is no metadata`);
      return metadata;
    });
}

/** Notes what each pair of key and nonce has sealed, over any number of disks and runs. */
export class NonceLedger {
  readonly #sealed = new Map<string, string>();
  #reuses = 0;

  get pairs(): number {
    return this.#sealed.size;
  }

  /** How often a pair was seen with another ciphertext. */
  get reuses(): number {
    return this.#reuses;
  }

  /** The same serializer, each of whose frames is noted. */
  watch(serializer: EncryptedSerializer<Numbered>): EventSerializer<Numbered> {
    const note = <T extends Uint8Array | EncodedFrame>(frame: T): T => {
      this.note(frame instanceof Uint8Array ? frame : frame.bytes);
      return frame;
    };
    const noteLater = <T extends Uint8Array | EncodedFrame>(frame: T | Promise<T>): T | Promise<T> =>
      frame instanceof Promise ? frame.then(note) : note(frame);
    const { encodeSync } = serializer;
    return {
      format: serializer.format,
      encode: (events, context, limits) => serializer.encode(events, context, limits).then(note),
      ...(encodeSync ? { encodeSync: (events, context, limits) => note(encodeSync(events, context, limits)) } : {}),
      createFrameBuilder: (limits) => {
        const builder = serializer.createFrameBuilder(limits);
        const { finish, finishSync } = builder;
        return Object.assign(builder, {
          finish: (context: FrameContext) => noteLater(finish.call(builder, context)),
          ...(finishSync ? { finishSync: (context: FrameContext) => note(finishSync.call(builder, context)) } : {}),
        });
      },
      closingFrame: (context) => noteLater(serializer.closingFrame(context)),
      keyIdOf: (frame) => serializer.keyIdOf(frame),
      decode: (source, context, limits) => serializer.decode(source, context, limits),
      scan: (source, context, limits) => serializer.scan(source, context, limits),
      async *reframe(source, range, from, to) {
        for await (const frame of serializer.reframe(source, range, from, to)) yield note(frame);
      },
    };
  }

  /** The frames of sealed segments: whatever was done to a file, they are what was sealed. */
  noteSealed(disk: SimulatedDisk): void {
    for (const [path, bytes] of disk.files()) {
      if (!path.endsWith('.ndjson.enc') || path.includes('quarantine')) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at < bytes.byteLength; ) {
        const end = at + 48 + (bytes[at + 7] ?? 0) + view.getUint32(at + 16, true) + 16;
        this.note(bytes.subarray(at, end));
        at = end;
      }
    }
  }

  note(frame: Uint8Array): void {
    if (frame.byteLength === 0) return;
    const keyIdEnd = 44 + (frame[7] ?? 0);
    const pair = Buffer.concat([frame.subarray(44, keyIdEnd), frame.subarray(20, 44)]).toString('hex');
    const sealed = Buffer.from(frame).toString('hex');
    if ((this.#sealed.get(pair) ?? sealed) !== sealed) this.#reuses += 1;
    this.#sealed.set(pair, sealed);
  }
}
