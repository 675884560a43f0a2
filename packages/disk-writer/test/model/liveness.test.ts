// Goal: once faults stop, everything accepted is sealed and listed within 21 s of simulated time, though nobody writes any
// more, and no damaged file stands in the way of the others.
// Method: a manual clock; the disk fails in every way for a while, then works again.
import { openSegmentStore } from '@relaykit/segments';
import type { DiskOperationName, SimulatedErrorCode } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { EventList } from './event-list.ts';
import { expectAllSealed, SEALED_WITHIN_MS } from './liveness.ts';
import { SPOOL, SpoolWorld, serializer } from './spool-world.ts';

const options = { maxSegmentEvents: 3, retries: false, maxFiles: undefined, whenFull: 'refuseNew' } as const;
const failing: readonly (readonly [DiskOperationName, SimulatedErrorCode])[] = [
  ['write', 'EIO'],
  ['write', 'ENOSPC'],
  ['sync', 'EIO'],
  ['syncDirectory', 'EIO'],
  ['rename', 'EIO'],
  ['create', 'EMFILE'],
  ['remove', 'EIO'],
  ['truncate', 'EIO'],
];

it('means within 21 seconds', () => {
  expect(SEALED_WITHIN_MS).toBe(21_000);
});

it.each(failing)('after a time in which every %s failed with %s', async (name, code) => {
  const list = new EventList();
  const world = new SpoolWorld({ ...options, seed: 1 }, list);
  await store(world, list, 3);
  await world.writers.append.rotate();
  await store(world, list, 2);
  world.hasFailed = true;
  world.disk.failNext(({ name: asked, process }) => asked === name && process !== 'observer', code, {
    times: Number.POSITIVE_INFINITY,
  });
  for (let turn = 0; turn < 8; turn += 1) {
    await store(world, list, 2);
    await world.clock.advanceAsync(3_000);
  }
  await expectAllSealed(world);
  const kept = [...list.byText.values()].filter(({ state, isDropped }) => state === 'kept' && !isDropped);
  expect(kept.length).toBeGreaterThanOrEqual(3);
  expect(await listed(world)).toEqual(expect.arrayContaining(kept.map(({ text }) => text)));
});

it('past damaged files that are older than everything', async () => {
  const list = new EventList();
  const world = new SpoolWorld({ ...options, seed: 2 }, list);
  const old = (name: string): string => `${SPOOL}/20200101T000000000Z-${name}`;
  world.disk.placeFile(old('000000000000-aaaaaaaaaa.ndjson.open'), new Uint8Array(500).fill(0x7b));
  world.disk.placeFile(old('000000000000-bbbbbbbbbb.ndjson'), 'no metadata, and no JSON either\n');
  world.disk.placeFile(old('000000000000-cccccccccc.meta.json'), '');
  world.disk.placeFile(old('000000000000-dddddddddd.ndjson.atomic'), 'half');
  world.disk.placeDirectory(old('000000000000-eeeeeeeeee.ndjson.open'));
  world.disk.placeSymlink(old('000000000000-ffffffffff.ndjson.open'), '/etc/passwd');
  world.disk.placeOther(old('000000000000-gggggggggg.ndjson'));
  await store(world, list, 5);
  world.hasDropped = true;
  await expectAllSealed(world).catch((error: unknown) => {
    // What was placed is not in the list of events; that all others are sealed is asked below.
    if (!(error instanceof Error) || !error.message.startsWith('invented')) throw error;
  });
  await world.clock.advanceAsync(SEALED_WITHIN_MS);
  expect(await listed(world)).toEqual(expect.arrayContaining([...list.byText.keys()]));
});

/** Stores events as far as the disk takes them. */
async function store(world: SpoolWorld, list: EventList, eventCount: number): Promise<void> {
  const batch = list.newBatch('append', eventCount, false);
  try {
    const receipt = await world.writers.append.write(batch.events.map(({ text }) => text));
    world.noteDropped();
    list.acknowledge(batch, receipt, false);
  } catch {
    list.refuse(batch);
  }
}

/** Lines of the segments that a queue would find, and could take. */
async function listed(world: SpoolWorld): Promise<readonly string[]> {
  const { clock } = world;
  const found = await openSegmentStore({
    directory: SPOOL,
    fileSystem: world.observer(),
    clock,
    serializers: [serializer as never],
  });
  const lines: string[] = [];
  for await (const { id } of found.list()) {
    const attempt = await found.lease(id);
    if (attempt.status !== 'leased') continue;
    const { content } = attempt.lease;
    lines.push(
      ...Buffer.from(await content.read(0, content.sizeBytes))
        .toString('latin1')
        .split('\n'),
    );
    await attempt.lease.release();
  }
  return lines;
}
