import { Writable } from 'node:stream';
import type { FileHandle, FileSystem } from '@relaykit/types';

/** Writes a new file, mode 0600; one that exists is not touched. */
export class FileSink extends Writable {
  readonly #handle: FileHandle;
  readonly #path: string;
  #sizeBytes = 0;

  /** @throws Error - the file exists already, or cannot be made. */
  constructor(fileSystem: FileSystem, path: string) {
    super();
    this.#path = path;
    try {
      this.#handle = fileSystem.createFileSync(path);
    } catch (cause) {
      throw new Error(`Cannot write ${path}; choose a name that is free, in a folder of yours`, { cause });
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      this.#handle.writeSync(chunk, this.#sizeBytes);
      this.#sizeBytes += chunk.byteLength;
      done();
    } catch (cause) {
      done(new Error(`Cannot write ${this.#path}; make room, or choose another place`, { cause }));
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#handle.syncData().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handle.close().then(() => done(error), done);
  }
}
