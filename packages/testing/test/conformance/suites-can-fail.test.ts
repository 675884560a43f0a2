// Goal: the suites notice implementations that break a promise.
// Method: run each suite on a broken implementation, with a runner that collects what fails.
import type { ActiveSegment, EventPersisting, SegmentStore, WriteOptions, WriteReceipt } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import {
  describeEventPersisting,
  describeRotationPolicy,
  describeSegmentStore,
  describeSegmentUploader,
  type TestApi,
} from '../../src/conformance/index.ts';
import { InMemoryDiskWriter, InMemorySegmentStore, MockDiskWriter, RecordingUploader } from '../../src/index.ts';

/** Runs what a suite defines, and resolves to the titles of the tests that failed. */
async function failuresOf(define: (api: TestApi) => void): Promise<string[]> {
  const tests: (readonly [title: string, run: () => Promise<void>])[] = [];
  define({ describe: (_, body) => body(), it: (title, run) => tests.push([title, run]) });
  const failed: string[] = [];
  for (const [title, run] of tests) await run().catch(() => failed.push(title));
  expect(tests.length).toBeGreaterThan(3);
  return failed;
}

class Writer extends InMemoryDiskWriter<unknown> {}

const brokenWriters: Record<string, { make: () => EventPersisting<unknown>; notices: string }> = {
  'acknowledges and stores nothing': {
    make: () => {
      const writer = new Writer();
      const write = writer.write.bind(writer);
      return Object.assign(writer, {
        write: async (events: readonly unknown[], options?: WriteOptions) => ({
          ...(await write([], options)),
          eventCount: events.length,
        }),
      });
    },
    notices: 'stores events in order and numbers them from 0',
  },
  'numbers every batch from 0': {
    make: () => withReceipt((receipt) => ({ ...receipt, firstSequence: 0 })),
    notices: 'stores events in order and numbers them from 0',
  },
  'claims less durability than asked': {
    make: () => withReceipt((receipt) => ({ ...receipt, durability: 'written' })),
    notices: 'reaches at least the durability asked for: synced',
  },
  'shifts the index of rejected events': {
    make: () =>
      withReceipt((receipt) => ({
        ...receipt,
        rejected: receipt.rejected.map(({ index, cause }) => ({ index: index + 1, cause })),
      })),
    notices: 'rejects a BigInt by itself',
  },
  'reads the array when it gets round to it': {
    make: () => {
      const writer = new Writer();
      const write = writer.write.bind(writer);
      return Object.assign(writer, {
        write: async (events: readonly unknown[], options?: WriteOptions) => {
          await Promise.resolve();
          return write(events, options);
        },
      });
    },
    notices: 'does not notice what becomes of the array after the call',
  },
  'does not recognise at exit what is under way': {
    make: () => {
      const writer = new Writer();
      const writeSync = writer.writeSync.bind(writer);
      return Object.assign(writer, {
        writeSync: (events: Parameters<Writer['writeSync']>[0]) => writeSync('length' in events ? [...events] : events),
      });
    },
    notices: 'stores an array once that is being written: 0 turns later, asked to be written',
  },
  'writes on after closing': {
    make: () => {
      const writer = new Writer();
      return Object.assign(writer, { close: () => Promise.resolve() });
    },
    notices: 'refuses to write once closing has begun',
  },
  'ignores the signal': {
    make: () => {
      const writer = new Writer();
      const write = writer.write.bind(writer);
      return Object.assign(writer, {
        write: (events: readonly unknown[], { durability }: WriteOptions = {}) =>
          write(events, durability === undefined ? {} : { durability }),
      });
    },
    notices: 'stores nothing when aborted before the call',
  },
};

function withReceipt(change: (receipt: WriteReceipt) => WriteReceipt): EventPersisting<unknown> {
  const writer = new Writer();
  const write = writer.write.bind(writer);
  return Object.assign(writer, {
    write: async (events: readonly unknown[], options?: WriteOptions) => change(await write(events, options)),
  });
}

describe('describeEventPersisting', () => {
  const readBack = (persistence: EventPersisting<unknown>): unknown[] => (persistence as Writer).events();

  for (const [title, { make, notices }] of Object.entries(brokenWriters)) {
    it(`notices a writer that ${title}`, async () => {
      const failed = await failuresOf((api) => describeEventPersisting('broken', { create: make, readBack }, api));
      expect(failed).toContain(notices);
    });
  }

  it('notices a commit that loses its batch when it fails', async () => {
    const create = (): EventPersisting<unknown> => {
      const writer = new MockDiskWriter<unknown>();
      const { commit } = writer;
      return Object.assign(writer, {
        commit: async (batch: Parameters<NonNullable<typeof commit>>[0], options?: WriteOptions) => {
          try {
            return await commit?.(batch, options);
          } catch (error) {
            batch.release();
            throw error;
          }
        },
      }) as EventPersisting<unknown>;
    };
    const failNextStore = (persistence: EventPersisting<unknown>): void =>
      (persistence as MockDiskWriter<unknown>).failNext();
    const failed = await failuresOf((api) =>
      describeEventPersisting('broken', { create, readBack, failNextStore }, api),
    );
    expect(failed).toContain('leaves a batch as it was when its commit fails');
  });
});

describe('describeSegmentStore', () => {
  const addSegment = async (store: SegmentStore, content: Uint8Array): Promise<string> =>
    (await (store as InMemorySegmentStore).addSegment({ content })).id;

  it('notices a store that leases twice', async () => {
    const create = (): SegmentStore => {
      const store = new InMemorySegmentStore();
      const lease = store.lease.bind(store);
      return Object.assign(store, {
        lease: async (id: string) => {
          const attempt = await lease(id);
          if (attempt.status === 'leased') await attempt.lease.release();
          return attempt;
        },
      });
    };
    const failed = await failuresOf((api) => describeSegmentStore('broken', { create, addSegment }, api));
    expect(failed).toContain('gives a segment to one holder at a time');
  });

  it('notices a store that forgets the order', async () => {
    const create = (): SegmentStore => {
      const store = new InMemorySegmentStore();
      const list = store.list.bind(store);
      return Object.assign(store, {
        async *list() {
          const all = [];
          for await (const name of list()) all.unshift(name);
          yield* all;
        },
      });
    };
    const failed = await failuresOf((api) => describeSegmentStore('broken', { create, addSegment }, api));
    expect(failed).toContain('lists sealed segments, oldest first');
  });
});

describe('describeSegmentUploader', () => {
  it('notices an uploader that ignores its signal and cuts the body', async () => {
    const failed = await failuresOf((api) =>
      describeSegmentUploader(
        'broken',
        {
          create: () => {
            const recorder = new RecordingUploader();
            return {
              uploader: {
                upload: (segment) => recorder.upload(segment, { signal: new AbortController().signal }),
              },
              received: () => recorder.uploads.map((upload) => ({ ...upload, bytes: upload.bytes.slice(1) })),
              answer: (kind) => {
                if (kind === 'hang') recorder.script({ status: 'accepted' });
              },
            };
          },
        },
        api,
      ),
    );
    expect(failed).toEqual([
      'delivers every byte under the segment’s key',
      'sends a segment again, whole, under the same key',
      'reports what is refused for ever, and why',
      'sends nothing when aborted before the call',
      'ends an attempt that is aborted while it waits',
    ]);
  });
});

describe('describeRotationPolicy', () => {
  const segment: ActiveSegment = { id: 's', sizeBytes: 10, eventCount: 1, ageMs: 10 };
  const old = { ...segment, ageMs: 1_000 };

  it('passes a policy that keeps its promises', async () => {
    const failed = await failuresOf((api) =>
      describeRotationPolicy(
        'sound',
        {
          create: () => ({
            shouldRotate: ({ ageMs }) => (ageMs >= 1_000 ? 'age' : undefined),
            nextCheckMs: ({ ageMs }) => 1_000 - ageMs,
          }),
          keeps: [segment],
          rotates: [old],
        },
        api,
      ),
    );
    expect(failed).toEqual([]);
  });

  it('notices state, the wall clock, and a check that comes too early', async () => {
    let asked = 0;
    const failed = await failuresOf((api) =>
      describeRotationPolicy(
        'broken',
        {
          create: () => ({
            shouldRotate: ({ ageMs }, { epochMs }) => {
              asked += 1;
              return ageMs >= 1_000 || asked % 2 === 0 || epochMs > 1_790_000_000_000 ? 'age' : undefined;
            },
            nextCheckMs: () => 1,
          }),
          keeps: [segment],
          rotates: [old],
        },
        api,
      ),
    );
    expect(failed).toContain('answers the same however often and in whatever order it is asked');
    expect(failed).toContain('does not notice a leap of the wall clock');
  });
});

it('asks for the test functions where there are no global ones', () => {
  const harness = { create: () => new Writer(), readBack: () => [] };
  expect(() => describeEventPersisting('x', harness)).toThrow('testApi must be given as { describe, it }');
});
