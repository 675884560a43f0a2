import { InMemoryDiskWriter, ManualClock, MockDiskWriter } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { RelayEventBuffer } from '../src/index.ts';
import { addAll, expectBalanced, range, scenario } from './scenario.ts';

describe('add', () => {
  it('takes events, and stores them in order', async () => {
    const persistence = new InMemoryDiskWriter<number>();
    const buffer = new RelayEventBuffer({ persistence, clock: new ManualClock() });
    addAll(buffer, range(0, 1_234));
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 1_234));
    expect(buffer.counts()).toMatchObject({ added: 1_234, persisted: 1_234, buffered: 0, bufferedBytes: 0 });
  });

  it('answers with the same object every time, so that success allocates nothing', () => {
    const { buffer } = scenario();
    expect(buffer.add(1)).toBe(buffer.add(2));
  });

  it('records an event as it was when it was added', async () => {
    const { buffer, persistence } = scenario<{ n: number }>();
    const event = { n: 1 };
    buffer.add(event);
    event.n = 2;
    await buffer.flush();
    expect(persistence.events()).toEqual([{ n: 1 }]);
  });

  it('drops an event that cannot be stored, with its reason, and keeps its neighbours', async () => {
    const dropped: unknown[] = [];
    const { buffer, persistence } = scenario<unknown>({
      writer: { maxEventBytes: 100 },
      onDropped: (drop) => dropped.push(drop),
    });
    buffer.add(1);
    const bigint = buffer.add(1n);
    const large = buffer.add('x'.repeat(200));
    buffer.add(2);
    expect(bigint).toMatchObject({
      status: 'dropped',
      reason: 'unserializable',
      cause: { code: 'RELAY_EVENT_UNSERIALIZABLE' },
    });
    expect(large).toMatchObject({ status: 'dropped', reason: 'tooLarge', cause: { code: 'RELAY_EVENT_TOO_LARGE' } });
    expect(dropped).toMatchObject([
      { reason: 'unserializable', eventCount: 1, cause: { code: 'RELAY_EVENT_UNSERIALIZABLE' } },
      { reason: 'tooLarge', eventCount: 1, cause: { code: 'RELAY_EVENT_TOO_LARGE' } },
    ]);
    await buffer.flush();
    expect(persistence.events()).toEqual([1, 2]);
    expect(buffer.counts()).toMatchObject({ added: 4, persisted: 2, buffered: 0 });
    expectBalanced(buffer as never);
  });

  it('stores nothing where no event could be taken', async () => {
    const { buffer, persistence, clock } = scenario<unknown>();
    buffer.add(undefined);
    expect(clock.pendingTimers).toEqual([]);
    await buffer.flush();
    await buffer.close();
    expect(persistence.calls.map(({ method }) => method)).toEqual(['close']);
  });

  it('says what is in memory, and what is being written', async () => {
    const { buffer, persistence } = scenario<string>();
    addAll(buffer, ['a', 'b']);
    expect(buffer.counts()).toMatchObject({ added: 2, persisted: 0, buffered: 2, bufferedBytes: 8, inFlight: 0 });
    persistence.hold();
    const flushed = buffer.flush();
    await Promise.resolve();
    buffer.add('c');
    expect(buffer.counts()).toMatchObject({ added: 3, persisted: 0, buffered: 3, bufferedBytes: 12, inFlight: 2 });
    persistence.release();
    await flushed;
    expect(buffer.counts()).toMatchObject({ added: 3, persisted: 2, buffered: 1, bufferedBytes: 4, inFlight: 0 });
  });

  it('takes an event that an event adds while it is encoded', async () => {
    const { buffer, persistence } = scenario<unknown>({ flushEvents: 2 });
    const nesting = {
      toJSON() {
        buffer.add('inner');
        buffer.add('inner');
        return 'outer';
      },
    };
    buffer.add(nesting);
    await buffer.close();
    expect(persistence.events().sort()).toEqual(['inner', 'inner', 'outer']);
    expectBalanced(buffer as never);
  });

  it('does not let a listener or a logger that throws into add', () => {
    const throwing = (): never => {
      throw new Error('from a listener');
    };
    const logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };
    const { buffer } = scenario<unknown>({ onDropped: throwing, logger });
    expect(buffer.add(undefined)).toMatchObject({ status: 'dropped' });
    expect(buffer.counts().dropped.unserializable).toBe(1);
  });
});

describe("encode: 'onFlush'", () => {
  for (const offersBatches of [true, false]) {
    it(`holds events by reference, ${offersBatches ? 'where asked' : 'where there are no batches'}`, async () => {
      const { buffer, persistence } = scenario<{ n: number }>({
        writer: { offersBatches },
        ...(offersBatches ? { encode: 'onFlush' } : {}),
      });
      const event = { n: 1 };
      buffer.add(event);
      event.n = 2;
      expect(buffer.counts()).toMatchObject({ buffered: 1, bufferedBytes: 0 });
      await buffer.flush();
      expect(persistence.events()).toEqual([{ n: 2 }]);
      expect(persistence.calls.map(({ method }) => method)).toEqual(['write']);
    });
  }

  it('counts and announces what the persistence rejects, and keeps the neighbours', async () => {
    const dropped: unknown[] = [];
    const { buffer, persistence } = scenario<unknown>({
      encode: 'onFlush',
      writer: { maxEventBytes: 50 },
      onDropped: ({ reason, eventCount }) => {
        dropped.push([reason, eventCount]);
        expectBalanced(buffer as never);
      },
    });
    for (const event of [1, undefined, 2, 1n, 'x'.repeat(60), 3]) buffer.add(event);
    await buffer.flush();
    expect(persistence.events()).toEqual([1, 2, 3]);
    expect(dropped).toEqual([
      ['unserializable', 1],
      ['unserializable', 1],
      ['tooLarge', 1],
    ]);
    expect(buffer.counts()).toMatchObject({ added: 6, persisted: 3, buffered: 0 });
  });

  it('keeps its events when a write fails', async () => {
    const { buffer, persistence } = scenario({ encode: 'onFlush' });
    addAll(buffer, [1, 2]);
    persistence.failNext();
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    buffer.add(3);
    await buffer.flush();
    expect(persistence.events()).toEqual([1, 2, 3]);
  });
});

it('works with a persistence that is a class', async () => {
  const stored: number[] = [];
  // biome-ignore lint/complexity/noStaticOnlyClass: that is what is tested
  class StaticWriter {
    static async write(events: readonly number[]) {
      const firstSequence = stored.length;
      stored.push(...events);
      const eventCount = events.length;
      return { segmentId: 's', writerId: 'w', firstSequence, eventCount, durability: 'written', rejected: [] } as const;
    }
    static async close() {}
  }
  const buffer = new RelayEventBuffer<number>({ persistence: StaticWriter });
  addAll(buffer, [1, 2]);
  await buffer.close();
  expect(stored).toEqual([1, 2]);
});

it('says so where a persistence answers without a receipt', async () => {
  const persistence = Object.assign(new MockDiskWriter<number>({ offersBatches: false }), {
    write: async () => undefined as never,
  });
  const buffer = new RelayEventBuffer<number>({ persistence, clock: new ManualClock() });
  buffer.add(1);
  await expect(buffer.flush()).rejects.toThrow('must answer with a WriteReceipt');
  expectBalanced(buffer);
});
