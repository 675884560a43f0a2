import {
  DiskExportQueue,
  type DiskExportQueueOptions,
  type ExportEvents,
  type ExportEventType,
} from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock, RecordingUploader } from '@relaykit/testing';
import type { LogFacts, Logger, SegmentLease, SegmentStore, SegmentUploader } from '@relaykit/types';

export const eventTypes: readonly ExportEventType[] = [
  'uploaded',
  'retryScheduled',
  'quarantined',
  'blocked',
  'held',
  'destinationPaused',
  'drained',
  'error',
];

export type SeenEvent = { [Type in ExportEventType]: { type: Type; event: ExportEvents[Type] } }[ExportEventType];

/** A queue over doubles, with everything it told. */
export interface Setup {
  readonly store: InMemorySegmentStore;
  readonly uploader: RecordingUploader;
  readonly clock: ManualClock;
  readonly queue: DiskExportQueue;
  readonly seen: SeenEvent[];
  of<Type extends ExportEventType>(type: Type): ExportEvents[Type][];
}

export type SetupOptions = Partial<Omit<DiskExportQueueOptions, 'clock'>> & { readonly clock?: ManualClock };

export function setUp(options: SetupOptions = {}): Setup {
  const store = new InMemorySegmentStore();
  const uploader = new RecordingUploader();
  const { clock = new ManualClock() } = options;
  // A jitter of one half, so that delays are known.
  const queue = new DiskExportQueue({ store, uploader, random: () => 0.5, ...options, clock });
  const seen = watch(queue);
  const of = <Type extends ExportEventType>(type: Type): ExportEvents[Type][] =>
    seen.filter((entry) => entry.type === type).map(({ event }) => event as ExportEvents[Type]);
  return { store, uploader, clock, queue, seen, of };
}

export function watch(queue: DiskExportQueue): SeenEvent[] {
  const seen: SeenEvent[] = [];
  for (const type of eventTypes) queue.on(type, (event) => void seen.push({ type, event } as SeenEvent));
  return seen;
}

export async function addSegments(store: InMemorySegmentStore, count: number, writerId = 'w'): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await store.addSegment({ writerId, content: `{"n":${n}}\n` })).id);
  return ids;
}

/** The same store with parts of its leases replaced, as a failing disk would. */
export function withLease(
  store: SegmentStore,
  change: (
    lease: SegmentLease,
  ) => Partial<Pick<SegmentLease, 'settle' | 'readState' | 'writeState' | 'release' | 'content'>>,
): SegmentStore {
  return {
    list: () => store.list(),
    info: (id) => store.info(id),
    close: () => store.close(),
    async lease(id) {
      const attempt = await store.lease(id);
      if (attempt.status !== 'leased') return attempt;
      const { lease } = attempt;
      const same: SegmentLease = {
        segment: lease.segment,
        content: lease.content,
        readState: () => lease.readState(),
        writeState: (state) => lease.writeState(state),
        settle: (outcome, options) => lease.settle(outcome, options),
        release: () => lease.release(),
      };
      return { status: 'leased', lease: { ...same, ...change(lease) } };
    },
  };
}

/** Waits for real I/O, without a limit of its own: the test's is generous. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 1));
}

export class MemoryLogger implements Logger {
  readonly lines: { level: string; message: string; facts: LogFacts | undefined }[] = [];
  debug(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'debug', message, facts });
  }
  info(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'info', message, facts });
  }
  warn(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'warn', message, facts });
  }
  error(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'error', message, facts });
  }
}

/** Moves the clock in steps, each after the queue has come to rest, so that uploads over real sockets can end. */
export async function advanceAtRest(clock: ManualClock, queue: DiskExportQueue, durationMs: number): Promise<void> {
  const atRest = (): boolean => queue.status().underWay === 0 && clock.pendingTimers.length > 0;
  for (let leftMs = durationMs; leftMs > 0; ) {
    await until(atRest);
    const stepMs = Math.min(leftMs, Math.max(1, clock.pendingTimers[0]?.dueInMs ?? leftMs));
    await clock.advanceAsync(stepMs);
    leftMs -= stepMs;
  }
  await until(atRest);
}

export const scripted = (upload: SegmentUploader['upload']): SegmentUploader => ({ upload });
