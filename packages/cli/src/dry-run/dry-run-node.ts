import type { FileHandle, FileStat, FileSystem } from '@relaykit/types';

/** A file of a dry run: what is on disk, and in memory what would be different. */
export class DryRunNode {
  /** Where it stands on disk; `undefined` for one that exists in memory alone. */
  readonly realPath: string | undefined;
  readonly #fileSystem: FileSystem;
  readonly #inode: bigint;
  #changed: Uint8Array | undefined;

  constructor(fileSystem: FileSystem, realPath: string | undefined, inode: bigint) {
    this.#fileSystem = fileSystem;
    this.realPath = realPath;
    this.#inode = inode;
    if (realPath === undefined) this.#changed = new Uint8Array(0);
  }

  /** Its content, where that differs from what is on disk. */
  get changed(): Uint8Array | undefined {
    return this.#changed;
  }

  stat(): FileStat {
    const real = this.realPath === undefined ? undefined : this.#fileSystem.statSync(this.realPath);
    const sizeBytes = this.#changed?.byteLength ?? real?.sizeBytes ?? 0;
    if (real) return { ...real, sizeBytes };
    return {
      kind: 'file',
      sizeBytes,
      modifiedAtMs: 0,
      device: -1n,
      inode: this.#inode,
      linkCount: 1,
      mode: 0o600,
      ownerId: this.#fileSystem.userId,
    };
  }

  read(positionBytes: number, lengthBytes: number, real: FileHandle | undefined): Uint8Array {
    if (this.#changed) return this.#changed.slice(positionBytes, positionBytes + lengthBytes);
    return real?.readSync(positionBytes, lengthBytes) ?? new Uint8Array(0);
  }

  write(bytes: Uint8Array, positionBytes: number, real: FileHandle | undefined): void {
    const present = this.read(positionBytes, bytes.byteLength, real);
    // Recovery writes bytes over themselves: that changes nothing.
    if (present.byteLength === bytes.byteLength && Buffer.compare(present, bytes) === 0) return;
    const content = this.#whole(real);
    const longer = new Uint8Array(Math.max(content.byteLength, positionBytes + bytes.byteLength));
    longer.set(content);
    longer.set(bytes, positionBytes);
    this.#changed = longer;
  }

  truncate(sizeBytes: number, real: FileHandle | undefined): void {
    if (this.stat().sizeBytes === sizeBytes) return;
    const kept = this.read(0, sizeBytes, real);
    const content = new Uint8Array(sizeBytes);
    content.set(kept);
    this.#changed = content;
  }

  #whole(real: FileHandle | undefined): Uint8Array {
    return this.#changed ?? this.read(0, this.stat().sizeBytes, real);
  }
}
