// What the commands act on: two writers and a store of one spool on a simulated disk.
import { exponentialBackoff, noRetry } from '@relaykit/retry';
import { retainFileCount, rotateByAge, rotateByEvents, rotateWhenAny } from '@relaykit/rotation';
import { type FileSegmentStore, openSegmentStore, type RecoveryReport } from '@relaykit/segments';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import { type DiskOperation, ManualClock, SimulatedDisk, type SimulatedProcess, settle } from '@relaykit/testing';
import type { EventSerializer } from '@relaykit/types';
import { FileDiskWriter } from '../../src/index.ts';
import type { EventList, WriterName } from './event-list.ts';

export const SPOOL = '/spool';
export const ROOMY_BYTES: number = 2 ** 40;
export const serializer = new RawJSONLineSerializer() as unknown as EventSerializer<string>;
/** Small enough that a file of a few events has several. */
const SECTOR_BYTES = 64;
/** A segment that nobody writes to is sealed after that long. */
export const MAX_SEGMENT_AGE_MS = 1_000;

/** What holds for one whole sequence of commands. */
export interface WorldOptions {
  readonly seed: number;
  readonly maxSegmentEvents: number;
  readonly retries: boolean;
  /** Sealed and unsealed files at most; `undefined`: no limit. */
  readonly maxFiles: number | undefined;
  readonly whenFull: 'dropOldestUndelivered' | 'refuseNew';
}

export class SpoolWorld {
  readonly disk: SimulatedDisk;
  readonly clock = new ManualClock();
  readonly options: WorldOptions;
  readonly list: EventList;
  /** Lines of each segment that was about to be removed or set aside. */
  readonly leaving = new Map<string, readonly string[]>();
  /** Segments that a writer says it gave up. */
  readonly dropped = new Set<string>();
  /** Set once a fault was planned: from then on calls may be refused and segments move. */
  hasFailed = false;
  /** Set once a sync that failed took something with it: from then on files may be damaged. */
  hasDropped = false;
  /** Set once `writeSync` was used: it answers calls under way with what it has reached. */
  hasExited = false;
  process: SimulatedProcess;
  writers: Readonly<Record<WriterName, FileDiskWriter<string>>>;
  store: FileSegmentStore | undefined;
  #processes = 0;
  #syncing: { readonly path: string; readonly texts: readonly string[] } | undefined;

  constructor(options: WorldOptions, list: EventList) {
    this.options = options;
    this.list = list;
    this.disk = new SimulatedDisk({ seed: options.seed, sectorBytes: SECTOR_BYTES });
    this.disk.onEveryStep(({ operation, path }) => {
      this.noteDropped();
      if (operation === 'sync' && path !== undefined) this.#syncing = { path, texts: this.linesAt(path) };
    });
    this.disk.onStep = (operation) => this.#noteLeaving(operation);
    this.process = this.#newProcess();
    this.writers = this.#newWriters();
  }

  /** A process of its own, to look at the disk with. */
  observer(): SimulatedProcess {
    return this.disk.process('observer');
  }

  /** Both writers and the store begin again in a new process. Returns what the recovery said. */
  async reopen(): Promise<RecoveryReport> {
    this.process = this.#newProcess();
    this.writers = this.#newWriters();
    this.store = undefined;
    const report = await this.whileTimePasses(this.writers.append.open());
    await this.whileTimePasses(this.writers.atomic.open());
    return report;
  }

  async openStore(): Promise<FileSegmentStore> {
    this.store ??= await openSegmentStore({
      directory: SPOOL,
      fileSystem: this.process,
      clock: this.clock,
      serializers: [serializer as EventSerializer<never>],
    });
    return this.store;
  }

  /** Lets time pass for as long as `work` takes: retries wait on the clock. */
  async whileTimePasses<T>(work: Promise<T>, stepMs = 5): Promise<T> {
    let isDone = false;
    const finish = (): void => {
      isDone = true;
    };
    work.then(finish, finish);
    await settle(1);
    for (let turn = 0; !isDone; turn += 1) {
      if (turn > 10_000) throw new Error('a call does not settle, however much time passes');
      this.clock.advance(stepMs);
      await settle(1);
    }
    return work;
  }

  /** Where the exit path stored behind a batch whose sync failed, the batch is refused though it may be there. */
  get isUncertain(): boolean {
    return this.hasExited && this.hasFailed;
  }

  endFaults(): void {
    this.disk.clearFaults();
    this.disk.capacityBytes = ROOMY_BYTES;
  }

  linesAt(path: string): readonly string[] {
    const bytes = this.disk.files().get(path) ?? new Uint8Array(0);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').split('\n');
  }

  /** A sync that failed may have taken pages with it: what was acknowledged as written by then is nobody's fault. */
  noteDropped(): void {
    const syncing = this.#syncing;
    if (!syncing) return;
    this.#syncing = undefined;
    const left = new Set(this.linesAt(syncing.path));
    for (const text of syncing.texts) {
      if (left.has(text)) continue;
      this.hasDropped = true;
      const event = this.list.byText.get(text);
      // Who asked for a sync is not acknowledged before one has succeeded.
      if (event && !event.batch.isWhole && event.survives === 'written') event.isDropped = true;
    }
    // In place of a dropped page the disk shows what it held before, which may be a batch that was refused and cut off.
    for (const text of left) {
      const event = syncing.texts.includes(text) ? undefined : this.list.byText.get(text);
      if (event?.state === 'absent' || event?.state === 'refused') event.state = 'sent';
    }
  }

  /** Before a crash: a removal that was asked for may still happen in it. */
  noteSealed(): void {
    for (const path of this.disk.files().keys()) if (path.endsWith('.ndjson')) this.#noteLines(path);
  }

  #newProcess(): SimulatedProcess {
    this.#processes += 1;
    return this.disk.process(`writer ${this.#processes}`);
  }

  #newWriters(): Readonly<Record<WriterName, FileDiskWriter<string>>> {
    return { append: this.#newWriter('append'), atomic: this.#newWriter('atomic') };
  }

  #newWriter(flushMode: WriterName): FileDiskWriter<string> {
    const { maxFiles, maxSegmentEvents, retries, whenFull } = this.options;
    return new FileDiskWriter<string>({
      directory: SPOOL,
      fileSystem: this.process,
      clock: this.clock,
      serializer,
      flushMode,
      whenFull,
      rotation: rotateWhenAny(rotateByEvents(maxSegmentEvents), rotateByAge(MAX_SEGMENT_AGE_MS)),
      retry: retries
        ? exponentialBackoff({ maxAttempts: 3, initialDelayMs: 2, maxDelayMs: 4, jitter: 'none' })
        : noRetry,
      ...(maxFiles === undefined ? {} : { retention: retainFileCount(maxFiles) }),
      onSegmentDropped: ({ id }) => this.dropped.add(id),
    });
  }

  #noteLeaving({ name, path, to }: DiskOperation): void {
    this.noteDropped();
    if (name !== 'rename' || to === undefined || !(to.endsWith('.gone') || to.includes('/quarantine/'))) return;
    this.#noteLines(path);
  }

  #noteLines(path: string): void {
    const id = path.slice(SPOOL.length + 1).split('.')[0] ?? '';
    if (this.leaving.has(id)) return;
    const lines = this.linesAt(path).filter((line) => line !== '');
    this.leaving.set(id, lines);
  }
}
