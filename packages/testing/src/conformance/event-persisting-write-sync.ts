import type { EventPersisting, WriteReceipt } from '@relaykit/types';
import { settle } from '../settle.ts';
import { check, checkEqual } from './check.ts';
import {
  checkReceipt,
  checkRejection,
  indexes,
  numbered,
  type PersistingTest,
  unstorable,
} from './event-persisting-harness.ts';

/** Turns of the event loop between a call and the exit that meets it: each may find it at another step. */
const turnsBeforeExit = [0, 1, 2, 3];

/** `writeSync`, where offered; an implementation without it passes. */
export function describeWriteSync(test: PersistingTest): void {
  testExit('stores without waiting, after what was acknowledged', async (persistence, readBack) => {
    await persistence.write(numbered(2));
    checkReceipt(persistence.writeSync(numbered(3, 2)), 2, 3);
    checkReceipt(persistence.writeSync(numbered(1, 5)), 5, 1);
    checkReceipt(await persistence.write(numbered(1, 6)), 6, 1);
    checkEqual(await readBack(), numbered(7), 'stored events');
  });

  testExit('stores the first events of all without waiting', async (persistence, readBack) => {
    checkReceipt(persistence.writeSync(numbered(3)), 0, 3);
    checkEqual(persistence.writeSync([]).eventCount, 0, 'eventCount of no events');
    checkEqual(await readBack(), numbered(3), 'stored events');
  });

  testExit('rejects single events without waiting, too', async (persistence, readBack) => {
    const bad = unstorable.map(([, make]) => make());
    const receipt = persistence.writeSync([{ n: 0 }, ...bad, { n: 1 }]);
    checkReceipt(receipt, 0, 2);
    checkEqual(
      indexes(receipt),
      bad.map((_, index) => index + 1),
      'indexes of rejected events',
    );
    for (const { cause } of receipt.rejected) checkRejection(cause);
    checkEqual(await readBack(), numbered(2), 'stored events');
  });

  testExit('stores a batch without waiting', async (persistence, readBack) => {
    const batch = persistence.openBatch?.();
    if (batch === undefined) return;
    for (const event of numbered(3)) batch.add(event);
    checkReceipt(persistence.writeSync(batch), 0, 3);
    checkEqual(await readBack(), numbered(3), 'stored events');
  });

  for (const durability of ['written', 'synced'] as const) {
    for (const turns of turnsBeforeExit) {
      const when = `${turns} turns later, asked to be ${durability}`;

      testExit(`stores a batch once that is being committed: ${when}`, async (persistence, readBack) => {
        const batch = persistence.openBatch?.();
        if (batch === undefined || persistence.commit === undefined) return;
        await persistence.write(numbered(1));
        for (const event of numbered(2, 1)) batch.add(event);
        await checkStoredOnce(persistence.commit(batch, { durability }), turns, () => persistence.writeSync(batch));
        checkReceipt(persistence.writeSync(numbered(1, 3)), 3, 1);
        checkEqual(await readBack(), numbered(4), 'stored events');
      });

      testExit(`stores an array once that is being written: ${when}`, async (persistence, readBack) => {
        await persistence.write(numbered(1));
        const events = numbered(2, 1);
        await checkStoredOnce(persistence.write(events, { durability }), turns, () => persistence.writeSync(events));
        checkReceipt(persistence.writeSync(numbered(1, 3)), 3, 1);
        checkEqual(await readBack(), numbered(4), 'stored events');
      });
    }
  }

  function testExit(
    title: string,
    run: (persistence: Exiting, readBack: () => Promise<readonly unknown[]>) => Promise<void>,
  ): void {
    test(title, async (persistence, readBack) => {
      if (isExiting(persistence)) await run(persistence, readBack);
    });
  }
}

/** The exit comes some turns after the call, unless the call is done by then; both see the same place. */
async function checkStoredOnce(call: Promise<WriteReceipt>, turns: number, exit: () => WriteReceipt): Promise<void> {
  let isDone = false;
  void call.then(
    () => {
      isDone = true;
    },
    () => undefined,
  );
  await settle(turns);
  if (!isDone) checkReceipt(exit(), 1, 2);
  const receipt = await call;
  check(receipt.firstSequence === 1, `firstSequence: expected 1, got ${receipt.firstSequence}`);
  checkEqual(receipt.eventCount, 2, 'eventCount');
}

type Exiting = EventPersisting<unknown> & Required<Pick<EventPersisting<unknown>, 'writeSync'>>;

function isExiting(persistence: EventPersisting<unknown>): persistence is Exiting {
  return persistence.writeSync !== undefined;
}
