import { InMemorySegmentStore } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { LateSegmentStore } from '../src/late-segment-store.ts';

async function idsOf(store: LateSegmentStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids;
}

describe('LateSegmentStore', () => {
  it('opens with its first use, once', async () => {
    let openings = 0;
    const store = new LateSegmentStore(async () => {
      openings += 1;
      return new InMemorySegmentStore();
    });
    expect(openings).toBe(0);
    expect(await Promise.all([idsOf(store), store.info('x'), store.lease('x')])).toEqual([
      [],
      undefined,
      { status: 'gone' },
    ]);
    await store.open();
    expect(openings).toBe(1);
  });

  it('tries again after an opening that failed', async () => {
    let openings = 0;
    const store = new LateSegmentStore(async () => {
      openings += 1;
      if (openings === 1) throw new Error('no disk');
      return new InMemorySegmentStore();
    });
    await expect(idsOf(store)).rejects.toThrow('no disk');
    expect(await idsOf(store)).toEqual([]);
    expect(openings).toBe(2);
  });

  it('does not open in order to close, and closes what it opened', async () => {
    let openings = 0;
    let closings = 0;
    const inner = new InMemorySegmentStore();
    const openInner = async () => {
      openings += 1;
      return Object.assign(Object.create(inner) as InMemorySegmentStore, {
        close: async () => {
          closings += 1;
        },
      });
    };
    await new LateSegmentStore(openInner).close();
    expect(openings).toBe(0);
    const store = new LateSegmentStore(openInner);
    await store.open();
    await store.close();
    expect([openings, closings]).toEqual([1, 1]);
  });
});
