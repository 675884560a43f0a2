import type { FileHandle, FileStat } from '@relaykit/types';
import type { DryRunNode } from './dry-run-node.ts';

/** A file that is open in a dry run. What it locks is locked for real; what it writes is not written. */
export class DryRunHandle implements FileHandle {
  readonly path: string;
  readonly #node: DryRunNode;
  readonly #real: FileHandle | undefined;

  constructor(path: string, node: DryRunNode, real: FileHandle | undefined) {
    this.path = path;
    this.#node = node;
    this.#real = real;
  }

  writeSync(bytes: Uint8Array, positionBytes: number): void {
    this.#node.write(bytes, positionBytes, this.#real);
  }

  async syncData(): Promise<void> {
    // Nothing was written.
  }

  syncDataSync(): void {
    // Nothing was written.
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.truncateSync(sizeBytes);
  }

  truncateSync(sizeBytes: number): void {
    this.#node.truncate(sizeBytes, this.#real);
  }

  /** The file's own lock, which tells whether its writer lives; nobody else knows of a file in memory. */
  tryLock(): boolean {
    return this.#real?.tryLock() ?? true;
  }

  async stat(): Promise<FileStat> {
    return this.#node.stat();
  }

  statSync(): FileStat {
    return this.#node.stat();
  }

  async read(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return this.readSync(positionBytes, lengthBytes);
  }

  readSync(positionBytes: number, lengthBytes: number): Uint8Array {
    return this.#node.read(positionBytes, lengthBytes, this.#real);
  }

  async close(): Promise<void> {
    await this.#real?.close();
  }

  closeSync(): void {
    this.#real?.closeSync();
  }
}
