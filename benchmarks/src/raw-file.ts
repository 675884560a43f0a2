// The least code that puts lines into a file by hand: the measure for everything else. No rotation, no recovery, no
// answer to errors.
import { closeSync, fdatasync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { PageView } from './events.ts';

const datasync = promisify(fdatasync);
const writeAsync = promisify(write);
/** Strings joined before they are copied: the fastest measured. */
const JOINED = 16;

interface NodeBytes extends Buffer {
  utf8Write(text: string, positionBytes: number): number;
}

export class RawFile {
  readonly #fd: number;
  readonly #memory = Buffer.allocUnsafe(8 * 1024 * 1024) as NodeBytes;
  #text = '';
  #joined = 0;
  #filledBytes = 0;
  #positionBytes = 0;
  #next: Promise<void> | undefined;
  #syncing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o600);
  }

  /** Encodes an event into memory. */
  add(event: PageView): void {
    this.#text += `${JSON.stringify(event)}\n`;
    this.#joined += 1;
    if (this.#joined === JOINED) this.#copy();
  }

  /** Everything added, encoded. */
  bytes(): Uint8Array {
    this.#copy();
    return this.#memory.subarray(0, this.#filledBytes);
  }

  writeSync(): void {
    writeSync(this.#fd, this.bytes(), 0, this.#filledBytes, this.#positionBytes);
    this.#written();
  }

  async write(): Promise<void> {
    const { byteLength } = this.bytes();
    await writeAsync(this.#fd, this.#memory, 0, byteLength, this.#positionBytes);
    this.#written();
  }

  sync(): Promise<void> {
    return datasync(this.#fd);
  }

  /** Resolves once a write and a sync that began after this call have ended; callers share them. */
  groupSync(): Promise<void> {
    this.#next ??= this.#syncing.then(() => {
      this.#syncing = this.#groupWrite();
      this.#next = undefined;
      return this.#syncing;
    });
    return this.#next;
  }

  close(): void {
    closeSync(this.#fd);
  }

  async #groupWrite(): Promise<void> {
    this.writeSync();
    await this.sync();
  }

  #copy(): void {
    if (this.#joined === 0) return;
    this.#filledBytes += this.#memory.utf8Write(this.#text, this.#filledBytes);
    this.#text = '';
    this.#joined = 0;
  }

  #written(): void {
    this.#positionBytes += this.#filledBytes;
    this.#filledBytes = 0;
  }
}
