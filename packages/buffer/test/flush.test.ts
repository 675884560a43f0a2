import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { addAll, range, scenario, storeSizes } from './scenario.ts';

/** Whether the promise has resolved by now. */
async function isResolved(promise: Promise<unknown>): Promise<boolean> {
  let resolved = false;
  void promise.then(
    () => {
      resolved = true;
    },
    () => undefined,
  );
  await settle();
  return resolved;
}

describe('flush', () => {
  it('resolves at once when nothing is buffered, without a write', async () => {
    const { buffer, persistence } = scenario();
    await buffer.flush();
    await buffer.flush({ durability: 'synced' });
    expect(persistence.calls).toEqual([]);
  });

  it('waits for what is in flight and for what waits, and not for what comes later', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    persistence.hold();
    addAll(buffer, range(0, 5));
    await settle();
    const flushed = buffer.flush();
    expect(await isResolved(flushed)).toBe(false);
    persistence.release(2);
    expect(await isResolved(flushed)).toBe(false);
    addAll(buffer, range(5, 6));
    persistence.release(1);
    expect(await isResolved(flushed)).toBe(true);
    expect(persistence.events().slice(0, 5)).toEqual(range(0, 5));
  });

  it('has one write in flight at most', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 1 });
    persistence.hold();
    addAll(buffer, range(0, 10));
    void buffer.flush();
    for (let left = 10; left > 0; left -= 1) {
      await settle();
      expect(persistence.calls.filter(({ status }) => status === 'pending')).toHaveLength(1);
      expect(buffer.counts().inFlight).toBe(1);
      persistence.release(1);
    }
    await settle();
    expect(persistence.events()).toEqual(range(0, 10));
  });

  it('rejects with the error of the persistence, keeps the events, and stores them in order later', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    const error = new Error('disk on fire');
    persistence.hold();
    addAll(buffer, range(0, 2));
    await settle();
    addAll(buffer, range(2, 5));
    const [first, second] = [buffer.flush(), buffer.flush({ durability: 'synced' })];
    persistence.failNext(1, error);
    persistence.release();
    await expect(first).rejects.toBe(error);
    await expect(second).rejects.toBe(error);
    expect(buffer.counts()).toMatchObject({ persisted: 0, buffered: 5, inFlight: 0, failedWrites: 1 });
    addAll(buffer, range(5, 7));
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 7));
  });

  it('does not reject those whose events were stored before the failure', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    persistence.hold();
    addAll(buffer, range(0, 2));
    const early = buffer.flush();
    await settle();
    addAll(buffer, range(2, 3));
    const late = buffer.flush();
    persistence.release(1);
    await early;
    persistence.failNext();
    persistence.release();
    await expect(late).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(persistence.events()).toEqual(range(0, 2));
  });

  it('stops waiting when aborted, and writes all the same', async () => {
    const { buffer, persistence } = scenario();
    const reason = new Error('no time');
    addAll(buffer, [1]);
    await expect(buffer.flush({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    persistence.hold();
    const controller = new AbortController();
    const flushed = buffer.flush({ signal: controller.signal });
    await settle();
    controller.abort(reason);
    await expect(flushed).rejects.toBe(reason);
    persistence.release();
    await settle();
    expect(persistence.events()).toEqual([1]);
  });
});

describe("flush with durability 'synced'", () => {
  it('resolves only once a power cut could not take what was added before', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 3 });
    addAll(buffer, range(0, 10));
    await buffer.flush({ durability: 'synced' });
    expect(persistence.events('synced')).toEqual(range(0, 10));
  });

  it('syncs what was only written before', async () => {
    const { buffer, persistence } = scenario();
    addAll(buffer, range(0, 3));
    await buffer.flush();
    expect(persistence.events('synced')).toEqual([]);
    await buffer.flush({ durability: 'synced' });
    expect(persistence.events('synced')).toEqual(range(0, 3));
    expect(storeSizes(persistence)).toEqual([3, 0]);
    await buffer.flush({ durability: 'synced' });
    expect(storeSizes(persistence)).toEqual([3, 0]);
  });

  it('syncs what is in flight and was asked to be written only', async () => {
    const { buffer, persistence } = scenario();
    persistence.hold();
    addAll(buffer, [1]);
    const written = buffer.flush();
    await settle();
    const synced = buffer.flush({ durability: 'synced' });
    persistence.release(1);
    await written;
    expect(await isResolved(synced)).toBe(false);
    persistence.release();
    await synced;
    expect(persistence.events('synced')).toEqual([1]);
  });

  it('rejects when the sync fails, and tries again when asked again', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    addAll(buffer, [1]);
    await buffer.flush();
    persistence.failNext();
    await expect(buffer.flush({ durability: 'synced' })).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(persistence.events('synced')).toEqual([]);
    await buffer.flush({ durability: 'synced' });
    expect(persistence.events('synced')).toEqual([1]);
  });

  it('goes on with later events when a sync of earlier ones fails', async () => {
    const { buffer, persistence } = scenario();
    persistence.hold();
    addAll(buffer, [1]);
    const written = buffer.flush();
    persistence.release(1);
    await written;
    const synced = buffer.flush({ durability: 'synced' });
    await settle();
    addAll(buffer, [2]);
    const later = buffer.flush();
    persistence.failNext();
    persistence.release();
    await expect(synced).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    await later;
    expect(persistence.events()).toEqual([1, 2]);
  });

  it('is what flush and every write do where the buffer is told so', async () => {
    const { buffer, persistence, clock } = scenario({ durability: 'synced' });
    addAll(buffer, [1]);
    await clock.advanceAsync(1_000);
    expect(persistence.calls.map(({ durability }) => durability)).toEqual(['synced']);
    addAll(buffer, [2]);
    await buffer.flush();
    expect(persistence.events('synced')).toEqual([1, 2]);
  });

  it('lets 64 producers that each await it share few writes', async () => {
    const { buffer, persistence } = scenario();
    const rounds = 10;
    const produce = async (producer: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const event = producer * rounds + round;
        buffer.add(event);
        await buffer.flush({ durability: 'synced' });
        expect(persistence.events('synced')).toContain(event);
      }
    };
    await Promise.all(range(0, 64).map(produce));
    expect(persistence.events('synced').sort((a, b) => a - b)).toEqual(range(0, 64 * rounds));
    // One write a round, in which all 64 meet, and no sync besides.
    expect(storeSizes(persistence)).toEqual(Array(rounds).fill(64));
  });
});
