import type { CommandContext } from '../command-context.ts';

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const restOfLine = '\u001b[K';
const restOfScreen = '\u001b[J';
const escapeKey = '\u001b';
/** Ctrl-C ends the view like `q`: in raw mode the terminal sends no signals of its own. */
const endKeys: ReadonlySet<string> = new Set(['q', 'Q', '\u0003']);

/** Several keys may come at once. Escape alone is a key; followed by others it is one that has no letter, such as an arrow. */
function asksForEnd(keys: string): boolean {
  if (keys.includes('\u0003')) return true;
  return keys.startsWith(escapeKey) ? keys === escapeKey : [...keys].some((key) => endKeys.has(key));
}

/**
 * The whole terminal, on its other screen, so that what stood there comes back. Leaving is said once, whoever asks first:
 * the end of the view, a signal, or the exit of the process.
 */
export class FullScreen implements Disposable {
  readonly #context: CommandContext;
  readonly #onKey: (text: Buffer) => void;
  readonly #leave = (): void => this[Symbol.dispose]();
  #isLeft = false;

  /** @param onEnd - Called when a key asks for the end. */
  constructor(context: CommandContext, onEnd: () => void) {
    this.#context = context;
    this.#onKey = (text) => {
      if (asksForEnd(text.toString('latin1'))) onEnd();
    };
    const { stdin, stdout } = context;
    stdout.write(enter);
    process.once('exit', this.#leave);
    if (stdin.isTTY) {
      stdin.setRawMode?.(true);
      stdin.on('data', this.#onKey);
    }
  }

  get columns(): number {
    return this.#context.stdout.columns || 80;
  }

  get rows(): number {
    return this.#context.stdout.rows || 24;
  }

  /** Puts these lines on the screen, over what stood there, so that nothing flickers. */
  show(lines: readonly string[]): void {
    if (this.#isLeft) return;
    this.#context.stdout.write(`${home}${lines.map((line) => `${line}${restOfLine}`).join('\r\n')}${restOfScreen}`);
  }

  [Symbol.dispose](): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    const { stdin, stdout } = this.#context;
    process.off('exit', this.#leave);
    stdin.off('data', this.#onKey);
    if (stdin.isTTY) {
      stdin.setRawMode?.(false);
      stdin.pause();
    }
    stdout.write(leave);
  }
}
