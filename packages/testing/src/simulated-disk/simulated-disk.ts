import type { Clock, DiskUsage, FileHandle, FileStat, FileSystem, Unsubscribe } from '@relaykit/types';
import { contentOf } from './content.ts';
import { drawCrash } from './crash.ts';
import {
  choicesFor,
  DiskSnapshot,
  describeChoice,
  drawKill,
  type History,
  type OutcomeChoice,
  type SnapshotOrigin,
} from './disk-snapshot.ts';
import { DiskState, type NewNode } from './disk-state.ts';
import type { SimulatedErrorCode } from './errors.ts';
import type { FailOptions, RandomFault } from './faults.ts';
import { type FilesByPath, filesOf } from './files-of.ts';
import { type Gate, HeldGate, type HoldOptions } from './gates.ts';
import { Machine, type MachineSettings, type Step } from './machine.ts';
import type { Node } from './nodes.ts';
import type { DiskOperation, OperationMatch } from './operation.ts';
import { locate } from './paths.ts';
import { mixSeed } from './random.ts';
import { SimulatedProcess } from './simulated-process.ts';

/** The smallest unit that disks write: the most ways for a small file to arrive in parts. */
export const DEFAULT_SECTOR_BYTES = 512;
/** 1 TiB: no test fills it by accident. */
export const DEFAULT_CAPACITY_BYTES: number = 2 ** 40;
/** An ordinary user, so that file modes matter. */
export const DEFAULT_USER_ID = 1000;
/** The usual `ulimit -n` of servers. */
export const DEFAULT_MAX_OPEN_FILES = 65_536;
/** Microtasks until an asynchronous operation happens: enough for two of them to overtake each other. */
export const DEFAULT_MAX_ASYNC_TURNS = 3;

/** Each has a default. */
export interface SimulatedDiskOptions {
  /** Decides everything that chance decides. Defaults to 0. */
  readonly seed?: number;
  /** Cuts the power at this step, counted from 1. It may have happened, in part or not at all. */
  readonly losePowerAtStep?: number;
  /** Kills the process that takes this step, counted from 1. It has happened or not; a write, possibly in part. */
  readonly killAtStep?: number;
  /** Bytes that all files together may hold. Defaults to `DEFAULT_CAPACITY_BYTES`. */
  readonly capacityBytes?: number;
  /** Files, directories and links that may exist at once; creating one more fails with `ENOSPC`. Defaults to no limit. */
  readonly maxFiles?: number;
  /** Files that one process may have open; one more fails with `EMFILE`. Defaults to `DEFAULT_MAX_OPEN_FILES`. */
  readonly maxOpenFiles?: number;
  /** Unit in which unsynced data reaches the disk. Defaults to `DEFAULT_SECTOR_BYTES`. */
  readonly sectorBytes?: number;
  /** Owner of what is created; 0 may access everything. `undefined`: a platform without users. Defaults to `DEFAULT_USER_ID`. */
  readonly userId?: number | undefined;
  /** `unavailable`: `tryLock` throws `RELAY_LOCK_UNAVAILABLE`. Defaults to `kernel`. */
  readonly locks?: 'kernel' | 'unavailable';
  /** Gives files their times, and `latencyMs` its meaning. Defaults to a fixed day plus a millisecond a step. */
  readonly clock?: Clock;
  /** How long each asynchronous operation takes on `clock`. Defaults to 0: a few microtasks. */
  readonly latencyMs?: number;
  /** An asynchronous operation happens after 1 to so many microtasks, by the seed. Defaults to `DEFAULT_MAX_ASYNC_TURNS`. */
  readonly maxAsyncTurns?: number;
}

/** Mode and owner of what is placed on a `SimulatedDisk`. */
export interface PlaceOptions {
  /** Permission bits. Defaults to 0600 for files and 0700 for directories. */
  readonly mode?: number;
  /** Defaults to the disk's `userId`. */
  readonly ownerId?: number;
}

interface Continuation {
  readonly settings: MachineSettings;
  readonly state: DiskState;
  readonly history: History;
}

/**
 * A file system in memory that keeps what processes see apart from what is on the disk, and can lose the difference.
 *
 * As a `FileSystem` it is one process, which `restart()` starts anew; `process()` gives others. Every operation that
 * changes something is a step. At any step the power can be cut, a process be killed, or the whole disk be taken as a
 * snapshot from which every legal outcome of a power cut can be had.
 *
 * What a power cut may leave:
 * - Data covered by a successful sync is there until it is overwritten or cut off. Unsynced data arrives by sectors, in
 *   any order, each whole, torn at any byte or not at all; the size by itself, so that zeros may stand for data.
 * - Names covered by a directory sync are there. Unsynced creations, removals and renames arrive independently and in
 *   any order, in their order for one name. A rename is atomic, also where it replaces a file or crosses directories
 *   (where it is settled once both are synced). A file that nobody removed keeps exactly one name.
 * - Data and names do not wait for each other: a renamed file may be found empty under its new name.
 */
export class SimulatedDisk implements FileSystem {
  readonly #machine: Machine;
  readonly #origin: SnapshotOrigin;
  readonly #history: History;
  #main: SimulatedProcess;
  #processCount = 0;
  #restarts: readonly string[] = [];

  /** @param continued - Internal: the state that a disk out of a snapshot begins with. */
  constructor(options: SimulatedDiskOptions = {}, continued?: Continuation) {
    const settings = continued?.settings ?? checkedSettings(options);
    const state = continued?.state ?? DiskState.empty(root(settings));
    const { capacityBytes = DEFAULT_CAPACITY_BYTES, maxFiles = Number.POSITIVE_INFINITY } = options;
    const machine = new Machine(settings, state, capacityBytes, maxFiles);
    machine.drawKill = (step) => drawKill(step, settings.seed, settings.sectorBytes);
    this.#machine = machine;
    this.#history = continued?.history ?? (() => `SimulatedDisk seed ${settings.seed}`);
    this.#origin = {
      sectorBytes: settings.sectorBytes,
      continueFrom: (from, history) => this.#continueFrom(from, history),
    };
    this.#main = new SimulatedProcess(machine, 'main', settings.userId);
    this.losePowerAtStep = options.losePowerAtStep;
    this.killAtStep = options.killAtStep;
  }

  // Crashes

  /** Steps taken so far, failed ones included. */
  get stepsTaken(): number {
    return this.#machine.stepsTaken;
  }

  get isPowered(): boolean {
    return this.#machine.isPowered;
  }

  /** The step, counted from the start of this disk, at which the power fails; may be set again after `restart()`. */
  get losePowerAtStep(): number | undefined {
    return this.#machine.losePowerAtStep;
  }

  set losePowerAtStep(step: number | undefined) {
    this.#assertAhead('losePowerAtStep', step);
    this.#machine.losePowerAtStep = step;
  }

  /** The step at which the process that takes it is killed. */
  get killAtStep(): number | undefined {
    return this.#machine.killAtStep;
  }

  set killAtStep(step: number | undefined) {
    this.#assertAhead('killAtStep', step);
    this.#machine.killAtStep = step;
  }

  /** Cuts the power: all processes end, every call throws `SimulatedPowerLoss` until `restart()`. */
  losePower(): void {
    this.#machine.cutPower(`after step ${this.stepsTaken}`);
  }

  /** Kills the process that the disk itself is; other processes go on. */
  kill(): void {
    this.#main.kill();
  }

  /**
   * Starts again with a process that has nothing open. After a power cut the disk is found in one of its legal states,
   * by `choice` or by the disk's own seed; after a kill, as it was. Code that still runs in the old process would act in
   * the new one here; give it a `process()` of its own where that matters.
   */
  restart(choice?: OutcomeChoice): void {
    const machine = this.#machine;
    if (machine.isPowered) {
      this.#main.kill();
    } else {
      const { seed, sectorBytes } = machine.settings;
      const chosen = choice ?? mixSeed(seed, machine.stepsTaken, this.#restarts.length);
      machine.state = drawCrash(machine.state, choicesFor(machine.state, chosen, sectorBytes), sectorBytes);
      machine.isPowered = true;
      const restart = `power cut ${machine.lastEnding}, restarted with ${describeChoice(chosen)}`;
      this.#restarts = [...this.#restarts, restart];
    }
    this.#main = new SimulatedProcess(machine, 'main', machine.settings.userId);
  }

  /** Another process on the same disk. */
  process(name?: string, options: { readonly userId?: number } = {}): SimulatedProcess {
    if (!this.#machine.isPowered) throw new Error('The simulated power is off; call restart() first.');
    this.#processCount += 1;
    const { userId = this.#machine.settings.userId } = options;
    return new SimulatedProcess(this.#machine, name ?? `process ${this.#processCount}`, userId);
  }

  // Snapshots

  /**
   * Calls back at every step, with the disk as it is while the step is under way. What callers had been told before is
   * what the outcomes of the snapshot are to be checked against. One run of a scenario so yields every crash in it.
   */
  onEveryStep(listener: (snapshot: DiskSnapshot) => void): Unsubscribe {
    const { listeners } = this.#machine;
    const observe = (step: Step): void => {
      listener(new DiskSnapshot(this.#origin, this.#historySoFar(), step.during, step));
    };
    listeners.add(observe);
    return () => void listeners.delete(observe);
  }

  /** The disk as it is between two steps. */
  snapshot(): DiskSnapshot {
    const [history, { stepsTaken }] = [this.#historySoFar(), this];
    const historyUntilStep = (): string => `${history()}, after step ${stepsTaken}`;
    return new DiskSnapshot(this.#origin, historyUntilStep, this.#machine.state.fork());
  }

  /** A disk of its own with the same content. */
  clone(): SimulatedDisk {
    return this.snapshot().clone();
  }

  /** How many outcomes a power cut now may have, counted up to `limit`. */
  crashOutcomeCount(limit?: number): number {
    return this.snapshot().crashOutcomeCount(limit);
  }

  // Faults

  /** Makes the next matching operations fail with an error of the operating system. */
  failNext(match: OperationMatch, code: SimulatedErrorCode, options?: FailOptions): void {
    this.#machine.faults.failNext(match, code, options);
  }

  /** Makes operations fail by chance, by the seed. Replaces the faults set before. */
  setRandomFaults(faults: readonly RandomFault[]): void {
    this.#machine.faults.setRandom(faults);
  }

  /** Ends all faults, planned and by chance. */
  clearFaults(): void {
    this.#machine.faults.clear();
  }

  get capacityBytes(): number {
    return this.#machine.capacityBytes;
  }

  set capacityBytes(bytes: number) {
    this.#machine.capacityBytes = bytes;
  }

  get maxFiles(): number {
    return this.#machine.maxFiles;
  }

  set maxFiles(count: number) {
    this.#machine.maxFiles = count;
  }

  /** Bytes of all files that have a name or a handle. */
  get usedBytes(): number {
    return this.#machine.state.usedBytes;
  }

  /** Keeps matching asynchronous operations waiting until the gate is released. */
  hold(match: OperationMatch, options?: HoldOptions): Gate {
    return this.#machine.hold(new HeldGate(match, options));
  }

  /** Is called before every operation, by name and path; a promise delays an asynchronous one. */
  get onStep(): ((operation: DiskOperation) => void | Promise<void>) | undefined {
    return this.#machine.onStep;
  }

  set onStep(hook: ((operation: DiskOperation) => void | Promise<void>) | undefined) {
    this.#machine.onStep = hook;
  }

  // What tests place and look at. None of it is a step; what is placed is durable at once.

  /** Puts a file there, its directories too, in place of a file that stands there. */
  placeFile(path: string, content: Uint8Array | string, options: PlaceOptions = {}): void {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice();
    this.#place(path, options, 0o600, (state, directory, name, made) => {
      state.createFile(directory, name, made, contentOf(bytes));
    });
  }

  placeDirectory(path: string, options: PlaceOptions = {}): void {
    this.#place(path, options, 0o700, (state, directory, name, made) => {
      state.createDirectory(directory, name, made);
    });
  }

  placeSymlink(path: string, target: string, options: PlaceOptions = {}): void {
    this.#place(path, options, 0o777, (state, directory, name, made) => {
      state.createLink(directory, name, made, target);
    });
  }

  /** Puts something there that is neither file nor directory nor link, such as a FIFO or a device. */
  placeOther(path: string, options: PlaceOptions = {}): void {
    this.#place(path, options, 0o600, (state, directory, name, made) => {
      state.createOther(directory, name, made);
    });
  }

  /** Changes permission bits. */
  chmod(path: string, mode: number): void {
    this.#machine.state.update({ ...this.#existing(path), mode });
  }

  chown(path: string, ownerId: number): void {
    this.#machine.state.update({ ...this.#existing(path), ownerId });
  }

  /** Every file by its path, as processes read it. The bytes are a view: do not change them. */
  files(): FilesByPath {
    return filesOf(this.#machine.state);
  }

  /** Every file by its path that a power cut now surely leaves, with what it surely holds. */
  persistedFiles(): FilesByPath {
    return this.snapshot().persistedFiles();
  }

  /** Where this disk comes from, in words that lead back here: seeds, steps and outcomes. */
  describe(): string {
    return `${this.#historySoFar()()}, after step ${this.stepsTaken}`;
  }

  // The file system of the main process

  get userId(): number | undefined {
    return this.#main.userId;
  }

  createFileSync(path: string): FileHandle {
    return this.#main.createFileSync(path);
  }

  openFile(path: string, mode: 'read' | 'readWrite'): Promise<FileHandle> {
    return this.#main.openFile(path, mode);
  }

  openFileSync(path: string, mode: 'read' | 'readWrite'): FileHandle {
    return this.#main.openFileSync(path, mode);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#main.rename(from, to);
  }

  renameSync(from: string, to: string): void {
    this.#main.renameSync(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#main.remove(path);
  }

  removeSync(path: string): void {
    this.#main.removeSync(path);
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#main.list(directory);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#main.stat(path);
  }

  statSync(path: string): FileStat | undefined {
    return this.#main.statSync(path);
  }

  createDirectorySync(path: string): boolean {
    return this.#main.createDirectorySync(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#main.syncDirectory(path);
  }

  syncDirectorySync(path: string): void {
    this.#main.syncDirectorySync(path);
  }

  freeSpace(directory: string): Promise<DiskUsage> {
    return this.#main.freeSpace(directory);
  }

  #assertAhead(name: string, step: number | undefined): void {
    if (step !== undefined) assertWhole(name, step, this.stepsTaken + 1);
  }

  #historySoFar(): History {
    const [history, restarts] = [this.#history, this.#restarts];
    return () => [history(), ...restarts].join('; ');
  }

  #continueFrom(state: DiskState, history: History): SimulatedDisk {
    const { settings, capacityBytes, maxFiles } = this.#machine;
    return new SimulatedDisk({ capacityBytes, maxFiles }, { settings, state, history });
  }

  #place(
    path: string,
    { mode, ownerId }: PlaceOptions,
    defaultMode: number,
    create: (state: DiskState, directory: number, name: string, made: NewNode) => void,
  ): void {
    const { state, settings } = this.#machine;
    const owner = ownerId ?? settings.userId ?? 0;
    const times = { ownerId: owner, modifiedAtMs: this.#machine.now() };
    const { order } = state;
    const parents = path.split('/').slice(1, -1);
    for (let depth = 1; depth <= parents.length; depth += 1) {
      const { directory, name, node } = locate(state, `/${parents.slice(0, depth).join('/')}`, 'place');
      if (node === undefined) state.createDirectory(directory, name, { ...times, mode: 0o700 });
    }
    const { directory, name, node } = locate(state, path, 'place');
    if (node !== undefined) this.#machine.unlinked(state.removeName(directory, name));
    create(state, directory, name, { ...times, mode: mode ?? defaultMode });
    state.settleNamesAfter(order);
  }

  #existing(path: string): Node {
    const { node } = locate(this.#machine.state, path, 'stat');
    if (node === undefined) throw new Error(`Nothing stands at ${path}; place it first.`);
    return node;
  }
}

function root({ userId }: MachineSettings): NewNode {
  return { mode: 0o755, ownerId: userId ?? 0, modifiedAtMs: 0 };
}

function checkedSettings(options: SimulatedDiskOptions): MachineSettings {
  const { seed = 0, sectorBytes = DEFAULT_SECTOR_BYTES, locks = 'kernel', clock, latencyMs = 0 } = options;
  const { maxOpenFiles = DEFAULT_MAX_OPEN_FILES, maxAsyncTurns = DEFAULT_MAX_ASYNC_TURNS } = options;
  assertWhole('sectorBytes', sectorBytes, 1);
  assertWhole('maxAsyncTurns', maxAsyncTurns, 1);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, got ${seed}`);
  if (latencyMs > 0 && clock === undefined) throw new TypeError('latencyMs needs a clock, got none');
  const userId = 'userId' in options ? options.userId : DEFAULT_USER_ID;
  return { seed, sectorBytes, locks, clock, latencyMs, maxOpenFiles, maxAsyncTurns, userId };
}

function assertWhole(name: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RangeError(`${name} must be a whole number >= ${minimum}, got ${value}`);
  }
}
