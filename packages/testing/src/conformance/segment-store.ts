import type { ExportState, LeaseAttempt, SegmentLease, SegmentName, SegmentStore } from '@relaykit/types';
import { check, checkBytes, checkEqual, rejectionOf } from './check.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

/**
 * How the suite gets at an implementation.
 *
 * @typeParam S - What `create` makes: the other functions get it as it is, with whatever it has besides.
 */
export interface SegmentStoreHarness<S extends SegmentStore = SegmentStore> {
  /** A store without segments. Called once a test. */
  create(): S | Promise<S>;
  /** Adds a sealed segment with these bytes, newer than those added before; resolves to its id. */
  addSegment(store: S, content: Uint8Array): Promise<string>;
  /** Removes what `create` made; called after each test, the store being closed. */
  dispose?(store: S): void | Promise<void>;
}

/**
 * Tests what `SegmentStore` promises: sorted names, exclusive leases, export state, and outcomes that end a segment.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeSegmentStore<S extends SegmentStore>(
  name: string,
  harness: SegmentStoreHarness<S>,
  testApi?: TestApi,
): void {
  const { describe, it } = resolveTestApi(testApi);
  const test = (title: string, run: (store: S, add: typeof harness.addSegment) => Promise<void>): void => {
    it(title, async () => {
      const store = await harness.create();
      try {
        await run(store, (target, content) => harness.addSegment(target, content));
      } finally {
        await store.close();
        await harness.dispose?.(store);
      }
    });
  };

  describe(`${name} is a SegmentStore`, () => {
    test('lists sealed segments, oldest first', async (store, add) => {
      checkEqual(await ids(store), [], 'ids of an empty store');
      const added: string[] = [];
      for (let n = 0; n < 5; n += 1) added.push(await add(store, line(n)));
      checkEqual(await ids(store), added, 'ids');
      checkEqual([...added].sort(), added, 'ids, sorted');
    });

    test('tells of a segment what its name and metadata say', async (store, add) => {
      const id = await add(store, line(1));
      const info = await store.info(id);
      check(info !== undefined, `info: expected that of ${id}, got undefined`);
      const [listed] = await names(store);
      const { createdAtMs, firstSequence, writerId, fileExtension } = info;
      checkEqual({ ...listed }, { id, createdAtMs, firstSequence, writerId, fileExtension }, 'listed name');
      const { bytes, sha256, eventCount } = info.metadata;
      checkEqual([info.id, info.metadata.id], [id, id], 'id in info and metadata');
      checkEqual([bytes, eventCount], [line(1).byteLength, 1], 'bytes and eventCount');
      checkEqual(sha256, await digest(line(1)), 'sha256');
      checkEqual(await store.info(`${id}x`), undefined, 'info of an unknown segment');
    });

    test('gives a segment to one holder at a time', async (store, add) => {
      const id = await add(store, line(1));
      const other = await add(store, line(2));
      const lease = held(await store.lease(id));
      checkEqual((await store.lease(id)).status, 'busy', 'status of a second lease');
      held(await store.lease(other));
      await lease.release();
      await lease.release();
      await held(await store.lease(id)).release();
    });

    test('gives a segment to one of many who ask at once', async (store, add) => {
      const id = await add(store, line(1));
      const attempts = await Promise.all(Array.from({ length: 8 }, () => store.lease(id)));
      const statuses = attempts.map(({ status }) => status).sort();
      checkEqual(statuses, [...Array<string>(7).fill('busy'), 'leased'], 'statuses');
    });

    test('reads a leased segment, in pieces', async (store, add) => {
      const content = new TextEncoder().encode('{"n":1}\n{"n":22}\n');
      const lease = held(await store.lease(await add(store, content)));
      checkEqual(lease.content.sizeBytes, content.byteLength, 'sizeBytes');
      checkBytes(await lease.content.read(0, content.byteLength), content, 'all bytes');
      checkBytes(await lease.content.read(3, 5), content.slice(3, 8), 'five bytes');
      checkBytes(await lease.content.read(content.byteLength - 2, 10), content.slice(-2), 'bytes at the end');
      await lease.release();
    });

    test('remembers the export state from one lease to the next', async (store, add) => {
      const id = await add(store, line(1));
      const first = held(await store.lease(id));
      checkEqual(await first.readState(), undefined, 'state of a new segment');
      const firstFailureAtMs = 1_790_000_000_000;
      const state: ExportState = { attempts: 2, firstFailureAtMs, nextAttemptAtMs: firstFailureAtMs + 5_000 };
      await first.writeState({ ...state, lastError: 'HTTP 503' });
      await first.release();
      const second = held(await store.lease(id));
      const { lastError, ...numbers } = (await second.readState()) ?? {};
      checkEqual(pick(numbers), pick(state), 'state');
      checkEqual(lastError, 'HTTP 503', 'lastError');
      await second.release();
    });

    for (const outcome of [
      { status: 'delivered', receipt: 'r-1' },
      { status: 'quarantined', reason: 'refused' },
      { status: 'dropped', reason: 'age' },
    ] as const) {
      test(`ends a segment that is ${outcome.status}, and no other`, async (store, add) => {
        const id = await add(store, line(1));
        const other = await add(store, line(2));
        const lease = held(await store.lease(id));
        await lease.settle(outcome);
        await lease.release();
        checkEqual(await ids(store), [other], 'ids');
        checkEqual((await store.lease(id)).status, 'gone', 'status of another lease');
        checkEqual(await store.info(id), undefined, 'info');
        const left = held(await store.lease(other));
        checkBytes(await left.content.read(0, 100), line(2), 'the other segment');
        await left.release();
      });
    }

    test('lets a lease that has ended change nothing', async (store, add) => {
      const id = await add(store, line(1));
      const stale = held(await store.lease(id));
      await stale.release();
      const current = held(await store.lease(id));
      await rejectionOf(stale.settle({ status: 'dropped', reason: 'stale' }), 'settle after release');
      checkEqual(await ids(store), [id], 'ids');
      await current.settle({ status: 'delivered' });
      await rejectionOf(current.settle({ status: 'dropped', reason: 'twice' }), 'settle after settle');
    });

    test('says that a segment it never had is gone', async (store, add) => {
      const id = await add(store, line(1));
      checkEqual((await store.lease(`${id}x`)).status, 'gone', 'status');
    });

    test('closes more than once', async (store, add) => {
      held(await store.lease(await add(store, line(1))));
      await store.close();
      await store.close();
    });
  });
}

function line(n: number): Uint8Array {
  return new TextEncoder().encode(`{"n":${n}}\n`);
}

function held(attempt: LeaseAttempt): SegmentLease {
  check(attempt.status === 'leased', `status: expected leased, got ${attempt.status}`);
  return attempt.lease;
}

async function names(store: SegmentStore): Promise<SegmentName[]> {
  const all: SegmentName[] = [];
  for await (const { id, createdAtMs, firstSequence, writerId, fileExtension } of store.list()) {
    all.push({ id, createdAtMs, firstSequence, writerId, fileExtension });
  }
  return all;
}

async function ids(store: SegmentStore): Promise<string[]> {
  return (await names(store)).map(({ id }) => id);
}

function pick({ attempts, firstFailureAtMs, nextAttemptAtMs }: Partial<ExportState>): unknown[] {
  return [attempts, firstFailureAtMs, nextAttemptAtMs];
}

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
