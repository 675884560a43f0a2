import type { DiskUsage, FileHandle, FileStat, FileSystem } from '@relaykit/types';
import type { NewNode } from './disk-state.ts';
import { type SimulatedPowerLoss, SimulatedProcessKilled, systemError } from './errors.ts';
import { fileStat } from './file-stat.ts';
import type { Flight, Inhabitant, Machine, OpenFile } from './machine.ts';
import type { DirectoryNode, Node } from './nodes.ts';
import type { DiskOperation, DiskOperationName, Effect } from './operation.ts';
import { locate, type Place } from './paths.ts';
import { below } from './random.ts';
import { SimulatedFileHandle } from './simulated-file-handle.ts';

const MODE_FILE = 0o600;
const MODE_DIRECTORY = 0o700;
const READ = 4;
const WRITE = 2;
const SEARCH = 1;

/**
 * The disk as one process sees it. Its handles and locks end with it, while other processes go on. Once it was killed or
 * the power was cut it stays dead: code that still runs in it gets an error from every call.
 */
export class SimulatedProcess implements FileSystem, Inhabitant {
  readonly name: string;
  readonly userId: number | undefined;
  /** @internal */
  ending: SimulatedPowerLoss | SimulatedProcessKilled | undefined = undefined;
  /** @internal */
  readonly flights: Set<Flight> = new Set();
  /** @internal */
  readonly handles: Set<OpenFile> = new Set();
  readonly #machine: Machine;

  /** @internal */
  constructor(machine: Machine, name: string, userId: number | undefined) {
    this.name = name;
    this.userId = userId;
    this.#machine = machine;
    machine.inhabitants.add(this);
  }

  get isAlive(): boolean {
    return this.ending === undefined;
  }

  get openFileCount(): number {
    return this.handles.size;
  }

  /**
   * Ends the process as SIGKILL does. What it wrote stays, its handles close, its locks are free. Each asynchronous
   * operation under way happens or not, by the seed, and rejects with `SimulatedProcessKilled`.
   */
  kill(): void {
    this.#machine.endProcess(this, new SimulatedProcessKilled(`Process ${this.name} was killed.`));
  }

  createFileSync(path: string): FileHandle {
    const machine = this.#machine;
    const apply = (): FileHandle => {
      const place = this.#free(path, 'open');
      machine.assertMayOpen(this, 'open', path);
      machine.assertRoomForFile('open', path);
      const number = machine.state.createFile(place.directory, place.name, this.#made(MODE_FILE));
      return new SimulatedFileHandle(machine, this, path, number, 'readWrite');
    };
    return machine.perform(this, { operation: this.#operation('create', path, true), isMutation: true, apply });
  }

  async openFile(path: string, mode: 'read' | 'readWrite'): Promise<FileHandle> {
    return this.#machine.launch(this, this.#open(path, mode, false));
  }

  openFileSync(path: string, mode: 'read' | 'readWrite'): FileHandle {
    return this.#machine.perform(this, this.#open(path, mode, true));
  }

  async rename(from: string, to: string): Promise<void> {
    return this.#machine.launch(this, this.#rename(from, to, false));
  }

  renameSync(from: string, to: string): void {
    this.#machine.perform(this, this.#rename(from, to, true));
  }

  async remove(path: string): Promise<void> {
    return this.#machine.launch(this, this.#remove(path, false));
  }

  removeSync(path: string): void {
    this.#machine.perform(this, this.#remove(path, true));
  }

  /** Names in an order that the seed decides. */
  async list(directory: string): Promise<readonly string[]> {
    const machine = this.#machine;
    const apply = (): readonly string[] => {
      const node = this.#directory(directory, 'scandir');
      this.#assertAccess(node, READ, 'scandir', directory);
      return shuffled([...node.entries.numbers.keys()], machine.random);
    };
    return machine.launch(this, { operation: this.#operation('list', directory, false), isMutation: false, apply });
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.#machine.launch(this, this.#stat(path, false));
  }

  statSync(path: string): FileStat | undefined {
    return this.#machine.perform(this, this.#stat(path, true));
  }

  createDirectorySync(path: string): boolean {
    const machine = this.#machine;
    const apply = (): boolean => {
      const place = locate(machine.state, path, 'mkdir');
      // mkdir(2) says EEXIST for whatever stands there; telling what it is takes `statSync`.
      if (place.node !== undefined) return false;
      this.#assertAccess(machine.state.directory(place.directory), WRITE | SEARCH, 'mkdir', path);
      machine.assertRoomForFile('mkdir', path);
      machine.state.createDirectory(place.directory, place.name, this.#made(MODE_DIRECTORY));
      return true;
    };
    return machine.perform(this, {
      operation: this.#operation('createDirectory', path, true),
      isMutation: true,
      apply,
    });
  }

  async syncDirectory(path: string): Promise<void> {
    return this.#machine.launch(this, this.#syncDirectory(path, false));
  }

  syncDirectorySync(path: string): void {
    this.#machine.perform(this, this.#syncDirectory(path, true));
  }

  async freeSpace(directory: string): Promise<DiskUsage> {
    const machine = this.#machine;
    const apply = (): DiskUsage => {
      if (locate(machine.state, directory, 'statfs').node === undefined)
        throw systemError('ENOENT', 'statfs', directory);
      const { capacityBytes, state } = machine;
      return { freeBytes: Math.max(0, capacityBytes - state.usedBytes), totalBytes: capacityBytes };
    };
    return machine.launch(this, {
      operation: this.#operation('freeSpace', directory, false),
      isMutation: false,
      apply,
    });
  }

  #open(path: string, mode: 'read' | 'readWrite', isSync: boolean): Effect<FileHandle> {
    if (mode !== 'read' && mode !== 'readWrite') {
      throw new TypeError(`mode must be 'read' or 'readWrite', got ${String(mode)}`);
    }
    const machine = this.#machine;
    const apply = (): FileHandle => {
      const { node } = locate(machine.state, path, 'open');
      if (node === undefined) throw systemError('ENOENT', 'open', path);
      if (node.kind === 'symbolicLink') throw systemError('ELOOP', 'open', path);
      if (node.kind === 'directory') throw systemError('EISDIR', 'open', path);
      this.#assertAccess(node, mode === 'read' ? READ : READ | WRITE, 'open', path);
      if (node.kind === 'other') throw systemError('EINVAL', 'open', path);
      machine.assertMayOpen(this, 'open', path);
      return new SimulatedFileHandle(machine, this, path, node.number, mode);
    };
    return { operation: this.#operation('open', path, isSync), isMutation: false, apply };
  }

  #rename(from: string, to: string, isSync: boolean): Effect<void> {
    const machine = this.#machine;
    const apply = (): void => {
      const { state } = machine;
      const source = locate(state, from, 'rename');
      const target = locate(state, to, 'rename');
      this.#assertRenamable(source, target, from, to);
      if (source.node === target.node) return;
      const replaced = state.rename(source, target);
      if (replaced !== undefined) machine.unlinked(replaced);
    };
    return { operation: this.#operation('rename', from, isSync, to), isMutation: true, apply };
  }

  #remove(path: string, isSync: boolean): Effect<void> {
    const machine = this.#machine;
    const apply = (): void => {
      const { directory, name, node } = this.#find(path) ?? {};
      if (node === undefined || directory === undefined || name === undefined) return;
      if (node.kind === 'directory') throw systemError('EISDIR', 'unlink', path);
      this.#assertAccess(machine.state.directory(directory), WRITE | SEARCH, 'unlink', path);
      machine.unlinked(machine.state.removeName(directory, name));
    };
    return { operation: this.#operation('remove', path, isSync), isMutation: true, apply };
  }

  #stat(path: string, isSync: boolean): Effect<FileStat | undefined> {
    const apply = (): FileStat | undefined => {
      const node = this.#find(path)?.node;
      return node && fileStat(node, this.userId);
    };
    return { operation: this.#operation('stat', path, isSync), isMutation: false, apply };
  }

  #syncDirectory(path: string, isSync: boolean): Effect<void> {
    const machine = this.#machine;
    // Names that change while the sync is under way are not covered by it.
    const { order } = machine.state;
    let number = 0;
    return {
      operation: this.#operation('syncDirectory', path, isSync),
      isMutation: true,
      apply: () => {
        number = this.#directory(path, 'open').number;
      },
      settle: () => machine.state.syncNames(number, order),
      // Which names reached the disk stays undecided, and a later sync can still settle it.
      fail: () => undefined,
    };
  }

  #assertRenamable(source: Place, target: Place, from: string, to: string): void {
    const { state } = this.#machine;
    const { node } = source;
    const replaced = target.node;
    if (node === undefined) throw systemError('ENOENT', 'rename', from, to);
    if (source.name === '' || target.name === '') throw systemError('EBUSY', 'rename', from, to);
    this.#assertAccess(state.directory(source.directory), WRITE | SEARCH, 'rename', from);
    this.#assertAccess(state.directory(target.directory), WRITE | SEARCH, 'rename', to);
    if (node.kind === 'directory' && `${normal(to)}/`.startsWith(`${normal(from)}/`) && normal(to) !== normal(from)) {
      throw systemError('EINVAL', 'rename', from, to);
    }
    if (replaced === undefined || replaced === node) return;
    if (node.kind === 'directory' && replaced.kind !== 'directory') throw systemError('ENOTDIR', 'rename', from, to);
    if (node.kind !== 'directory' && replaced.kind === 'directory') throw systemError('EISDIR', 'rename', from, to);
    if (replaced.kind === 'directory' && replaced.entries.numbers.size > 0) {
      throw systemError('ENOTEMPTY', 'rename', from, to);
    }
  }

  #free(path: string, syscall: string): Place {
    const place = locate(this.#machine.state, path, syscall);
    if (place.node !== undefined) throw systemError('EEXIST', syscall, path);
    this.#assertAccess(this.#machine.state.directory(place.directory), WRITE | SEARCH, syscall, path);
    return place;
  }

  /** `undefined` where a part of the way is missing. */
  #find(path: string): Place | undefined {
    try {
      return locate(this.#machine.state, path, 'stat');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #directory(path: string, syscall: string): DirectoryNode {
    const { node } = locate(this.#machine.state, path, syscall, true);
    if (node === undefined) throw systemError('ENOENT', syscall, path);
    if (node.kind !== 'directory') throw systemError('ENOTDIR', syscall, path);
    return node;
  }

  #assertAccess(node: Node, bits: number, syscall: string, path: string): void {
    if (this.userId === 0 || this.userId === undefined) return;
    const granted = node.ownerId === this.userId ? node.mode >> 6 : node.mode;
    if ((granted & bits) !== bits) throw systemError('EACCES', syscall, path);
  }

  #made(mode: number): NewNode {
    return { mode, ownerId: this.userId ?? 0, modifiedAtMs: this.#machine.now() };
  }

  #operation(name: DiskOperationName, path: string, isSync: boolean, to?: string): DiskOperation {
    return { name, path, to, positionBytes: undefined, lengthBytes: undefined, isSync, process: this.name };
  }
}

function normal(path: string): string {
  return path.replace(/\/+/gu, '/').replace(/\/$/u, '');
}

function shuffled(names: string[], random: () => number): string[] {
  for (let index = names.length - 1; index > 0; index -= 1) {
    const other = below(random, index + 1);
    const name = names[index] as string;
    names[index] = names[other] as string;
    names[other] = name;
  }
  return names;
}
