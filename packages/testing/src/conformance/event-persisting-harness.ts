import { type EventPersisting, isRelayError, type WriteReceipt } from '@relaykit/types';
import { check, checkEqual } from './check.ts';

/**
 * How the suite gets at an implementation. Its events are plain JSON data.
 *
 * @typeParam P - What `create` makes: the other functions get it as it is, with whatever it has besides.
 */
export interface EventPersistingHarness<P extends EventPersisting<unknown> = EventPersisting<unknown>> {
  /** A new one that has stored nothing, open for writing. Called at least once a test; some compare two. */
  create(): P | Promise<P>;
  /** Every event it stored so far, in order. Called on open and on closed ones, never while a call is under way. */
  readBack(persistence: P): readonly unknown[] | Promise<readonly unknown[]>;
  /**
   * Makes the next attempt to store fail for good, before anything of it is stored. Without it, what a failed commit
   * leaves behind is not tested.
   */
  failNextStore?(persistence: P): void;
  /** Removes what `create` made; called after each test, the persistence being closed. */
  dispose?(persistence: P): void | Promise<void>;
}

/** Defines one test on a fresh persistence that is closed and disposed of afterwards. */
export type PersistingTest = (
  name: string,
  run: (persistence: EventPersisting<unknown>, readBack: () => Promise<readonly unknown[]>) => Promise<void>,
) => void;

/** Events that have no representation in JSON. */
export const unstorable: readonly (readonly [title: string, make: () => unknown])[] = [
  [
    'a cycle',
    () => {
      const event: Record<string, unknown> = { n: -1 };
      event['self'] = event;
      return event;
    },
  ],
  ['a BigInt', () => ({ n: 1n })],
  ['undefined', () => undefined],
  [
    'a throwing toJSON',
    () => ({
      toJSON() {
        throw new Error('not today');
      },
    }),
  ],
];

/** Events `{ n: from }`, `{ n: from + 1 }` … */
export function numbered(count: number, from: number = 0): unknown[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

export function checkReceipt(receipt: WriteReceipt, firstSequence: number, eventCount: number): void {
  const { firstSequence: first, eventCount: count } = receipt;
  checkEqual([first, count], [firstSequence, eventCount], 'firstSequence and eventCount');
  checkDurability(receipt, 'written');
}

export function checkRejection(cause: unknown): void {
  const isKnown = isRelayError(cause, 'RELAY_EVENT_UNSERIALIZABLE') || isRelayError(cause, 'RELAY_EVENT_TOO_LARGE');
  check(
    isKnown,
    `cause: expected a RelayError RELAY_EVENT_UNSERIALIZABLE or RELAY_EVENT_TOO_LARGE, got ${String(cause)}`,
  );
}

export function checkClosed(error: unknown): void {
  check(isRelayError(error, 'RELAY_CLOSED'), `error: expected a RelayError RELAY_CLOSED, got ${String(error)}`);
}

export function checkReceipts(receipts: readonly WriteReceipt[], sizes: readonly number[]): void {
  let firstSequence = 0;
  for (const [index, size] of sizes.entries()) {
    const receipt = receipts[index];
    check(receipt !== undefined, `receipts: expected ${sizes.length}, got ${receipts.length}`);
    checkReceipt(receipt, firstSequence, size);
    checkEqual(receipt.rejected, [], 'rejected');
    firstSequence += size;
  }
}

export function checkDurability({ durability }: WriteReceipt, asked: 'written' | 'synced'): void {
  const reached = durability === 'synced' || (durability === 'written' && asked === 'written');
  check(reached, `durability: expected at least ${asked}, got ${String(durability)}`);
}

export function indexes({ rejected }: WriteReceipt): number[] {
  return rejected.map(({ index }) => index).sort((left, right) => left - right);
}

export function total(receipts: readonly WriteReceipt[]): number {
  return receipts.reduce((sum, { eventCount }) => sum + eventCount, 0);
}
