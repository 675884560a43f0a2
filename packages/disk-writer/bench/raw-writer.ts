// The least code that does the same work by hand, as a measure: no rotation, no recovery, no errors.
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

const datasync = promisify(fdatasync);
/** Strings joined before they are copied: the fastest measured. */
const JOINED = 16;

export class RawWriter {
  readonly #fd: number;
  readonly #memory = Buffer.allocUnsafe(8 * 1024 * 1024);
  #filled = 0;
  #position = 0;
  #syncing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o600);
  }

  encode(events: readonly object[]): void {
    for (let first = 0; first < events.length; first += JOINED) {
      let text = '';
      for (let index = first; index < Math.min(first + JOINED, events.length); index += 1) {
        text += `${JSON.stringify(events[index])}\n`;
      }
      this.#filled += this.#memory.write(text, this.#filled, 'utf8');
    }
  }

  /** Bytes written. */
  flush(): number {
    const bytes = this.#filled;
    writeSync(this.#fd, this.#memory, 0, bytes, this.#position);
    this.#position += bytes;
    this.#filled = 0;
    return bytes;
  }

  sync(): Promise<void> {
    return datasync(this.#fd);
  }

  /** Resolves once a sync that began after this call has ended; callers share it. */
  groupSync(): Promise<void> {
    this.#next ??= (this.#syncing ?? Promise.resolve()).then(() => {
      this.#syncing = this.#next;
      this.#next = undefined;
      if (this.#filled > 0) this.flush();
      return this.sync();
    });
    return this.#next;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
