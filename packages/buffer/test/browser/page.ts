/// <reference lib="dom" />
// Runs in a page: a buffer with no trigger but the page's lifecycle, and a persistence that posts to where it came from.
import type { EventPersisting, WriteReceipt } from '@relaykit/types';
import { pageLifecycle, RelayEventBuffer } from '../../src/index.ts';

interface Click {
  readonly n: number;
}

/** Posts with `fetch`; while the page is left, with a beacon. */
class PostPersistence implements EventPersisting<Click> {
  #stored = 0;
  readonly #underWay = new WeakMap<readonly Click[], WriteReceipt>();

  async write(events: readonly Click[]): Promise<WriteReceipt> {
    const body = JSON.stringify({ how: 'fetch', visibility: document.visibilityState, events });
    const receipt = this.#receipt(events);
    this.#underWay.set(events, receipt);
    const response = await fetch('/events', { method: 'POST', body, keepalive: true });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return receipt;
  }

  writeSync(events: readonly Click[]): WriteReceipt {
    // What is on its way goes on, `keepalive`, without the page.
    const underWay = this.#underWay.get(events);
    if (underWay) return underWay;
    const body = JSON.stringify({ how: 'beacon', visibility: document.visibilityState, events });
    if (!navigator.sendBeacon('/events', body)) throw new Error('the beacon was refused');
    return this.#receipt(events);
  }

  async close(): Promise<void> {}

  #receipt(events: readonly Click[]): WriteReceipt {
    const firstSequence = this.#stored;
    this.#stored += events.length;
    const [segmentId, writerId] = ['page', 'page'];
    return { segmentId, writerId, firstSequence, eventCount: events.length, durability: 'written', rejected: [] };
  }
}

const buffer = new RelayEventBuffer<Click>({
  persistence: new PostPersistence(),
  flushIntervalMs: Number.POSITIVE_INFINITY,
  lifecycle: pageLifecycle(),
});

Object.assign(globalThis, {
  add: (from: number, count: number): void => {
    for (let n = from; n < from + count; n += 1) buffer.add({ n });
  },
  counts: () => buffer.counts(),
});
