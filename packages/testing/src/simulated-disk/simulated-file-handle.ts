import { type FileHandle, type FileStat, RelayError } from '@relaykit/types';
import { readContent } from './content.ts';
import { systemError } from './errors.ts';
import { fileStat } from './file-stat.ts';
import { dropUnsynced, type Inhabitant, type Machine, type OpenFile } from './machine.ts';
import type { DiskOperation, DiskOperationName, Effect } from './operation.ts';

interface Range {
  readonly positionBytes?: number;
  readonly lengthBytes?: number;
}

/** An open file of a simulated process. */
export class SimulatedFileHandle implements FileHandle, OpenFile {
  readonly path: string;
  readonly number: number;
  isClosed = false;
  readonly #machine: Machine;
  readonly #process: Inhabitant;
  readonly #mode: 'read' | 'readWrite';

  constructor(machine: Machine, process: Inhabitant, path: string, number: number, mode: 'read' | 'readWrite') {
    this.path = path;
    this.number = number;
    this.#machine = machine;
    this.#process = process;
    this.#mode = mode;
    machine.opened(process, this);
  }

  writeSync(bytes: Uint8Array, positionBytes: number): void {
    assertPosition('positionBytes', positionBytes);
    const { number, path } = this;
    const write = { number, bytes, positionBytes };
    const machine = this.#machine;
    const operation = this.#operation('write', true, { positionBytes, lengthBytes: bytes.byteLength });
    const apply = (): void => {
      this.#assertWritable('write');
      const { sizeBytes } = machine.state.file(number).content;
      const growthBytes = positionBytes + bytes.byteLength - sizeBytes;
      const freeBytes = machine.capacityBytes - machine.state.usedBytes;
      if (bytes.byteLength > 0 && growthBytes > 0 && growthBytes > freeBytes) {
        // As write(2) does, the bytes that still fit are written before the call that fails.
        machine.write(write, Math.max(0, sizeBytes + Math.max(0, freeBytes) - positionBytes));
        throw systemError('ENOSPC', 'write', path);
      }
      machine.write(write, bytes.byteLength);
    };
    machine.perform(this.#process, { operation, isMutation: true, apply, write });
  }

  async syncData(): Promise<void> {
    return this.#machine.launch(this.#process, this.#sync(false));
  }

  syncDataSync(): void {
    this.#machine.perform(this.#process, this.#sync(true));
  }

  async truncate(sizeBytes: number): Promise<void> {
    return this.#machine.launch(this.#process, this.#truncate(sizeBytes, false));
  }

  truncateSync(sizeBytes: number): void {
    this.#machine.perform(this.#process, this.#truncate(sizeBytes, true));
  }

  tryLock(): boolean {
    const { locks, settings } = this.#machine;
    const apply = (): boolean => {
      this.#assertOpen('lock');
      if (settings.locks === 'unavailable') {
        const message = `Cannot lock ${this.path}: this simulated disk was made with locks: 'unavailable'.`;
        throw new RelayError('RELAY_LOCK_UNAVAILABLE', message, { path: this.path });
      }
      // fcntl refuses an exclusive lock through a descriptor that cannot write.
      this.#assertWritable('lock');
      const holder = locks.get(this.number);
      if (holder === undefined) locks.set(this.number, this);
      return holder === undefined || holder === this;
    };
    return this.#machine.perform(this.#process, { operation: this.#operation('lock', true), isMutation: false, apply });
  }

  async stat(): Promise<FileStat> {
    return this.#machine.launch(this.#process, this.#stat(false));
  }

  statSync(): FileStat {
    return this.#machine.perform(this.#process, this.#stat(true));
  }

  async read(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#machine.launch(this.#process, this.#read(positionBytes, lengthBytes, false));
  }

  readSync(positionBytes: number, lengthBytes: number): Uint8Array {
    return this.#machine.perform(this.#process, this.#read(positionBytes, lengthBytes, true));
  }

  /** Harmless in a process that has ended, so that its `finally` blocks do not hide what ended it. */
  async close(): Promise<void> {
    if (this.#mayClose()) await this.#machine.launch(this.#process, this.#close(false));
  }

  closeSync(): void {
    if (this.#mayClose()) this.#machine.perform(this.#process, this.#close(true));
  }

  /** A closed handle refuses calls at once; the kernel lets go when the close runs. */
  #mayClose(): boolean {
    if (this.isClosed || this.#process.ending !== undefined) return false;
    this.isClosed = true;
    return true;
  }

  #close(isSync: boolean): Effect<void> {
    const apply = (): void => this.#machine.closed(this.#process, this);
    return { operation: this.#operation('close', isSync), isMutation: false, apply };
  }

  #sync(isSync: boolean): Effect<void> {
    const { number } = this;
    const machine = this.#machine;
    // What is written while the sync is under way is not covered by it.
    const point = this.#process.ending === undefined && !this.isClosed ? machine.state.syncPoint(number) : undefined;
    return {
      operation: this.#operation('sync', isSync),
      isMutation: true,
      apply: () => this.#assertOpen('fdatasync'),
      settle: () => point && machine.state.syncFile(number, point),
      fail: (landed) => dropUnsynced(machine, number, landed),
    };
  }

  #truncate(sizeBytes: number, isSync: boolean): Effect<void> {
    assertPosition('sizeBytes', sizeBytes);
    const machine = this.#machine;
    const operation = this.#operation('truncate', isSync, { positionBytes: sizeBytes });
    const apply = (): void => {
      this.#assertWritable('ftruncate');
      const growthBytes = sizeBytes - machine.state.file(this.number).content.sizeBytes;
      if (growthBytes > 0) machine.assertRoom(growthBytes, 'ftruncate', this.path);
      machine.state.resize(this.number, sizeBytes, machine.now());
    };
    return { operation, isMutation: true, apply };
  }

  #stat(isSync: boolean): Effect<FileStat> {
    const apply = (): FileStat => {
      this.#assertOpen('fstat');
      return fileStat(this.#machine.state.file(this.number), this.#machine.settings.userId);
    };
    return { operation: this.#operation('stat', isSync), isMutation: false, apply };
  }

  #read(positionBytes: number, lengthBytes: number, isSync: boolean): Effect<Uint8Array> {
    assertPosition('positionBytes', positionBytes);
    assertPosition('lengthBytes', lengthBytes);
    const apply = (): Uint8Array => {
      this.#assertOpen('read');
      return readContent(this.#machine.state.file(this.number).content, positionBytes, lengthBytes);
    };
    return { operation: this.#operation('read', isSync, { positionBytes, lengthBytes }), isMutation: false, apply };
  }

  #operation(name: DiskOperationName, isSync: boolean, range?: Range): DiskOperation {
    const { positionBytes, lengthBytes } = range ?? {};
    return { name, path: this.path, to: undefined, positionBytes, lengthBytes, isSync, process: this.#process.name };
  }

  #assertWritable(syscall: string): void {
    this.#assertOpen(syscall);
    if (this.#mode === 'read') throw systemError('EBADF', syscall, this.path);
  }

  #assertOpen(syscall: string): void {
    if (this.isClosed) throw systemError('EBADF', syscall, this.path);
  }
}

function assertPosition(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number >= 0, got ${value}`);
}
