// Question: what does taking one event cost, encoded when it is added or held as it is, beside a plain array?
// One iteration is one flush's worth of events, in a turn of its own; the flush is not part of it.

import { RelayEventBuffer } from '@relaykit/buffer';
import { InMemoryDiskWriter } from '@relaykit/testing';
import type { EventPersisting, WriteReceipt } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, type Flight, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const eventCount = isSmall ? 100 : 1_000;
const events = flights(eventCount);

/** The least a persistence can do: it keeps the arrays. */
class ArrayPersistence implements EventPersisting<Flight> {
  storedEvents = 0;

  async write(batch: readonly Flight[]): Promise<WriteReceipt> {
    const firstSequence = this.storedEvents;
    this.storedEvents += batch.length;
    const [segmentId, writerId] = ['array', 'array'];
    return { segmentId, writerId, firstSequence, eventCount: batch.length, durability: 'written', rejected: [] };
  }

  async close(): Promise<void> {}
}

function addAll(buffer: RelayEventBuffer<Flight>): void {
  for (const event of events) if (buffer.add(event).status !== 'added') throw new Error('the buffer is full');
}

const bench = new Bench(benchTimes());
let seenEvents = 0; // using every result keeps the engine from skipping the work

bench.add('array push', () => {
  const array: Flight[] = [];
  for (const event of events) array.push(event);
  seenEvents += array.length;
});

bench.add('JSON.stringify alone', () => {
  for (const event of events) seenEvents += JSON.stringify(event).length > 0 ? 1 : 0;
});

const writer = new InMemoryDiskWriter<Flight>();
bench.add('batch.add alone, in memory', () => {
  const batch = writer.openBatch();
  for (const event of events) batch.add(event);
  seenEvents += batch.eventCount;
  batch.release();
});

const arrays = new ArrayPersistence();
const buffers = [
  ['add, held as it is', new RelayEventBuffer<Flight>({ persistence: arrays })],
  ['add, encoded, in memory', new RelayEventBuffer<Flight>({ persistence: new InMemoryDiskWriter<Flight>() })],
] as const;
for (const [name, buffer] of buffers) {
  bench.add(name, () => addAll(buffer), {
    // An iteration starts with an empty buffer.
    async afterEach() {
      await buffer.flush();
    },
  });
}

await bench.run();
for (const [, buffer] of buffers) {
  await buffer.close();
  const { added, persisted } = buffer.counts();
  if (added === 0 || added !== persisted) throw new Error(`added ${added}, persisted ${persisted}`);
}
printComparison(bench, { unit: 'events', perIteration: eventCount, seenEvents, storedEvents: arrays.storedEvents });
