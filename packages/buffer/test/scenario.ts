import { ManualClock, MockDiskWriter, type MockDiskWriterOptions } from '@relaykit/testing';
import { expect } from 'vitest';
import { RelayEventBuffer, type RelayEventBufferOptions } from '../src/index.ts';

type Options<TEvent> = Partial<RelayEventBufferOptions<TEvent>> & { readonly writer?: MockDiskWriterOptions };

/** A buffer over a mock, with a clock that stands still. */
export function scenario<TEvent = number>({
  writer,
  ...options
}: Options<TEvent> = {}): {
  readonly buffer: RelayEventBuffer<TEvent>;
  readonly persistence: MockDiskWriter<TEvent>;
  readonly clock: ManualClock;
} {
  const persistence = new MockDiskWriter<TEvent>(writer);
  const clock = new ManualClock();
  return { buffer: new RelayEventBuffer<TEvent>({ persistence, clock, ...options }), persistence, clock };
}

export function addAll<TEvent>(buffer: RelayEventBuffer<TEvent>, events: Iterable<TEvent>): void {
  for (const event of events) expect(buffer.add(event)).toEqual({ status: 'added' });
}

/** The whole numbers from `from` up to and without `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** added = persisted + buffered + dropped */
export function expectBalanced(buffer: RelayEventBuffer<never> | RelayEventBuffer<number>, note: string = ''): void {
  const { added, persisted, buffered, dropped } = buffer.counts();
  const droppedInAll = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect(persisted + buffered + droppedInAll, `added = persisted + buffered + dropped ${note}`).toBe(added);
}

/** Counts of stores that reached the writer; those of no events are syncs. */
export function storeSizes<TEvent>(persistence: MockDiskWriter<TEvent>): number[] {
  return persistence.calls.filter(({ method }) => method !== 'close').map(({ events }) => events.length);
}
