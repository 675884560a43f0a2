// Runs a scenario once, with every step of it kept as a snapshot beside what had been promised by then.
import { noRetry } from '@relaykit/retry';
import { openSegmentStore, recoverSpool, Spool } from '@relaykit/segments';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import {
  type DiskSnapshot,
  ManualClock,
  mixSeed,
  SimulatedDisk,
  type SimulatedDiskOptions,
  type SimulatedProcess,
  seededRandom,
  settle,
} from '@relaykit/testing';
import type { Clock, Durability, EventBatch, EventSerializer, FileSystem, SegmentStore } from '@relaykit/types';
import { FileDiskWriter, type FileDiskWriterOptions } from '../../src/index.ts';
import { CrashJournal, type Outcome, type SentBatch } from './crash-journal.ts';
import { linesOf, SPOOL } from './spool-contents.ts';

export interface CrashScenario {
  readonly name: string;
  readonly disk?: Omit<SimulatedDiskOptions, 'seed'>;
  /** Whether a sync of it may fail. */
  readonly mayMove?: boolean;
  /** Whether it is also run with a kill of one process alone, and with a rival that recovers, at each step. */
  readonly isShared?: boolean;
  /** Among as many states of the quick run, how few or many of its own it gets: 4 makes a quarter, 0.5 twice as many. */
  readonly cost?: number;
  run(context: ScenarioContext): Promise<void>;
}

export interface ScenarioStep {
  readonly snapshot: DiskSnapshot;
  /** Length of the journal when the step was taken. */
  readonly version: number;
}

export interface ScenarioRun {
  readonly journal: CrashJournal;
  readonly steps: readonly ScenarioStep[];
  /** As it was when everything had ended. */
  readonly disk: SimulatedDisk;
}

export const serializer = new RawJSONLineSerializer();
export const serializers: readonly EventSerializer<unknown>[] = [serializer as EventSerializer<unknown>];

/** Small enough that a file of a few events has several. */
const SECTOR_BYTES = 64;
/** A buffer sends a batch again for as long as the disk refuses it. */
const MAX_SENDS = 20;

export interface Disturbance {
  /** Kills the process that takes this step; the others go on. */
  readonly killAtStep?: number;
  /** At this step another process begins to recover the spool, beside those that live. */
  readonly rivalAtStep?: number;
}

export async function runScenario(
  scenario: CrashScenario,
  seed: number,
  { killAtStep, rivalAtStep }: Disturbance = {},
): Promise<ScenarioRun> {
  return withSeededIds(seed, async () => {
    const disk = new SimulatedDisk({ sectorBytes: SECTOR_BYTES, ...scenario.disk, seed });
    const context = new ScenarioContext(disk, seed);
    const steps: ScenarioStep[] = [];
    disk.killAtStep = killAtStep;
    let rival: Promise<void> | undefined;
    disk.onEveryStep((snapshot) => {
      if (snapshot.step === rivalAtStep)
        rival = Promise.resolve().then(() => recover(disk.process('rival'), context.clock));
      context.afterStep();
      if (context.observe) steps.push({ snapshot, version: context.journal.entries.length });
      context.duringStep(snapshot);
    });
    disk.onStep = () => context.afterStep();
    // Processes that share the spool wait for each other's locks on the clock.
    await context.whileTimePasses(scenario.run(context).then(() => rival));
    context.afterStep();
    return { journal: context.journal, steps, disk };
  });
}

/** Brings a spool in order, which must succeed: no file may be left as it is. */
export async function recover(fileSystem: FileSystem, clock: Clock = new ManualClock()): Promise<void> {
  const spool = Spool.openSync({ directory: SPOOL, fileSystem, clock });
  const { problems } = await recoverSpool(spool, serializers);
  const [problem] = problems;
  if (problem) throw new Error(`recovery left ${problem.fileName}: ${problem.reason}`);
}

/** Writer and spool ids come from the seed, so that a run can be repeated. */
async function withSeededIds<T>(seed: number, work: () => Promise<T>): Promise<T> {
  const random = seededRandom(mixSeed(seed, 77));
  const { crypto } = globalThis;
  Object.defineProperty(crypto, 'getRandomValues', {
    configurable: true,
    value: (bytes: Uint8Array) => {
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = random() * 256;
      return bytes;
    },
  });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(crypto, 'getRandomValues');
  }
}

/** What a scenario works with. */
export class ScenarioContext {
  readonly disk: SimulatedDisk;
  readonly journal = new CrashJournal();
  readonly clock = new ManualClock();
  readonly random: () => number;
  /** Whether steps are crashed from here on. */
  observe = true;
  #writers = 0;
  #syncing: { readonly path: string; readonly lines: readonly string[] } | undefined;

  constructor(disk: SimulatedDisk, seed: number) {
    this.disk = disk;
    this.random = seededRandom(mixSeed(seed, 78));
  }

  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  writer(process: SimulatedProcess, options: Partial<FileDiskWriterOptions<string>> = {}): JournaledWriter {
    this.#writers += 1;
    return new JournaledWriter(this, process, this.#writers, options);
  }

  /** What a process does with the store, for as long as it lives. */
  async withStore(process: SimulatedProcess, work: (store: JournaledStore) => Promise<void>): Promise<void> {
    const { clock } = this;
    try {
      const store = await openSegmentStore({ directory: SPOOL, fileSystem: process, clock, serializers });
      await work(new JournaledStore(this.journal, store));
      await store.close();
    } catch (error) {
      if (process.isAlive) throw error;
    }
  }

  /** Lets time pass for as long as `work` takes: retries wait on the clock. */
  async whileTimePasses<T>(work: Promise<T>, stepMs = 5): Promise<T> {
    let isDone = false;
    const finish = (): void => {
      isDone = true;
    };
    work.then(finish, finish);
    await settle(1);
    while (!isDone) {
      this.clock.advance(stepMs);
      await settle(1);
    }
    return work;
  }

  /** A sync that failed may have taken pages with it: what is gone then is nobody's fault. */
  duringStep({ operation, path }: DiskSnapshot): void {
    if (operation !== 'sync' || path === undefined) return;
    this.#syncing = { path, lines: linesOf(this.disk.files().get(path) ?? new Uint8Array(0)) };
  }

  afterStep(): void {
    const syncing = this.#syncing;
    if (!syncing) return;
    this.#syncing = undefined;
    const left = new Set(linesOf(this.disk.files().get(syncing.path) ?? new Uint8Array(0)));
    const texts = syncing.lines.filter((line) => !left.has(line));
    if (texts.length > 0) this.journal.add({ kind: 'kernelLost', texts });
  }
}

/** A writer that keeps a journal of what it was told. */
export class JournaledWriter {
  readonly process: SimulatedProcess;
  readonly writer: FileDiskWriter<string>;
  readonly #context: ScenarioContext;
  readonly #index: number;
  readonly #isAtomic: boolean;
  readonly #underWay = new Map<SentBatch, readonly string[] | EventBatch<string>>();

  constructor(
    context: ScenarioContext,
    process: SimulatedProcess,
    index: number,
    options: Partial<FileDiskWriterOptions<string>>,
  ) {
    this.process = process;
    this.#context = context;
    this.#index = index;
    this.#isAtomic = options.flushMode === 'atomic';
    this.writer = new FileDiskWriter<string>({
      directory: SPOOL,
      fileSystem: process,
      clock: context.clock,
      serializer: serializer as unknown as EventSerializer<string>,
      retry: noRetry,
      // What is given up is in the ledger, where the checks look for it.
      onSegmentDropped: () => undefined,
      ...options,
    });
  }

  newBatch(eventCount: number, isAtomic: boolean = this.#isAtomic, isHeld = false): SentBatch {
    return this.#context.journal.newBatch(this.#index, eventCount, isAtomic, this.#context.below(30), isHeld);
  }

  /** Sends a batch, as one or event by event, and again while the disk refuses it. */
  async send(eventCount: number, durability: Durability, batch: SentBatch = this.newBatch(eventCount)): Promise<void> {
    const { journal } = this.#context;
    const lines = batch.events.map(({ text }) => text);
    const encoded = this.#context.random() < 0.3 ? this.writer.openBatch() : undefined;
    if (encoded) for (const line of lines) encoded.add(line);
    this.#underWay.set(batch, encoded ?? lines);
    for (let turn = 1; ; turn += 1) {
      this.writer.setHoldExport(batch.isHeld);
      try {
        const receipt = await (encoded
          ? this.writer.commit(encoded, { durability })
          : this.writer.write(lines, { durability }));
        journal.add({ kind: 'acknowledged', batch, receipt });
        this.#underWay.delete(batch);
        return;
      } catch (error) {
        if (!this.process.isAlive) return;
        if (turn >= MAX_SENDS) throw error;
        this.onRefused?.(error);
      }
    }
  }

  onRefused: ((error: unknown) => void) | undefined;

  /** Stores a new batch as a process does that is about to end. */
  sendNewSync(eventCount: number): void {
    const batch = this.newBatch(eventCount, false);
    this.#sendSync(
      batch,
      batch.events.map(({ text }) => text),
    );
  }

  /** The same for one that was sent, unless it was acknowledged since. */
  sendAgainSync(batch: SentBatch): void {
    const sent = this.#underWay.get(batch);
    if (sent) this.#sendSync(batch, sent);
  }

  #sendSync(batch: SentBatch, sent: readonly string[] | EventBatch<string>): void {
    const { writeSync } = this.writer;
    if (!writeSync) throw new Error('the writer has no writeSync');
    try {
      const receipt = writeSync(sent);
      this.#context.journal.add({ kind: 'acknowledged', batch, receipt });
    } catch (error) {
      if (this.process.isAlive) this.onRefused?.(error);
    }
  }

  async rotate(): Promise<void> {
    await this.#unlessDead(this.writer.rotate());
  }

  async close(): Promise<void> {
    await this.#unlessDead(this.writer.close());
  }

  async #unlessDead(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.process.isAlive) throw error;
    }
  }
}

/** Takes segments out of the spool, as a queue does. */
export class JournaledStore {
  readonly store: SegmentStore;
  /** What is done about a disk that refuses. */
  onFailure: (error: unknown) => void = (error) => {
    throw error;
  };
  readonly #journal: CrashJournal;

  constructor(journal: CrashJournal, store: SegmentStore) {
    this.#journal = journal;
    this.store = store;
  }

  /** Settles up to `count` of the segments that are there, each with the outcome that `choose` names. */
  async settleSome(count: number, choose: () => Outcome | 'released'): Promise<void> {
    let left = count;
    for await (const { id } of this.store.list()) {
      if (left === 0) return;
      const attempt = await this.store.lease(id);
      if (attempt.status !== 'leased') continue;
      const { lease } = attempt;
      left -= 1;
      const outcome = choose();
      if (outcome === 'released') {
        // A state that cannot be kept costs a repeated attempt, nothing else.
        await lease
          .writeState({ attempts: 1, firstFailureAtMs: 1, nextAttemptAtMs: 2, lastError: 'refused' })
          .catch(this.onFailure);
        await lease.release();
        continue;
      }
      const texts = linesOf(await lease.content.read(0, lease.content.sizeBytes));
      this.#journal.add({ kind: 'settling', settlement: { id, outcome, texts, isAcknowledged: false } });
      try {
        if (outcome === 'delivered') await lease.settle({ status: outcome, receipt: `r-${id.slice(-4)}` });
        else await lease.settle({ status: outcome, reason: 'test' });
        this.#journal.add({ kind: 'settled', id });
      } catch (error) {
        this.onFailure(error);
        await lease.release();
      }
    }
  }
}
