import type { EventPersisting, WriteReceipt } from '@relaykit/types';
import { settle } from '../settle.ts';
import { check, checkEqual, errorOf, rejectionOf } from './check.ts';
import { describeBatches } from './event-persisting-batches.ts';
import {
  checkClosed,
  checkDurability,
  checkReceipt,
  checkReceipts,
  checkRejection,
  type EventPersistingHarness,
  indexes,
  numbered,
  type PersistingTest,
  total,
  unstorable,
} from './event-persisting-harness.ts';
import { describeWriteSync } from './event-persisting-write-sync.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

/**
 * Tests what `EventPersisting` promises: order, receipts, rejected events, batches and `writeSync` where offered,
 * closing and aborting.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeEventPersisting<P extends EventPersisting<unknown>>(
  name: string,
  harness: EventPersistingHarness<P>,
  testApi?: TestApi,
): void {
  const api = resolveTestApi(testApi);
  const { describe, it } = api;
  const test: PersistingTest = (title, run) =>
    it(title, async () => {
      const persistence = await harness.create();
      try {
        await run(persistence, async () => harness.readBack(persistence));
      } finally {
        await persistence.close();
        await harness.dispose?.(persistence);
      }
    });
  describe(`${name} is an EventPersisting`, () => {
    describeWrite(test);
    describeRejected(test);
    describeAbort(test);
    describeClose(test);
    describeBatches(test, harness);
    describeWriteSync(test);
  });
}

function describeWrite(test: PersistingTest): void {
  test('stores events in order and numbers them from 0', async (persistence, readBack) => {
    const receipts: WriteReceipt[] = [];
    for (const size of [1, 3, 2]) receipts.push(await persistence.write(numbered(size, total(receipts))));
    checkEqual(await readBack(), numbered(6), 'stored events');
    checkReceipts(receipts, [1, 3, 2]);
    const writerIds = new Set(receipts.map(({ writerId }) => writerId));
    check(writerIds.size === 1, `writerId: expected one for all receipts, got ${[...writerIds].join(', ')}`);
    for (const { segmentId } of receipts) check(segmentId !== '', 'segmentId: expected the segment, got none');
  });

  test('keeps the order of calls that nobody awaited', async (persistence, readBack) => {
    const sizes = [2, 1, 5, 1, 3, 8];
    const calls: Promise<WriteReceipt>[] = [];
    let from = 0;
    for (const size of sizes) {
      calls.push(persistence.write(numbered(size, from)));
      from += size;
    }
    checkReceipts(await Promise.all(calls), sizes);
    checkEqual(await readBack(), numbered(from), 'stored events');
  });

  for (const durability of ['written', 'synced'] as const) {
    test(`reaches at least the durability asked for: ${durability}`, async (persistence, readBack) => {
      const receipt = await persistence.write(numbered(2), { durability });
      checkDurability(receipt, durability);
      checkEqual(await readBack(), numbered(2), 'stored events');
      checkDurability(await persistence.write([], { durability }), durability);
    });
  }

  test('stores nothing for no events', async (persistence, readBack) => {
    checkReceipt(await persistence.write([]), 0, 0);
    await persistence.write(numbered(2));
    const empty = await persistence.write([]);
    checkEqual([empty.eventCount, empty.rejected], [0, []], 'eventCount and rejected of no events');
    checkReceipt(await persistence.write(numbered(1, 2)), 2, 1);
    checkEqual(await readBack(), numbered(3), 'stored events');
  });

  test('does not notice what becomes of the array after the call', async (persistence, readBack) => {
    const events = numbered(3);
    const written = persistence.write(events);
    events.length = 1;
    events.push({ n: 99 });
    const receipt = await written;
    checkReceipt(receipt, 0, 3);
    checkEqual(await readBack(), numbered(3), 'stored events');
  });
}

function describeRejected(test: PersistingTest): void {
  for (const [title, make] of unstorable) {
    test(`rejects ${title} by itself`, async (persistence, readBack) => {
      const receipt = await persistence.write([{ n: 0 }, make(), { n: 1 }, { n: 2 }, make()]);
      checkEqual(indexes(receipt), [1, 4], 'indexes of rejected events');
      for (const { cause } of receipt.rejected) checkRejection(cause);
      checkReceipt(receipt, 0, 3);
      checkReceipt(await persistence.write([{ n: 3 }]), 3, 1);
      checkEqual(await readBack(), numbered(4), 'stored events');
    });
  }

  test('stores nothing where every event is rejected', async (persistence, readBack) => {
    const receipt = await persistence.write(unstorable.map(([, make]) => make()));
    checkEqual(indexes(receipt), [...unstorable.keys()], 'indexes of rejected events');
    checkEqual([receipt.eventCount, receipt.segmentId], [0, ''], 'eventCount and segmentId');
    checkReceipt(await persistence.write(numbered(1)), 0, 1);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });
}

function describeAbort(test: PersistingTest): void {
  test('stores nothing when aborted before the call', async (persistence, readBack) => {
    const reason = new Error('changed my mind');
    const aborted = persistence.write(numbered(2), { signal: AbortSignal.abort(reason) });
    const error = await rejectionOf(aborted, 'write with an aborted signal');
    check(error === reason, `rejection: expected the signal's reason, got ${String(error)}`);
    checkReceipt(await persistence.write(numbered(1)), 0, 1);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });

  test('leaves no doubt when aborted during the call', async (persistence, readBack) => {
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const before = persistence.write(numbered(1));
    const call = persistence.write(numbered(2, 1), { signal: controller.signal });
    controller.abort(reason);
    const outcome = await call.catch((error: unknown) => error);
    await before;
    const wasStored = outcome !== reason;
    if (wasStored) checkReceipt(outcome as WriteReceipt, 1, 2);
    checkEqual(await readBack(), numbered(wasStored ? 3 : 1), 'stored events');
  });
}

function describeClose(test: PersistingTest): void {
  test('waits for accepted writes when it closes', async (persistence, readBack) => {
    const written = persistence.write(numbered(4));
    let hasWritten = false;
    void written.then(
      () => {
        hasWritten = true;
      },
      () => undefined,
    );
    await persistence.close();
    checkEqual(await readBack(), numbered(4), 'stored events');
    await settle(1);
    check(hasWritten, 'write: expected a receipt once the persistence was closed, got none');
  });

  test('closes once, however often it is asked', async (persistence) => {
    await persistence.write(numbered(1));
    const first = persistence.close();
    check(persistence.close() === first, 'close: expected the same promise from the second call');
    await first;
    check(persistence.close() === first, 'close: expected the same promise after it has resolved');
  });

  test('refuses to write once closing has begun', async (persistence, readBack) => {
    await persistence.write(numbered(1));
    const closing = persistence.close();
    checkClosed(await rejectionOf(persistence.write(numbered(1, 1)), 'write while closing'));
    await closing;
    checkClosed(await rejectionOf(persistence.write(numbered(1, 1)), 'write after closing'));
    checkClosed(await rejectionOf(persistence.write([]), 'empty write after closing'));
    const { writeSync } = persistence;
    if (writeSync) checkClosed(errorOf(() => persistence.writeSync?.(numbered(1, 1)), 'writeSync after closing'));
    checkEqual(await readBack(), numbered(1), 'stored events');
  });
}
