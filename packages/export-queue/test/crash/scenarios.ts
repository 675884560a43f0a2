import { DiskExportQueue, type DiskExportQueueOptions } from '@relaykit/export-queue';
import { exponentialBackoff } from '@relaykit/retry';
import { type FileSegmentStore, openSegmentStore, type QuarantineOptions, Spool } from '@relaykit/segments';
import { ManualClock, type SimulatedDisk, type SimulatedProcess } from '@relaykit/testing';
import type { UploadResult } from '@relaykit/types';
import { linesOf, sealSegment } from '../sealed-segments.ts';
import type { DeliveryWorld } from './delivery-world.ts';
import { ARCHIVE, SPOOL } from './oracle.ts';

export interface DeliveryScenario {
  readonly name: string;
  /** Whether it is also run with a kill of one process alone at each step. */
  readonly isShared?: boolean;
  readonly isArchiving?: boolean;
  /** Before the first step that is crashed. */
  prepare(context: DeliveryContext): Promise<void>;
  run(context: DeliveryContext): Promise<void>;
}

const retry = exponentialBackoff({ maxAttempts: 50, initialDelayMs: 1, maxDelayMs: 2, jitter: 'none' });

/** What a scenario works with. */
export class DeliveryContext {
  readonly disk: SimulatedDisk;
  readonly world: DeliveryWorld;
  readonly clock = new ManualClock();
  #sealed = 0;

  constructor(disk: SimulatedDisk, world: DeliveryWorld) {
    this.disk = disk;
    this.world = world;
  }

  async seal(count: number, isHeld = false): Promise<readonly string[]> {
    const spool = Spool.openSync({ directory: SPOOL, fileSystem: this.disk.process('writer'), clock: this.clock });
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const first = this.#sealed;
      const eventCount = 1 + this.world.below(3);
      const { id } = await sealSegment(spool, { first, events: eventCount, isHeld });
      this.#sealed += eventCount;
      const text = linesOf('aaaaaaaaaa', first, eventCount)
        .map((line) => `${line}\n`)
        .join('');
      this.world.add({ id, text, firstSequence: first, eventCount }, isHeld ? 'held' : 'pending');
      ids.push(id);
    }
    return ids;
  }

  /** What a process does with the store, for as long as it lives. */
  async withStore(
    process: SimulatedProcess,
    work: (store: FileSegmentStore) => Promise<void>,
    quarantine: QuarantineOptions = {},
  ): Promise<void> {
    try {
      const store = await openSegmentStore({ directory: SPOOL, fileSystem: process, clock: this.clock, quarantine });
      await work(store);
      await store.close();
    } catch (error) {
      if (process.isAlive) throw error;
    }
  }

  /** A queue in a process of its own that goes over the spool so many times. */
  async export(
    name: string,
    cycles: number,
    answer: () => UploadResult,
    options: Partial<DiskExportQueueOptions> & { readonly quarantine?: QuarantineOptions } = {},
  ): Promise<void> {
    const { world, clock } = this;
    const process = this.disk.process(name);
    const { quarantine = {}, ...queueOptions } = options;
    await this.withStore(
      process,
      async (store) => {
        const uploader = world.uploaderOf(process, () => {
          const result = answer();
          // A full quarantine drops what is in it.
          if (result.status === 'rejected' && quarantine.whenFull === 'dropOldest') this.#mayDropQuarantined();
          return result;
        });
        const queue = new DiskExportQueue({ store, uploader, clock, retry, random: () => 0.5, ...queueOptions });
        queue.on('uploaded', ({ segment }) => world.surely(segment.id, 'delivered'));
        if (quarantine.whenFull !== 'dropOldest') {
          queue.on('quarantined', ({ segment }) => world.surely(segment.id, 'quarantined'));
        }
        for (let cycle = 0; cycle < cycles; cycle += 1) {
          await queue.drain();
          // What the destination asked for is over by the next cycle.
          queue.resume();
        }
        await queue.close();
      },
      quarantine,
    );
  }

  #mayDropQuarantined(): void {
    const { world } = this;
    for (const [id, places] of world.placesAt(world.journal.length)) {
      if (places.has('quarantined')) world.maybe(id, 'dropped');
    }
  }
}

const accepted = (): UploadResult => ({ status: 'accepted', receipt: 'r-1' });

function mixed({ world }: DeliveryContext): () => UploadResult {
  return () => {
    const choice = world.below(10);
    if (choice < 5) return accepted();
    return choice < 8 ? { status: 'retry', cause: new Error('503') } : { status: 'rejected', cause: new Error('413') };
  };
}

const deliver: DeliveryScenario = {
  name: 'deliver',
  prepare: async (context) => void (await context.seal(5)),
  run: (context) => context.export('queue', 2, mixed(context), { concurrency: 2 }),
};

const twoQueues: DeliveryScenario = {
  name: 'two queues',
  isShared: true,
  prepare: async (context) => void (await context.seal(4)),
  async run(context) {
    await Promise.all(['first', 'second'].map((name) => context.export(name, 1, mixed(context))));
  },
};

/** What is in quarantine goes back or for good, while a queue is at work. */
const quarantine: DeliveryScenario = {
  name: 'quarantine',
  isShared: true,
  async prepare(context) {
    await context.seal(3);
    await context.export('earlier', 1, () => ({ status: 'rejected', cause: new Error('413') }));
    await context.seal(2);
  },
  async run(context) {
    const { world, disk } = context;
    const operate = (process: SimulatedProcess): Promise<void> =>
      context.withStore(process, async (store) => {
        for (const { id } of await store.quarantine.list()) {
          if (world.below(2) === 0) {
            world.maybe(id, 'pending');
            await store.quarantine.requeue(id);
          } else {
            world.maybe(id, 'dropped');
            const { status } = await store.quarantine.discard(id);
            if (status === 'discarded') world.surely(id, 'dropped');
          }
        }
      });
    await Promise.all([operate(disk.process('operator')), context.export('queue', 1, accepted)]);
    await operate(disk.process('another operator'));
  },
};

const fullQuarantine: DeliveryScenario = {
  name: 'full quarantine',
  prepare: async (context) => void (await context.seal(5)),
  async run(context) {
    const refuseMost = (): UploadResult =>
      context.world.below(4) === 0 ? accepted() : { status: 'rejected', cause: new Error('413') };
    await context.export('queue', 1, refuseMost, { quarantine: { maxSegments: 2, whenFull: 'dropOldest' } });
  },
};

function decide(decision: 'releaseHeld' | 'discardHeld', place: 'pending' | 'dropped'): DeliveryScenario {
  return {
    name: decision,
    isShared: true,
    async prepare(context) {
      const held = await context.seal(3, true);
      await context.seal(1);
      if (held.length !== 3) throw new Error('three segments are held');
    },
    async run(context) {
      const { world, disk } = context;
      const held = [...world.placesAt(world.journal.length)].flatMap(([id, places]) =>
        places.has('held') ? [id] : [],
      );
      const decideNow = (process: SimulatedProcess): Promise<void> =>
        context.withStore(process, async (store) => {
          for (const id of held) world.maybe(id, place);
          const { segments, inUse } = await store[decision]();
          if (place === 'dropped' && segments === held.length) for (const id of held) world.surely(id, place);
          if (inUse > 0) throw new Error(`${inUse} segments stayed in use`);
        });
      await Promise.all([decideNow(disk.process('application')), context.export('queue', 2, accepted)]);
    },
  };
}

const archive: DeliveryScenario = {
  name: 'archive',
  isArchiving: true,
  prepare: async (context) => void (await context.seal(3)),
  run: (context) => context.export('queue', 1, accepted, { afterDelivery: { archiveDirectory: ARCHIVE } }),
};

export const scenarios: readonly DeliveryScenario[] = [
  deliver,
  twoQueues,
  quarantine,
  fullQuarantine,
  decide('releaseHeld', 'pending'),
  decide('discardHeld', 'dropped'),
  archive,
];
