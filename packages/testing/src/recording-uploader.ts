import type { LeasedSegment, SegmentUploader, UploadResult } from '@relaykit/types';
import { HoldGate } from './hold-gate.ts';

/** One call of `upload`, in the order in which the calls came. */
export interface RecordedUpload {
  readonly segmentId: string;
  readonly idempotencyKey: string;
  /** The bytes that were read; none where the upload was aborted before. */
  readonly bytes: Uint8Array;
  /** What was answered; `undefined` while it is held, after an abort and where a throw was scripted. */
  readonly result: UploadResult | undefined;
}

/** What to answer; an `Error` is thrown. */
export type ScriptedUpload = UploadResult | Error;

type MutableUpload = { -readonly [Key in keyof RecordedUpload]: RecordedUpload[Key] };

/** An uploader that takes everything, remembers it, and answers as a test has scripted. */
export class RecordingUploader implements SegmentUploader {
  readonly #uploads: MutableUpload[] = [];
  readonly #script: ScriptedUpload[] = [];
  readonly #gate = new HoldGate();
  #otherwise: (segment: LeasedSegment) => ScriptedUpload = () => ({ status: 'accepted' });
  #closeCount = 0;

  get uploads(): readonly RecordedUpload[] {
    return this.#uploads;
  }

  /** How often `close` was called. */
  get closeCount(): number {
    return this.#closeCount;
  }

  /** Uploads that `hold` keeps waiting now. */
  get heldCount(): number {
    return this.#gate.waitingCount;
  }

  /** The segments that were accepted, in order; one id twice is an upload done twice. */
  get acceptedIds(): readonly string[] {
    return this.#uploads.filter(({ result }) => result?.status === 'accepted').map(({ segmentId }) => segmentId);
  }

  /** Answers for the next uploads, one each, after those scripted before. */
  script(...answers: readonly ScriptedUpload[]): void {
    this.#script.push(...answers);
  }

  /** What is answered once the script is used up. Defaults to `accepted` for all. */
  otherwise(answer: (segment: LeasedSegment) => ScriptedUpload): void {
    this.#otherwise = answer;
  }

  /** Keeps uploads waiting for their answer, their bytes read. */
  hold(): void {
    this.#gate.hold();
  }

  /** Lets `count` uploads through, waiting ones first; without `count`, all and no longer holds. */
  release(count?: number): void {
    this.#gate.release(count);
  }

  async upload(segment: LeasedSegment, { signal }: { readonly signal: AbortSignal }): Promise<UploadResult> {
    const { idempotencyKey, info } = segment;
    const upload: MutableUpload = { segmentId: info.id, idempotencyKey, bytes: new Uint8Array(), result: undefined };
    this.#uploads.push(upload);
    signal.throwIfAborted();
    upload.bytes = await readAll(segment.stream(), signal);
    await this.#gate.wait(signal);
    signal.throwIfAborted();
    const answer = this.#script.shift() ?? this.#otherwise(segment);
    if (answer instanceof Error) throw answer;
    upload.result = answer;
    return answer;
  }

  async close(): Promise<void> {
    this.#closeCount += 1;
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of stream) {
    signal.throwIfAborted();
    pieces.push(piece.slice());
    sizeBytes += piece.byteLength;
  }
  const bytes = new Uint8Array(sizeBytes);
  let positionBytes = 0;
  for (const piece of pieces) {
    bytes.set(piece, positionBytes);
    positionBytes += piece.byteLength;
  }
  return bytes;
}
