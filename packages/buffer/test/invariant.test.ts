// Goal: at every moment added = persisted + buffered + dropped, the bounds hold, and what is stored is what was added
// and not dropped, in order, none twice.
// Method: random sequences of steps against a persistence that is slow and fails; fast-check prints the seed of a
// failure and shrinks it.
import { ManualClock, ManualLifecycle, MockDiskWriter, settle } from '@relaykit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type EncodeTime, type OverflowPolicy, RelayEventBuffer } from '../src/index.ts';
import { expectBalanced } from './scenario.ts';

type Step =
  | { readonly do: 'add' | 'addWhenRoom'; readonly count: number }
  | { readonly do: 'addBad' | 'hold' | 'release' | 'releaseOne' | 'settle' | 'exit' | 'background' }
  | { readonly do: 'fail'; readonly times: number }
  | { readonly do: 'flush'; readonly durability: 'written' | 'synced' }
  | { readonly do: 'advance'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('add', 'addWhenRoom'), count: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('addBad', 'hold', 'release', 'releaseOne', 'settle', 'exit', 'background'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail'), times: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush'), durability: fc.constantFrom('written', 'synced') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 1, max: 2_000 }) }) },
) as fc.Arbitrary<Step>;

const shape = fc.record({
  overflow: fc.constantFrom<OverflowPolicy>('reject', 'dropNewest', 'dropOldest'),
  encode: fc.constantFrom<EncodeTime>('onAdd', 'onFlush'),
  maxEvents: fc.integer({ min: 1, max: 12 }),
  flushEvents: fc.integer({ min: 1, max: 12 }),
  maxBytes: fc.constantFrom(20, 1_000),
});

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((left, right) => left - right);
}

it('accounts for every event, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(step, { maxLength: 60 }), async ({ flushEvents, ...options }, steps) => {
      const persistence = new MockDiskWriter<unknown>();
      const [clock, lifecycle] = [new ManualClock(), new ManualLifecycle()];
      const dropped = { overflow: 0, unserializable: 0, tooLarge: 0, unpersisted: 0 };
      const buffer = new RelayEventBuffer<unknown>({
        persistence,
        clock,
        lifecycle,
        ...options,
        flushEvents: Math.min(flushEvents, options.maxEvents),
        onDropped: ({ reason, eventCount }) => {
          dropped[reason] += eventCount;
          expectBalanced(buffer as never, 'in onDropped');
        },
      });
      const taken: number[] = [];
      const work: Promise<unknown>[] = [];
      let next = 0;
      let failedWrites = 0;
      // Without encoding, nobody knows when a waiting event was added.
      let isInOrder = options.encode === 'onAdd' || !steps.some((current) => current.do === 'addWhenRoom');

      for (const current of steps) {
        await take(current);
        expectBalanced(buffer as never, `after ${current.do}`);
        const { buffered, bufferedBytes } = buffer.counts();
        expect(buffered).toBeLessThanOrEqual(options.maxEvents);
        expect(bufferedBytes).toBeLessThan(options.maxBytes + 10);
        expect(persistence.calls.filter(({ status }) => status === 'pending').length).toBeLessThanOrEqual(1);
      }
      persistence.succeed();
      persistence.release();
      await settle();
      await buffer.flush({ durability: 'synced' });
      const report = await buffer.close();
      await Promise.all(work);

      expect(report).toEqual({ unpersistedEventCount: 0, errors: [] });
      expectBalanced(buffer as never, 'at the end');
      const counts = buffer.counts();
      expect(counts.dropped).toEqual(dropped);
      expect(counts).toMatchObject({ buffered: 0, bufferedBytes: 0, inFlight: 0, waitingForRoom: 0 });
      const stored = persistence.events('synced') as number[];
      expect(stored).toHaveLength(counts.persisted);
      expect(new Set(stored).size, 'none twice').toBe(stored.length);
      if (isInOrder) expect(stored, 'in order').toEqual(sorted(stored));
      expect(stored.every((n) => taken.includes(n))).toBe(true);
      if (options.overflow !== 'dropOldest') expect(sorted(stored)).toEqual(sorted(taken));

      async function take(current: Step): Promise<void> {
        switch (current.do) {
          case 'add':
            for (let left = current.count; left > 0; left -= 1) {
              const n = next++;
              if (buffer.add(n).status === 'added') taken.push(n);
            }
            return;
          case 'addWhenRoom':
            for (let left = current.count; left > 0; left -= 1) {
              let n = next++;
              // Numbered again when it is encoded, which tells when it was added, and not when it began to wait.
              const renumbered = { toJSON: () => renumber() };
              const renumber = (): number => {
                n = next++;
                return n;
              };
              const added = buffer.addWhenRoom(options.encode === 'onAdd' ? renumbered : n).then(({ status }) => {
                if (status === 'added') taken.push(n);
              });
              work.push(added);
            }
            return;
          case 'addBad':
            buffer.add(undefined);
            return;
          case 'hold':
            persistence.hold();
            return;
          case 'release':
            persistence.release();
            return;
          case 'releaseOne':
            persistence.release(1);
            return;
          case 'fail':
            persistence.failNext(current.times);
            return;
          case 'settle':
            return settle();
          case 'flush':
            work.push(checkedFlush(current.durability));
            return;
          case 'background':
            return lifecycle.emit('background');
          case 'exit':
            // At the border of a turn: what is stored and acknowledged has been heard of by then.
            await settle(1);
            failedWrites = buffer.counts().failedWrites;
            void lifecycle.emit('exit');
            // Where a batch fails at exit, later ones go first: there is no time to wait for it.
            if (buffer.counts().failedWrites > failedWrites) isInOrder = false;
            return;
          case 'advance':
            return clock.advanceAsync(current.ms);
        }
      }

      /** Resolves only when everything that was in memory is stored; a failure is an answer, too. */
      async function checkedFlush(durability: 'written' | 'synced'): Promise<void> {
        const { persisted, buffered } = buffer.counts();
        const mayDrop = options.overflow === 'dropOldest' || options.encode === 'onFlush';
        try {
          await buffer.flush({ durability });
        } catch {
          return;
        }
        if (!mayDrop) expect(persistence.events(durability).length).toBeGreaterThanOrEqual(persisted + buffered);
      }
    }),
    { numRuns: 300 },
  );
}, 120_000);
