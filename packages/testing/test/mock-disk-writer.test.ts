import { describe, expect, it } from 'vitest';
import { MockDiskWriter, settle } from '../src/index.ts';

describe('MockDiskWriter', () => {
  it('records calls in order, with their events as they were', async () => {
    const writer = new MockDiskWriter<{ n: number }>();
    const event = { n: 1 };
    const events = [event];
    await writer.write(events, { durability: 'synced' });
    events.push({ n: 2 });
    const batch = writer.openBatch?.();
    batch?.add({ n: 3 });
    if (batch) await writer.commit?.(batch);
    writer.writeSync?.([{ n: 4 }]);
    await writer.close();
    expect(
      writer.calls.map(({ method, events, durability }) => [method, events.map(({ n }) => n), durability]),
    ).toEqual([
      ['write', [1], 'synced'],
      ['commit', [3], undefined],
      ['writeSync', [4], undefined],
      ['close', [], undefined],
    ]);
    expect(writer.calls.every(({ status }) => status === 'succeeded')).toBe(true);
    expect(writer.calls[1]?.receipt).toMatchObject({ firstSequence: 1, eventCount: 1 });
    expect(writer.events().map(({ n }) => n)).toEqual([1, 3, 4]);
  });

  it('fails as often as told, with the error given, and stores nothing', async () => {
    const writer = new MockDiskWriter<number>();
    const error = new Error('disk on fire');
    writer.failNext(2, error);
    await expect(writer.write([1])).rejects.toBe(error);
    expect(() => writer.writeSync?.([2])).toThrow(error);
    await writer.write([3]);
    expect(writer.events()).toEqual([3]);
    expect(writer.calls.map(({ status }) => status)).toEqual(['failed', 'failed', 'succeeded']);
    expect(writer.calls[0]?.error).toBe(error);
  });

  it('fails with a full disk by default, until told to succeed', async () => {
    const writer = new MockDiskWriter<number>();
    writer.failNext(Number.POSITIVE_INFINITY);
    for (let n = 0; n < 3; n += 1)
      await expect(writer.write([n])).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    writer.succeed();
    await writer.write([9]);
    expect(writer.events()).toEqual([9]);
  });

  it('holds calls until they are released, in order', async () => {
    const writer = new MockDiskWriter<number>();
    writer.hold();
    const calls = [writer.write([1]), writer.write([2]), writer.write([3])];
    await settle();
    expect([writer.events(), writer.heldCount]).toEqual([[], 1]);
    writer.release(2);
    await Promise.all(calls.slice(0, 2));
    await settle();
    expect([writer.events(), writer.heldCount]).toEqual([[1, 2], 1]);
    writer.release();
    await Promise.all(calls);
    expect(writer.events()).toEqual([1, 2, 3]);
  });

  it('stores a held batch once when the process exits', async () => {
    const writer = new MockDiskWriter<number>();
    const batch = writer.openBatch?.();
    if (!batch) throw new Error('no batch');
    batch.add(1);
    writer.hold();
    const commit = writer.commit?.(batch);
    await settle();
    writer.writeSync?.(batch);
    writer.writeSync?.([2]);
    writer.release();
    await expect(commit).resolves.toMatchObject({ firstSequence: 0, eventCount: 1 });
    expect(writer.events()).toEqual([1, 2]);
  });

  it('ends a held call whose signal is aborted', async () => {
    const writer = new MockDiskWriter<number>();
    writer.hold();
    const controller = new AbortController();
    const call = writer.write([1], { signal: controller.signal });
    await settle();
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    writer.release();
    await writer.write([2]);
    expect(writer.events()).toEqual([2]);
  });

  it('offers only what it is told to', () => {
    const writer = new MockDiskWriter({ offersBatches: false, offersWriteSync: false });
    expect([writer.openBatch, writer.commit, writer.writeSync]).toEqual([undefined, undefined, undefined]);
  });
});

it('keeps events as they were when they were passed', async () => {
  const writer = new MockDiskWriter<{ n: number }>();
  const events = [{ n: 1 }];
  writer.hold();
  const written = writer.write(events);
  const batch = writer.openBatch?.();
  const added = { n: 2 };
  batch?.add(added);
  for (const event of [...events, added]) event.n = 9;
  writer.release();
  await written;
  if (batch) await writer.commit?.(batch);
  expect(writer.events()).toEqual([{ n: 1 }, { n: 2 }]);
  expect(writer.calls.map((call) => call.events)).toEqual([[{ n: 1 }], [{ n: 2 }]]);
});
