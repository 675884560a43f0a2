import type { Clock } from '@relaykit/types';
import { seededChoices } from './choices.ts';
import { viewContent } from './content.ts';
import { arrivedWhole, drawContent } from './crash-data.ts';
import type { DiskState } from './disk-state.ts';
import { SimulatedPowerLoss, SimulatedProcessKilled, systemError } from './errors.ts';
import { type Fault, FaultPlan } from './faults.ts';
import type { HeldGate } from './gates.ts';
import { type DiskOperation, describeOperation, type Effect, type FileWrite, type Landed } from './operation.ts';
import { below, mixSeed, seededRandom } from './random.ts';

/** What `SimulatedDisk` is made with, defaults filled in. */
export interface MachineSettings {
  readonly seed: number;
  readonly sectorBytes: number;
  readonly userId: number | undefined;
  readonly locks: 'kernel' | 'unavailable';
  readonly clock: Clock | undefined;
  readonly latencyMs: number;
  readonly maxOpenFiles: number;
  readonly maxAsyncTurns: number;
}

/** A process, as the machine sees it. */
export interface Inhabitant {
  readonly name: string;
  /** Set once it can do nothing any more. */
  ending: SimulatedPowerLoss | SimulatedProcessKilled | undefined;
  readonly flights: Set<Flight>;
  readonly handles: Set<OpenFile>;
}

export interface OpenFile {
  readonly number: number;
  isClosed: boolean;
}

/** An asynchronous operation under way. */
export interface Flight {
  hasHappened: boolean;
  isOver: boolean;
  happen(): void;
  readonly reject: (error: unknown) => void;
}

/** A step as it happens: the disk before it and after it, in which nothing of it needs to be durable yet. */
export interface Step {
  readonly number: number;
  readonly operation: DiskOperation;
  readonly before: DiskState;
  readonly during: DiskState;
  /** Of a write that succeeded. Its bytes are those on the disk, which never change, unlike the caller's. */
  readonly write: FileWrite | undefined;
}

/** Wall clock of a disk that was given none: a fixed day plus a millisecond a step. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** The computer around the disk: power, processes, open files, locks, and the one way that every operation goes. */
export class Machine {
  readonly settings: MachineSettings;
  readonly faults: FaultPlan;
  readonly inhabitants: Set<Inhabitant> = new Set();
  readonly locks: Map<number, OpenFile> = new Map();
  readonly random: () => number;
  state: DiskState;
  capacityBytes: number;
  maxFiles: number;
  stepsTaken = 0;
  isPowered = true;
  losePowerAtStep: number | undefined;
  killAtStep: number | undefined;
  onStep: ((operation: DiskOperation) => void | Promise<void>) | undefined;
  readonly listeners: Set<(step: Step) => void> = new Set();
  /** The last thing that ended a process or the power, for messages. */
  lastEnding = '';
  /** State the disk is found in after a kill at a step. */
  drawKill: ((step: Step) => DiskState) | undefined;
  readonly #openCounts = new Map<number, number>();
  #gates: HeldGate[] = [];

  constructor(settings: MachineSettings, state: DiskState, capacityBytes: number, maxFiles: number) {
    this.settings = settings;
    this.state = state;
    this.capacityBytes = capacityBytes;
    this.maxFiles = maxFiles;
    this.random = seededRandom(mixSeed(settings.seed, 1));
    this.faults = new FaultPlan(seededRandom(mixSeed(settings.seed, 2)));
  }

  now(): number {
    return this.settings.clock?.now() ?? EPOCH_MS + this.stepsTaken;
  }

  /** Runs an operation whose caller waits for it. */
  perform<T>(process: Inhabitant, effect: Effect<T>): T {
    assertRunning(process);
    const pause = this.onStep?.(effect.operation);
    if (pause !== undefined) {
      throw new TypeError(`onStep must return nothing for ${describeOperation(effect.operation)}, got a promise`);
    }
    return this.#execute(process, effect);
  }

  /** Runs an operation in the background, a few turns later. */
  launch<T>(process: Inhabitant, effect: Effect<T>): Promise<T> {
    if (process.ending !== undefined) return Promise.reject(ended(process.ending));
    return new Promise<T>((resolve, reject) => {
      const flight: Flight = {
        hasHappened: false,
        isOver: false,
        happen: () => {
          effect.apply();
          effect.settle?.();
        },
        reject,
      };
      process.flights.add(flight);
      const finish = (deliver: () => void): void => {
        flight.hasHappened = true;
        this.#pass(effect.operation, 'after', () => {
          if (flight.isOver) return;
          flight.isOver = true;
          process.flights.delete(flight);
          deliver();
        });
      };
      const run = (): void => {
        if (flight.isOver) return;
        try {
          const value = this.#execute(process, effect);
          finish(() => resolve(value));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      this.#delay(effect.operation, flight, run);
    });
  }

  hold(gate: HeldGate): HeldGate {
    this.#gates.push(gate);
    return gate;
  }

  opened(process: Inhabitant, file: OpenFile): void {
    process.handles.add(file);
    this.#openCounts.set(file.number, (this.#openCounts.get(file.number) ?? 0) + 1);
  }

  closed(process: Inhabitant, file: OpenFile): void {
    if (!process.handles.delete(file)) return;
    if (this.locks.get(file.number) === file) this.locks.delete(file.number);
    const count = (this.#openCounts.get(file.number) ?? 1) - 1;
    if (count > 0) {
      this.#openCounts.set(file.number, count);
    } else {
      this.#openCounts.delete(file.number);
      this.state.release(file.number);
    }
  }

  /** A file that lost its last name goes at once, unless it is open. */
  unlinked(number: number): void {
    if (this.#openCounts.has(number)) return;
    this.state.release(number);
    this.state.collect((candidate) => this.#openCounts.has(candidate));
  }

  /** Writes the first bytes of a write. */
  write({ number, bytes, positionBytes }: FileWrite, lengthBytes: number): void {
    this.state.write(number, bytes.subarray(0, lengthBytes), positionBytes, this.now());
  }

  assertRoom(growthBytes: number, syscall: string, path: string): void {
    if (this.state.usedBytes + growthBytes > this.capacityBytes) throw systemError('ENOSPC', syscall, path);
  }

  assertRoomForFile(syscall: string, path: string): void {
    if (this.state.nodeCount >= this.maxFiles) throw systemError('ENOSPC', syscall, path);
  }

  assertMayOpen(process: Inhabitant, syscall: string, path: string): void {
    if (process.handles.size >= this.settings.maxOpenFiles) throw systemError('EMFILE', syscall, path);
  }

  /** Ends a process: what it has under way may or may not happen, its handles and locks are gone. */
  endProcess(process: Inhabitant, ending: SimulatedPowerLoss | SimulatedProcessKilled): void {
    if (process.ending !== undefined) return;
    process.ending = ending;
    this.inhabitants.delete(process);
    for (const flight of process.flights) {
      flight.isOver = true;
      if (!flight.hasHappened && this.random() < 0.5) {
        try {
          flight.happen();
        } catch {
          // Nobody is left to hear of it.
        }
      }
      flight.reject(ended(ending));
    }
    process.flights.clear();
    for (const file of [...process.handles]) {
      file.isClosed = true;
      this.closed(process, file);
    }
  }

  cutPower(why: string): void {
    if (!this.isPowered) return;
    this.lastEnding = why;
    const ending = new SimulatedPowerLoss(`The power is off: ${why}. Call restart().`);
    for (const process of [...this.inhabitants]) this.endProcess(process, ending);
    this.isPowered = false;
  }

  #execute<T>(process: Inhabitant, effect: Effect<T>): T {
    // The hook may have ended the process.
    assertRunning(process);
    const { operation } = effect;
    const fault = this.faults.find(operation);
    if (!effect.isMutation) {
      if (fault === undefined) return effect.apply();
      if (operation.name === 'close') effect.apply();
      throw systemError(fault.code, operation.name, operation.path);
    }
    return this.#step(process, effect, fault);
  }

  #step<T>(process: Inhabitant, effect: Effect<T>, fault: Fault | undefined): T {
    const { operation } = effect;
    this.stepsTaken += 1;
    const number = this.stepsTaken;
    const isObserved = this.listeners.size > 0 || this.killAtStep === number;
    const before = isObserved ? this.state.fork() : undefined;
    let result: T | undefined;
    let failure: unknown;
    try {
      if (fault === undefined || effect.fail !== undefined) result = effect.apply();
      else this.#applyFault(effect, fault);
      if (fault !== undefined) failure = systemError(fault.code, operation.name, operation.path, operation.to);
    } catch (error) {
      failure = error;
    }
    if (before !== undefined) {
      const step = this.#observe(number, effect, before, failure !== undefined);
      for (const listener of this.listeners) listener(step);
      if (this.killAtStep === number) this.#killAt(process, step);
    }
    if (this.losePowerAtStep === number) this.cutPower(`during step ${number}, ${describeOperation(operation)}`);
    assertRunning(process);
    if (failure !== undefined) {
      if (fault !== undefined) effect.fail?.(fault.landed);
      throw failure;
    }
    effect.settle?.();
    return result as T;
  }

  #observe(number: number, effect: Effect<unknown>, before: DiskState, hasFailed: boolean): Step {
    const { operation, write } = effect;
    const during = this.state.fork();
    if (write === undefined || hasFailed) return { number, operation, before, during, write: undefined };
    const content = viewContent(during.file(write.number).content);
    const bytes = content.subarray(write.positionBytes, write.positionBytes + write.bytes.byteLength);
    return { number, operation, before, during, write: { ...write, bytes } };
  }

  #applyFault(effect: Effect<unknown>, { landed }: Fault): void {
    if (effect.write === undefined) {
      if (landed === 'all') effect.apply();
      return;
    }
    const kind: Landed = landed ?? (['none', 'part', 'all'] as const)[below(this.random, 3)] ?? 'none';
    if (kind === 'none') return;
    const { byteLength } = effect.write.bytes;
    this.write(effect.write, kind === 'all' ? byteLength : below(this.random, byteLength));
  }

  #killAt(process: Inhabitant, step: Step): void {
    this.state = this.drawKill?.(step) ?? this.state;
    this.lastEnding = `killed during step ${step.number}, ${describeOperation(step.operation)}`;
    this.endProcess(process, new SimulatedProcessKilled(`Process ${process.name} was ${this.lastEnding}.`));
  }

  #delay(operation: DiskOperation, flight: Flight, run: () => void): void {
    const { clock, latencyMs, maxAsyncTurns } = this.settings;
    const { reject } = flight;
    const start = (): void => {
      if (flight.isOver) return;
      try {
        const paused = this.onStep?.(operation);
        if (paused === undefined) this.#pass(operation, 'before', run);
        else paused.then(() => this.#pass(operation, 'before', run), reject);
      } catch (error) {
        reject(error);
      }
    };
    if (clock !== undefined && latencyMs > 0) clock.setTimer(latencyMs, start);
    else turns(1 + below(this.random, maxAsyncTurns), start);
  }

  #pass(operation: DiskOperation, when: 'before' | 'after', goOn: () => void): void {
    const gate = this.#gates.find((candidate) => candidate.holds(operation, when));
    if (gate === undefined) goOn();
    else gate.wait(goOn);
  }
}

/** What a sync that fails leaves on the disk: a part of the changes, and a kernel that thinks it is done. */
export function dropUnsynced(machine: Machine, number: number, landed: Landed | undefined): void {
  const file = machine.state.file(number);
  const seed = below(machine.random, 0x1_0000_0000);
  const drawn = drawContent(file, seededChoices(seed), machine.settings.sectorBytes);
  const durable = landed === 'none' ? file.durable : landed === 'all' ? arrivedWhole(file) : drawn;
  machine.state.dropUnsynced(number, durable, machine.random() < 0.5);
}

function assertRunning(process: Inhabitant): void {
  if (process.ending !== undefined) throw ended(process.ending);
}

/** A new error for each call, so that its stack shows the caller. */
function ended(ending: SimulatedPowerLoss | SimulatedProcessKilled): Error {
  return ending instanceof SimulatedPowerLoss
    ? new SimulatedPowerLoss(ending.message)
    : new SimulatedProcessKilled(ending.message);
}

function turns(count: number, run: () => void): void {
  queueMicrotask(count <= 1 ? run : () => turns(count - 1, run));
}
