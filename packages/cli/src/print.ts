import type { CommandContext } from './command-context.ts';
import { LineOutput } from './line-output.ts';

/** Lines that are gathered before they are written. */
const gatheredChars = 64 * 1024;

/** Writes lines to standard output, and waits until they are written. */
export async function print(context: CommandContext, lines: Iterable<string>): Promise<void> {
  const output = new BulkOutput(context);
  for (const line of lines) {
    if (context.signal.aborted) break;
    await output.write(line);
  }
  await output.end();
}

/** Many lines: gathered, so that a million of them are a few thousand writes. */
export class BulkOutput {
  readonly #output: LineOutput;
  #lines: string[] = [];
  #chars = 0;
  #isLost = false;

  constructor({ stdout, signal }: CommandContext) {
    this.#output = new LineOutput(stdout, signal, () => {
      this.#isLost = true;
    });
  }

  /** Whether nobody takes more: the rest need not be made. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves at once, unless the system has to take what was gathered. */
  write(line: string): Promise<void> | undefined {
    this.#lines.push(line);
    this.#chars += line.length;
    return this.#chars > gatheredChars ? this.flush() : undefined;
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('\n');
    this.#lines = [];
    this.#chars = 0;
    await this.#output.write(text);
  }

  /** @throws Error - lines were lost though somebody may want them. */
  async end(): Promise<void> {
    await this.flush();
    await this.#output.flush();
    this.#output.assertWritten();
  }
}
