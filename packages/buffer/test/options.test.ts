import { InMemoryDiskWriter, MockDiskWriter } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { RelayEventBuffer, type RelayEventBufferOptions } from '../src/index.ts';

const persistence = new InMemoryDiskWriter<number>();

describe('options', () => {
  it.each<[Partial<Record<keyof RelayEventBufferOptions<number>, unknown>>, string]>([
    [{ maxEvents: 0 }, 'maxEvents must be a whole number >= 1, got 0'],
    [{ maxEvents: 1.5 }, 'maxEvents must be a whole number >= 1, got 1.5'],
    [{ maxBytes: Number.NaN }, 'maxBytes must be a whole number >= 1, got NaN'],
    [{ flushEvents: -1 }, 'flushEvents must be a whole number >= 1, got -1'],
    [{ maxEvents: 10, flushEvents: 11 }, 'flushEvents must be at most maxEvents (10), got 11'],
    [{ maxBytes: 10, flushBytes: 11 }, 'flushBytes must be at most maxBytes (10), got 11'],
    [{ flushIntervalMs: 0 }, 'flushIntervalMs must be a number from 1 to 2147483647 or Infinity, got 0'],
    [{ flushIntervalMs: 2 ** 31 }, 'flushIntervalMs must be a number from 1 to 2147483647 or Infinity, got 2147483648'],
    [{ overflow: 'wait' }, "overflow must be one of 'reject', 'dropNewest', 'dropOldest', got 'wait'"],
    [{ durability: 'fsynced' }, "durability must be one of 'written', 'synced', got 'fsynced'"],
    [{ encode: 'later' }, "encode must be one of 'onAdd', 'onFlush', got 'later'"],
    [{ onDropped: true }, 'onDropped must be a function, got boolean'],
    [{ closesPersistence: 'no' }, 'closesPersistence must be true or false, got no'],
    [{ lifecycle: {} }, 'lifecycle must have the method subscribe, got undefined'],
    [{ clock: { now: Date.now } }, 'clock must have the method monotonicMs, got undefined'],
    [{ logger: null }, 'logger must have the method debug, got undefined'],
    [{ persistence: {} }, 'persistence must be an EventPersisting'],
    [{ persistence: undefined }, 'persistence must be an EventPersisting'],
    [{ persistence: new MockDiskWriter({ offersBatches: false }), encode: 'onAdd' }, "encode: 'onAdd' needs"],
  ])('%o: %s', (options, message) => {
    expect(() => new RelayEventBuffer({ persistence, ...options } as never)).toThrow(message);
  });

  it('subscribes to nothing where another option is wrong', () => {
    let subscribed = 0;
    const lifecycle = {
      subscribe: () => {
        subscribed += 1;
        return () => undefined;
      },
    };
    expect(() => new RelayEventBuffer({ persistence, lifecycle, maxEvents: 0 })).toThrow(RangeError);
    expect(subscribed).toBe(0);
  });

  it('lets a small bound lower the trigger, so that a full buffer is always being emptied', async () => {
    const writer = new InMemoryDiskWriter<number>();
    const buffer = new RelayEventBuffer({ persistence: writer, maxEvents: 5 });
    for (let n = 0; n < 5; n += 1) buffer.add(n);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writer.events()).toHaveLength(5);
    await buffer.close();
  });

  it('works with the platform’s clock, which does not keep the process alive', async () => {
    const writer = new InMemoryDiskWriter<number>();
    const buffer = new RelayEventBuffer({ persistence: writer, flushIntervalMs: 1 });
    buffer.add(1);
    while (buffer.counts().persisted === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(writer.events()).toEqual([1]);
    await buffer.close();
  });
});
