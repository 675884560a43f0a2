import { accountForSpool, openSegmentStore, readSpool, type SpoolAccounts } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';

export interface TestEvent {
  readonly id: string;
  readonly padding: string;
}

const serializers = [new JSONEventSerializer<TestEvent>()];

export interface Recovered {
  /** In the order in which they are read. */
  readonly ids: readonly string[];
  readonly accounts: SpoolAccounts;
  /** Ids of the segments. */
  readonly segments: readonly string[];
}

/** Recovers a spool that nobody uses any more, and reads it. With `deliver`, what was read is taken out of it. */
export async function recoverAndRead(directory: string, { deliver = false } = {}): Promise<Recovered> {
  const store = await openSegmentStore({ directory, serializers: serializers as never });
  const ids: string[] = [];
  for await (const { event } of readSpool<TestEvent>(directory, { serializers })) ids.push(event.id);
  const accounts = await accountForSpool(store.spool);
  const segments: string[] = [];
  for await (const { id } of store.list()) segments.push(id);
  for (const id of deliver ? segments : []) {
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error(`${id} is ${attempt.status}`);
    await attempt.lease.settle({ status: 'delivered' });
  }
  await store.close();
  return { ids, accounts, segments };
}
