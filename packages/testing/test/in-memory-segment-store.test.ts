import { expect, it } from 'vitest';
import { InMemorySegmentStore } from '../src/index.ts';

it('keeps outcomes in order and what they asked for', async () => {
  const store = new InMemorySegmentStore();
  const first = await store.addSegment({ content: '{"n":0}\n{"n":1}\n' });
  const second = await store.addSegment();
  expect([first.metadata.eventCount, second.firstSequence]).toEqual([2, 2]);
  for (const { id } of [second, first]) {
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error(attempt.status);
    await attempt.lease.settle({ status: 'delivered' }, { afterDelivery: { archiveDirectory: 'archive' } });
  }
  const afterDelivery = { archiveDirectory: 'archive' };
  expect(store.settled).toEqual([
    { id: second.id, outcome: { status: 'delivered' }, afterDelivery },
    { id: first.id, outcome: { status: 'delivered' }, afterDelivery },
  ]);
  expect(store.outcomeOf(first.id)).toEqual({ status: 'delivered' });
  expect(store.ids).toEqual([]);
});

it('ends leases when it closes, and shows the state of what waits', async () => {
  const store = new InMemorySegmentStore();
  const { id } = await store.addSegment({ exportReady: false, metadata: { heldReason: 'metadataLost' } });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(attempt.status);
  await attempt.lease.writeState({ attempts: 1, firstFailureAtMs: 2, nextAttemptAtMs: 3 });
  await store.close();
  await expect(attempt.lease.content.read(0, 1)).rejects.toThrow('its lease has ended');
  expect(store.stateOf(id)).toEqual({ attempts: 1, firstFailureAtMs: 2, nextAttemptAtMs: 3 });
  expect((await store.info(id))?.metadata).toMatchObject({ exportReady: false, heldReason: 'metadataLost' });
  await expect(store.addSegment({ createdAtMs: Date.UTC(2026, 0, 1), firstSequence: 0 })).rejects.toThrow(TypeError);
});
