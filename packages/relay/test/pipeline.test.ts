// Goal: buffer, writer, store and queue work as one: what was added arrives, once, in order, across restarts.
// Method: a real directory, a real HTTP server on loopback; events are compared, not counted alone.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ManualLifecycle } from '@relaykit/testing';
import type { SegmentMetadata } from '@relaykit/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRelay, type Relay, type RelayCounts } from '../src/index.ts';
import { TestReceiver } from './receiver.ts';

interface Reading {
  readonly number: number;
  readonly text: string;
}

let parent: string;
let directory: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'relay-pipeline-'));
  directory = join(parent, 'spool');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

function readings(first: number, count: number): Reading[] {
  return Array.from({ length: count }, (_, index) => ({ number: first + index, text: `Prüfung\n${first + index} 😀` }));
}

async function addAll(relay: Relay<Reading>, events: readonly Reading[]): Promise<void> {
  for (const event of events) expect(await relay.addWhenRoom(event)).toEqual({ status: 'added' });
}

function expectConserved({ added, persisted, buffered, dropped }: RelayCounts): void {
  expect(added).toBe(persisted + buffered + Object.values(dropped).reduce((sum, count) => sum + count, 0));
}

async function segmentFiles(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => /\.ndjson(\.open)?$/u.test(name) && name !== 'ledger.ndjson');
}

describe('a relay', () => {
  it('delivers what was added, in order, in several segments, and leaves nothing behind', async () => {
    await using receiver = await TestReceiver.start();
    const sealed: SegmentMetadata[] = [];
    const relay = createRelay<Reading>({
      directory,
      url: receiver.url,
      maxSegmentEvents: 1_000,
      onSegmentSealed: (segment) => void sealed.push(segment),
    });
    const events = readings(0, 12_345);
    await addAll(relay, events);
    expectConserved(relay.counts());
    expect(await relay.drain()).toMatchObject({ endedBy: 'completed', remaining: 0 });

    expect(receiver.events).toEqual(events);
    expect(new Set(receiver.deliveries.map(({ key }) => key)).size).toBe(receiver.deliveries.length);
    expect(sealed.map(({ id }) => id).toSorted()).toEqual(receiver.deliveries.map(({ key }) => key));
    expect(sealed.length).toBeGreaterThan(5);
    const bytes = sealed.reduce((sum, segment) => sum + segment.bytes, 0);
    const counts = relay.counts();
    expect(counts).toMatchObject({ added: 12_345, persisted: 12_345, buffered: 0 });
    expect(counts.delivery).toEqual({
      delivered: { segments: sealed.length, events: 12_345, bytes },
      quarantined: { segments: 0, events: 0, bytes: 0 },
    });
    expect(await segmentFiles()).toEqual([]);
    expect(await relay.close()).toEqual({ unpersistedEventCount: 0, errors: [] });
  });

  it('delivers in the background as soon as a segment is sealed, with nobody asking', async () => {
    await using receiver = await TestReceiver.start();
    // Longer than the test may take: only a wake-up can be in time.
    const relay = createRelay<Reading>({ directory, url: receiver.url, export: { pollIntervalMs: 3_600_000 } });
    await relay.open();
    await addAll(relay, readings(0, 10));
    const delivered = new Promise((resolve) => relay.queue?.on('uploaded', resolve));
    expect(await relay.rotate()).toMatchObject({ eventCount: 10 });
    await delivered;
    expect(receiver.events).toEqual(readings(0, 10));
    await relay.close();
  });

  it('keeps what the receiver does not take, and delivers it after a restart', async () => {
    await using receiver = await TestReceiver.start();
    receiver.status = 503;
    const first = createRelay<Reading>({ directory, url: receiver.url, maxSegmentEvents: 10 });
    await addAll(first, readings(0, 25));
    expect(await first.drain()).toMatchObject({ delivered: 0 });
    await addAll(first, readings(25, 5));
    await first.close();
    expect((await segmentFiles()).every((name) => name.endsWith('.ndjson'))).toBe(true);

    receiver.status = 200;
    const second = createRelay<Reading>({ directory, url: receiver.url });
    await addAll(second, readings(30, 5));
    // What failed before has a time before which it rests.
    await vi.waitFor(async () => expect(await second.drain()).toMatchObject({ remaining: 0 }), { timeout: 30_000 });
    await second.close();
    const numbers = (receiver.events as Reading[]).map(({ number }) => number);
    expect(numbers.toSorted((left, right) => left - right)).toEqual(readings(0, 35).map(({ number }) => number));
    expect(await segmentFiles()).toEqual([]);
  });

  it('delivers what a process left behind that ended without a word', async () => {
    const child = fileURLToPath(new URL('./add-and-die.ts', import.meta.url));
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const { signal, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@relaykit/source', '--import', tsx, child, directory],
      { encoding: 'utf8' },
    );
    expect(signal, stderr).toBe('SIGKILL');
    expect(await segmentFiles()).toEqual([expect.stringMatching(/\.open$/u)]);

    await using receiver = await TestReceiver.start();
    const relay = createRelay<{ number: number }>({ directory, url: receiver.url });
    expect(await relay.open()).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 100, bytesCut: 0, problems: [] });
    await relay.drain();
    expect(receiver.events).toEqual(Array.from({ length: 100 }, (_, number) => ({ number })));
    await relay.close();
  });

  it('counts what the receiver refuses for good apart from what it takes', async () => {
    const relay = createRelay<Reading>({
      directory,
      uploader: {
        upload: async ({ info }) =>
          info.firstSequence === 0 ? { status: 'rejected', cause: new Error('not wanted') } : { status: 'accepted' },
      },
    });
    await addAll(relay, readings(0, 2));
    const refused = await relay.rotate();
    await addAll(relay, readings(2, 3));
    const taken = await relay.rotate();
    await relay.drain();
    expect(relay.counts().delivery).toEqual({
      delivered: { segments: 1, events: 3, bytes: taken?.bytes },
      quarantined: { segments: 1, events: 2, bytes: refused?.bytes },
    });
    await relay.close();
  });

  it('delivers within the deadline where close is asked to, and says how far it came', async () => {
    await using receiver = await TestReceiver.start();
    const relay = createRelay<Reading>({ directory, url: receiver.url });
    await addAll(relay, readings(0, 3));
    const closing = relay.close({ drain: true });
    expect(relay.close()).toBe(closing);
    expect(await closing).toMatchObject({ unpersistedEventCount: 0, errors: [], drained: { remaining: 0 } });
    expect(receiver.events).toEqual(readings(0, 3));
    expect(relay.add(readings(3, 1)[0] as Reading)).toEqual({ status: 'refused', reason: 'closed' });
    await expect(relay.drain()).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
    await expect(relay.flush()).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
  });

  it('stops draining at the deadline, and everything is still in the spool', async () => {
    const relay = createRelay<Reading>({
      directory,
      // The test would never end if the deadline did not hold for uploads that the background had begun, too.
      export: { closeDeadlineMs: 3_600_000 },
      uploader: {
        upload: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          }),
      },
    });
    await addAll(relay, readings(0, 3));
    expect(await relay.close({ drain: true, deadlineMs: 50 })).toMatchObject({
      drained: { endedBy: 'aborted', delivered: 0, remaining: 1 },
    });
    expect(await segmentFiles()).toEqual([expect.stringMatching(/\.ndjson$/u)]);
  });

  it('stores what is in memory when the application leaves the foreground', async () => {
    const lifecycle = new ManualLifecycle();
    const relay = createRelay<Reading>({ directory, lifecycle, buffer: { flushIntervalMs: Number.POSITIVE_INFINITY } });
    await addAll(relay, readings(0, 3));
    expect(relay.counts()).toMatchObject({ buffered: 3, persisted: 0 });
    await lifecycle.emit('terminate');
    expect(relay.counts()).toMatchObject({ buffered: 0, persisted: 3 });
    await relay.close();
  });

  it('leaves out the one event that cannot be stored, with its reason', async () => {
    const dropped: unknown[] = [];
    const relay = createRelay<unknown>({ directory, buffer: { onDropped: (facts) => void dropped.push(facts) } });
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect([relay.add({ a: 1 }).status, relay.add(cycle).status, relay.add({ a: 2 }).status]).toEqual([
      'added',
      'dropped',
      'added',
    ]);
    expect(await relay.rotate()).toMatchObject({ eventCount: 2 });
    expect(dropped).toEqual([expect.objectContaining({ reason: 'unserializable', eventCount: 1 })]);
    expectConserved(relay.counts());
    await relay.close();
  });

  it('tells at open, and at flush, that the directory cannot be used; and loses nothing until it is closed', async () => {
    const relay = createRelay<Reading>({ directory: '/dev/null/spool' });
    await expect(relay.open()).rejects.toMatchObject({ name: 'RelayError' });
    await addAll(relay, readings(0, 3));
    await expect(relay.flush()).rejects.toMatchObject({ name: 'RelayError' });
    expect(relay.counts()).toMatchObject({ buffered: 3, persisted: 0 });
    const report = await relay.close();
    expect(report.unpersistedEventCount).toBe(3);
    expect(report.errors).toContainEqual(expect.objectContaining({ name: 'RelayError' }));
    expectConserved(relay.counts());
    await expect(relay[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'RELAY_EVENTS_UNPERSISTED',
      facts: { eventCount: 3 },
    });
  });

  it('syncs where it is asked to, in a directory that nobody else can read', async () => {
    const relay = createRelay<Reading>({ directory, durability: 'synced' });
    await addAll(relay, readings(0, 1));
    await relay.flush();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const [file = ''] = await segmentFiles();
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    await relay.close();
  });
});

describe('a relay that needs a consent', () => {
  it('sends nothing of a day before the consent, and all of it after, across a restart', async () => {
    await using receiver = await TestReceiver.start();
    const options = {
      directory,
      url: receiver.url,
      maxSegmentEvents: 10,
      holdExport: true,
      buffer: { flushEvents: 10 },
    };
    const first = createRelay<Reading>(options);
    await addAll(first, readings(0, 25));
    await first.flush();
    expect(await first.drain()).toMatchObject({ delivered: 0, held: 3, remaining: 3 });
    expect(first.queue?.status().heldSegments).toBe(3);
    await first.close();

    await using second = createRelay<Reading>(options);
    await addAll(second, readings(25, 5));
    expect(await second.releaseHeld()).toMatchObject({ segments: 4, events: 30, inUse: 0 });
    await addAll(second, readings(30, 5));
    expect(await second.drain()).toMatchObject({ endedBy: 'completed', held: 0, remaining: 0 });
    expect(receiver.events).toEqual(readings(0, 35));
  });

  it('forgets everything where the consent is refused, and says in the ledger what it forgot', async () => {
    await using receiver = await TestReceiver.start();
    await using relay = createRelay<Reading>({
      directory,
      url: receiver.url,
      maxSegmentEvents: 10,
      holdExport: true,
      buffer: { flushEvents: 10 },
    });
    await addAll(relay, readings(0, 25));
    expect(await relay.discardHeld({ reason: 'refused' })).toMatchObject({ segments: 3, events: 25 });
    await addAll(relay, readings(25, 1));
    expect(await relay.drain()).toMatchObject({ delivered: 0, held: 1, remaining: 1 });
    expect(receiver.events).toEqual([]);
    const ledger = await readFile(join(directory, 'ledger.ndjson'), 'utf8');
    const dropped = ledger
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(dropped.map(({ outcome, reason }) => [outcome, reason])).toEqual(Array(3).fill(['dropped', 'refused']));
  });
});

it('a segment that was refused is put back by hand, and delivered', async () => {
  await using receiver = await TestReceiver.start();
  receiver.status = 422;
  await using relay = createRelay<Reading>({ directory, url: receiver.url });
  await addAll(relay, readings(0, 3));
  expect(await relay.drain()).toMatchObject({ quarantined: 1, remaining: 0 });
  receiver.status = 200;
  const quarantine = await relay.quarantine();
  const [refused] = await quarantine.list();
  expect(refused).toMatchObject({ eventCount: 3, reason: expect.stringContaining('422'), isWhole: true });
  expect(await quarantine.requeue(refused?.id ?? '')).toEqual({ status: 'requeued' });
  expect(await relay.drain()).toMatchObject({ delivered: 1, remaining: 0 });
  expect(receiver.deliveries.map(({ key }) => key)).toEqual([refused?.id]);
  expect(receiver.events).toEqual(readings(0, 3));
});
