import type { RawJSONLine } from '@relaykit/serializers';
import { type EventBatch, isRelayError, type WriteOptions, type WriteReceipt } from '@relaykit/types';
import { describeError } from './describe-error.ts';
import { type InputLine, isBlank, LineReader } from './line-reader.ts';

/** How far the input has been worked off. `lines = stored + refused + blank`. */
export interface RecordProgress {
  /** Lines of input that are settled: stored, refused with a message, or blank. */
  readonly lines: number;
  readonly stored: number;
  readonly refused: number;
  readonly blank: number;
}

/** One line that was not stored. */
export interface RefusedLine {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly reason: string;
}

/** What of a writer is needed: batches that encode as they are added. */
export interface LineWriter {
  openBatch(): EventBatch<RawJSONLine>;
  commit(batch: EventBatch<RawJSONLine>, options?: WriteOptions): Promise<WriteReceipt>;
}

export interface RecordLinesOptions {
  /** Chunks of bytes; the next is asked for only when the lines of the last are stored. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly writer: LineWriter;
  /** Largest line in bytes, its line end not counted. */
  readonly maxLineBytes: number;
  /** Stop at the first line that is refused; the lines before it are stored. */
  readonly isStrict: boolean;
  /** Stops reading. What was read in whole lines is stored. */
  readonly signal: AbortSignal;
  onRefused(line: RefusedLine): void;
  /** Called after each write, with what is safe by now. */
  onStored(progress: RecordProgress): void | Promise<void>;
}

export interface RecordSummary extends RecordProgress {
  /** `end` of input, `refused` under `isStrict`, or `signal`. */
  readonly endedBy: 'end' | 'refused' | 'signal';
  /** Bytes of a line that had begun when the signal came; they are not stored. */
  readonly unfinishedBytes?: number;
}

/**
 * Stores the lines of a stream of JSON texts, in order, each with its own bytes. The lines of one chunk are one batch:
 * whatever has arrived is on its way to the disk at once, and a disk that is slower than the input holds the input back.
 *
 * @throws What the writer throws. What `onStored` was told before is safe.
 */
export async function recordLines(options: RecordLinesOptions): Promise<RecordSummary> {
  const { input, maxLineBytes, signal } = options;
  const reader = new LineReader({ maxLineBytes });
  const recorder = new BatchRecorder(options);

  for await (const chunk of untilAborted(input, signal)) {
    if (!(await recorder.store(reader.push(chunk)))) return { ...recorder.progress, endedBy: 'refused' };
  }
  // Whether a line that has only begun is whole nobody can tell unless the input has ended.
  if (signal.aborted) return { ...recorder.progress, endedBy: 'signal', unfinishedBytes: reader.pendingBytes };
  const isComplete = await recorder.store(reader.end());
  return { ...recorder.progress, endedBy: isComplete ? 'end' : 'refused' };
}

class BatchRecorder {
  readonly #options: RecordLinesOptions;
  #progress: RecordProgress = { lines: 0, stored: 0, refused: 0, blank: 0 };

  constructor(options: RecordLinesOptions) {
    this.#options = options;
  }

  /** What is settled: a line counts once its batch is stored. */
  get progress(): RecordProgress {
    return this.#progress;
  }

  /** Stores lines as one batch. `false` where strictness stopped at one of them. */
  async store(lines: Iterable<InputLine>): Promise<boolean> {
    const { writer, isStrict, onStored } = this.#options;
    const batch = writer.openBatch();
    const settled = { ...this.#progress };
    for (const line of lines) {
      settled.lines += 1;
      const outcome = this.#take(line, batch);
      settled[outcome] += 1;
      if (outcome === 'refused' && isStrict) break;
    }
    if (batch.eventCount > 0) await writer.commit(batch);
    else batch.release();

    const isStopped = isStrict && settled.refused > this.#progress.refused;
    const isNews = settled.lines > this.#progress.lines;
    this.#progress = settled;
    if (isNews) await onStored(settled);
    return !isStopped;
  }

  #take(line: InputLine, batch: EventBatch<RawJSONLine>): 'stored' | 'refused' | 'blank' {
    const { maxLineBytes, onRefused } = this.#options;
    const { number } = line;
    if (line.kind === 'tooLong') {
      const { sizeBytes } = line;
      onRefused({ number, reason: `it is ${sizeBytes} bytes long; a line may have ${maxLineBytes}` });
      return 'refused';
    }
    if (isBlank(line.bytes)) return 'blank';
    const outcome = batch.add(line.bytes);
    if (outcome === 'added') return 'stored';
    onRefused({ number, reason: describeRefusal(outcome.rejected) });
    return 'refused';
  }
}

function describeRefusal(cause: unknown): string {
  if (!isRelayError(cause, 'RELAY_EVENT_UNSERIALIZABLE')) return describeError(cause);
  return cause.facts.reason === 'tooDeep' ? 'it is nested too deeply' : 'it is not a JSON value in valid UTF-8';
}

/** Ends, without an error, when the signal comes while the next chunk is awaited. */
async function* untilAborted(input: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]();
  let stop: () => void = () => undefined;
  const onAbort = (): void => stop();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      // One promise for each chunk: racing a promise that lasts would keep something of every chunk there was.
      const next = await new Promise<IteratorResult<Uint8Array, unknown> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
