import type { EventBatch, EventPersisting, WriteReceipt } from '@relaykit/types';
import { check, checkEqual, errorOf, rejectionOf } from './check.ts';
import {
  checkClosed,
  checkReceipt,
  checkRejection,
  type EventPersistingHarness,
  numbered,
  type PersistingTest,
  unstorable,
} from './event-persisting-harness.ts';

/** Batches, where offered; an implementation without them passes. */
export function describeBatches(test: PersistingTest, harness: EventPersistingHarness): void {
  test('offers openBatch and commit together or not at all', async ({ openBatch, commit }) => {
    check((openBatch === undefined) === (commit === undefined), 'expected both of openBatch and commit, or neither');
  });

  testBatch('records an event as it was when it was added', async (persistence, batch, readBack) => {
    const event = { n: 0 };
    checkAdded(batch, event);
    event.n = 99;
    checkReceipt(await persistence.commit(batch), 0, 1);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });

  testBatch('says what a batch holds', async (_persistence, batch) => {
    checkEqual([batch.eventCount, batch.sizeBytes], [0, 0], 'eventCount and sizeBytes of an empty batch');
    let sizeBytes = 0;
    for (const [index, event] of numbered(5).entries()) {
      checkAdded(batch, event);
      checkEqual(batch.eventCount, index + 1, 'eventCount');
      check(batch.sizeBytes > sizeBytes, `sizeBytes: expected more than ${sizeBytes}, got ${batch.sizeBytes}`);
      sizeBytes = batch.sizeBytes;
    }
    batch.release();
  });

  for (const [title, make] of unstorable) {
    testBatch(`rejects ${title} when it is added`, async (persistence, batch, readBack) => {
      checkAdded(batch, { n: 0 });
      const { sizeBytes } = batch;
      const outcome = batch.add(make());
      check(outcome !== 'added', `add: expected a rejection, got ${outcome as string}`);
      checkRejection(outcome.rejected);
      checkEqual([batch.eventCount, batch.sizeBytes], [1, sizeBytes], 'eventCount and sizeBytes after a rejection');
      checkAdded(batch, { n: 1 });
      const receipt = await persistence.commit(batch);
      checkReceipt(receipt, 0, 2);
      checkEqual(receipt.rejected, [], 'rejected');
      checkEqual(await readBack(), numbered(2), 'stored events');
    });
  }

  testBatch('keeps the order of commits and writes', async (persistence, first, readBack) => {
    const second = persistence.openBatch();
    checkAdded(second, { n: 3 });
    checkAdded(first, { n: 0 });
    checkAdded(first, { n: 1 });
    const receipts = await Promise.all([
      persistence.commit(first),
      persistence.write([{ n: 2 }]),
      persistence.commit(second),
      persistence.write([{ n: 4 }]),
    ]);
    checkEqual(firstSequences(receipts), [0, 2, 3, 4], 'firstSequence');
    checkEqual(await readBack(), numbered(5), 'stored events');
  });

  testBatch('stores nothing for a batch without events', async (persistence, batch, readBack) => {
    checkReceipt(await persistence.commit(batch), 0, 0);
    checkReceipt(await persistence.write(numbered(1)), 0, 1);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });

  testBatch('stores nothing of a batch that was released', async (persistence, batch, readBack) => {
    checkAdded(batch, { n: 99 });
    batch.release();
    checkReceipt(await persistence.write(numbered(1)), 0, 1);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });

  for (const ending of ['committed', 'released'] as const) {
    testBatch(`refuses to use a batch that was ${ending}`, async (persistence, batch, readBack) => {
      checkAdded(batch, { n: 0 });
      if (ending === 'committed') await persistence.commit(batch);
      else batch.release();
      checkTypeError(errorOf(() => batch.add({ n: 1 }), 'add'));
      checkTypeError(await rejectionOf(persistence.commit(batch), 'commit'));
      const { writeSync } = persistence;
      if (writeSync) checkTypeError(errorOf(() => persistence.writeSync?.(batch), 'writeSync'));
      // What one batch has given back is not shared with the next.
      const next = persistence.openBatch();
      checkAdded(next, { n: 1 });
      await persistence.commit(next);
      checkEqual(await readBack(), ending === 'committed' ? numbered(2) : numbered(1, 1), 'stored events');
    });
  }

  testBatch('refuses a batch that it did not open', async (persistence, batch, readBack) => {
    const other = await harness.create();
    try {
      const foreign = other.openBatch?.();
      check(foreign !== undefined, 'openBatch: expected a batch from every instance');
      checkAdded(foreign, { n: 99 });
      checkTypeError(await rejectionOf(persistence.commit(foreign), 'commit of a foreign batch'));
    } finally {
      await other.close();
      await harness.dispose?.(other);
    }
    checkAdded(batch, { n: 0 });
    await persistence.commit(batch);
    checkEqual(await readBack(), numbered(1), 'stored events');
  });

  testBatch('leaves a batch as it was when aborted before the commit', async (persistence, batch, readBack) => {
    checkAdded(batch, { n: 0 });
    const reason = new Error('changed my mind');
    const aborted = persistence.commit(batch, { signal: AbortSignal.abort(reason) });
    const error = await rejectionOf(aborted, 'commit with an aborted signal');
    check(error === reason, `rejection: expected the signal's reason, got ${String(error)}`);
    checkAdded(batch, { n: 1 });
    checkReceipt(await persistence.commit(batch), 0, 2);
    checkEqual(await readBack(), numbered(2), 'stored events');
  });

  testBatch('refuses to commit once closing has begun', async (persistence, batch, readBack) => {
    checkAdded(batch, { n: 0 });
    const closing = persistence.close();
    checkClosed(await rejectionOf(persistence.commit(batch), 'commit while closing'));
    await closing;
    checkClosed(await rejectionOf(persistence.commit(batch), 'commit after closing'));
    checkClosed(errorOf(() => persistence.openBatch(), 'openBatch after closing'));
    checkEqual(await readBack(), [], 'stored events');
  });

  const { failNextStore } = harness;
  if (failNextStore !== undefined) {
    testBatch('leaves a batch as it was when its commit fails', async (persistence, batch, readBack) => {
      await persistence.write(numbered(1));
      for (const event of numbered(2, 1)) checkAdded(batch, event);
      const { sizeBytes } = batch;
      failNextStore.call(harness, persistence);
      await rejectionOf(persistence.commit(batch), 'commit that fails');
      checkEqual(await readBack(), numbered(1), 'stored events after the failure');
      checkEqual([batch.eventCount, batch.sizeBytes], [2, sizeBytes], 'eventCount and sizeBytes after the failure');
      checkAdded(batch, { n: 3 });
      checkReceipt(await persistence.commit(batch), 1, 3);
      checkEqual(await readBack(), numbered(4), 'stored events');
    });
  }

  function testBatch(
    title: string,
    run: (
      persistence: Batching,
      batch: EventBatch<unknown>,
      readBack: () => Promise<readonly unknown[]>,
    ) => Promise<void>,
  ): void {
    test(title, async (persistence, readBack) => {
      if (isBatching(persistence)) await run(persistence, persistence.openBatch(), readBack);
    });
  }
}

type Batching = EventPersisting<unknown> & Required<Pick<EventPersisting<unknown>, 'openBatch' | 'commit'>>;

function isBatching(persistence: EventPersisting<unknown>): persistence is Batching {
  return persistence.openBatch !== undefined && persistence.commit !== undefined;
}

function checkAdded(batch: EventBatch<unknown>, event: unknown): void {
  checkEqual(batch.add(event), 'added', 'add');
}

function checkTypeError(error: unknown): void {
  check(error instanceof TypeError, `error: expected a TypeError, got ${String(error)}`);
}

function firstSequences(receipts: readonly WriteReceipt[]): number[] {
  return receipts.map(({ firstSequence }) => firstSequence);
}
