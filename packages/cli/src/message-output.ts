import type { Writable } from 'node:stream';
import { formatCount } from './format.ts';
import { LineOutput } from './line-output.ts';

/** What a pipe holds on Linux: a reader that is this far behind does not read, and memory must not pay for it. */
export const maxPendingMessageBytes: number = 64 * 1024;

/** Messages for a person. None waits for its reader; what the reader does not take in time is skipped and counted. */
export class MessageOutput {
  readonly #output: LineOutput;
  #skipped = 0;

  constructor(stream: Writable, signal: AbortSignal) {
    this.#output = new LineOutput(stream, signal);
  }

  say(text: string): void {
    if (this.#output.pendingBytes > maxPendingMessageBytes) this.#skipped += 1;
    else void this.#output.write(`relay: ${text}`);
  }

  /** Says what must be said in the end, and how much was skipped. Resolves as `LineOutput.flush`. */
  async end(texts: readonly string[]): Promise<void> {
    const skipped = this.#skipped;
    this.#skipped = 0;
    if (skipped > 0)
      void this.#output.write(`relay: ${formatCount(skipped, 'message')} not shown, nobody read in time`);
    for (const text of texts) void this.#output.write(`relay: ${text}`);
    await this.#output.flush();
  }
}
