import { noRetry } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import { parseSpoolFile } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import {
  type DiskOperation,
  type DiskOperationName,
  ManualClock,
  SimulatedDisk,
  type SimulatedDiskOptions,
  settle,
} from '@relaykit/testing';
import type { LogFacts, Logger } from '@relaykit/types';
import { FileDiskWriter, type FileDiskWriterOptions } from '../src/index.ts';
import { eventsOnDisk } from './events-on-disk.ts';

export interface TestEvent {
  readonly n: number;
}

export const SPOOL = '/spool';

/** A writer on a simulated disk, with a clock that stands still and a log. */
export class WriterOnDisk {
  readonly disk: SimulatedDisk;
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly logger: Logger;
  readonly writer: FileDiskWriter<TestEvent>;
  /** Every operation on the disk, in order. */
  readonly operations: DiskOperation[] = [];

  constructor(options: Partial<FileDiskWriterOptions<TestEvent>> = {}, disk: SimulatedDiskOptions = {}) {
    this.disk = new SimulatedDisk(disk);
    this.disk.onStep = (operation) => void this.operations.push(operation);
    const at = (level: string) => (message: string, facts?: LogFacts) =>
      void this.log.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
    this.logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    this.writer = this.another(options);
  }

  another(options: Partial<FileDiskWriterOptions<TestEvent>> = {}): FileDiskWriter<TestEvent> {
    return new FileDiskWriter<TestEvent>({
      directory: SPOOL,
      fileSystem: this.disk,
      clock: this.clock,
      logger: this.logger,
      retry: noRetry,
      rotation: rotateByEvents(1_000),
      ...options,
    });
  }

  /** Names in the spool of one kind, in order. */
  files(kind: 'sealed' | 'active' | 'atomic' | 'metadata'): readonly string[] {
    return [...this.disk.files().keys()]
      .map((path) => path.slice(SPOOL.length + 1))
      .filter((name) => parseSpoolFile(name)?.kind === kind)
      .sort();
  }

  async numbers(): Promise<readonly number[]> {
    const events = await eventsOnDisk(this.disk, SPOOL, new JSONEventSerializer<TestEvent>());
    return events.map(({ n }) => n);
  }

  count(name: DiskOperationName, pathEnd = ''): number {
    return this.operations.filter((operation) => operation.name === name && operation.path.endsWith(pathEnd)).length;
  }

  /** Lets time pass for as long as `work` takes. */
  async whileTimePasses<T>(work: Promise<T>, stepMs = 10): Promise<T> {
    let isDone = false;
    const finish = (): void => {
      isDone = true;
    };
    work.then(finish, finish);
    await settle();
    while (!isDone) {
      this.clock.advance(stepMs);
      await settle();
    }
    return work;
  }
}

export function events(first: number, count = 1): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ n: first + index }));
}

export function numbersTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}
