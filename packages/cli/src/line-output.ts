import type { Writable } from 'node:stream';

/** How long the end still waits for a reader once the signal came: one that reads at all is done by then. */
export const lastReadMs = 250;

/**
 * Writes lines to a stream whose reader may be slow, or go away. A reader that went away ends the output and nothing
 * else: what is being recorded matters more than who listens. Once the signal came, nothing waits for a reader.
 */
export class LineOutput {
  readonly #stream: Writable;
  readonly #signal: AbortSignal;
  readonly #onLost: (cause: Error) => void;
  /** Who waits for a line of theirs to be taken. */
  readonly #waiting = new Set<() => void>();
  #pendingLines = 0;
  #onIdle: () => void = () => undefined;
  #lost: Error | undefined;

  /** @param onLost - Called once, with what went wrong, when nothing more can be written. */
  constructor(stream: Writable, signal: AbortSignal, onLost: (cause: Error) => void = () => undefined) {
    this.#stream = stream;
    this.#signal = signal;
    this.#onLost = onLost;
    stream.on('error', (cause) => this.#lose(cause));
    signal.addEventListener('abort', () => this.#release(), { once: true });
  }

  /** Bytes that the system has not taken yet. */
  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  /** Resolves once the line has been handed to the system, or can no longer be, or the signal came. */
  write(line: string): Promise<void> {
    if (this.#lost) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#pendingLines += 1;
      this.#stream.write(`${line}\n`, (cause) => {
        if (cause) this.#lose(cause);
        this.#waiting.delete(resolve);
        resolve();
        this.#pendingLines -= 1;
        if (this.#pendingLines === 0) this.#onIdle();
      });
      if (this.#signal.aborted) this.#release();
    });
  }

  /** Resolves once the system has taken all lines; after the signal, `lastReadMs` later at the latest. */
  async flush(): Promise<void> {
    if (this.#pendingLines === 0) return;
    const signal = this.#signal;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      onAbort = () => {
        timer = setTimeout(resolve, lastReadMs);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }

  /** @throws Error - lines were lost though somebody may want them. A reader that went away has had enough. */
  assertWritten(): void {
    const cause = this.#lost;
    if (!cause || ('code' in cause && cause.code === 'EPIPE')) return;
    throw new Error('Cannot write to standard output', { cause });
  }

  #release(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #lose(cause: Error): void {
    if (this.#lost) return;
    this.#lost = cause;
    this.#onLost(cause);
  }
}
