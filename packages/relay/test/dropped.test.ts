// Goal: what a relay gives up to stay within its limits is counted and said, though nobody asked to be told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountForSpool, Spool } from '@relaykit/segments';
import { afterAll, expect, it, vi } from 'vitest';
import { createRelay, retainTotalBytes } from '../src/index.ts';

const parent = mkdtempSync(join(tmpdir(), 'relay-dropped-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

it('counts what was dropped, and warns', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const directory = join(parent, 'warned');
  const relay = createRelay({ directory, retention: retainTotalBytes(20_000), maxSegmentBytes: 2_048 });
  for (let n = 0; n < 3_000; n += 1) {
    await relay.addWhenRoom({ n, text: 'x'.repeat(50) });
    if (n % 25 === 24) await relay.flush();
  }
  // The first look at a spool goes on in the background; limits hold from then on.
  await vi.waitFor(async () => {
    await relay.addWhenRoom({ n: -1 });
    await relay.rotate();
    expect(relay.counts().droppedFromSpool.events).toBeGreaterThan(0);
  });
  await relay.close();
  const { persisted, droppedFromSpool } = relay.counts();
  const accounts = await accountForSpool(Spool.openSync({ directory }));
  expect(accounts).toMatchObject({ dropped: { totalBytes: droppedFromSpool.events }, lost: 0, repeated: 0 });
  expect(accounts.pending + droppedFromSpool.events).toBe(persisted);
  const [first, second] = warn.mock.calls;
  // At the 1st, 10th, 100th segment: a full spool gives up one for each new one.
  const { segments } = droppedFromSpool;
  expect(warn.mock.calls).toHaveLength(1 + Math.floor(Math.log10(segments)));
  if (segments >= 10) expect(second?.[0]).toContain('10 segments with');
  expect(first?.[0]).toMatch(/^relay gave up segment \S+ with \d+ undelivered events \(totalBytes\)\./u);
  expect(first?.[1]).toEqual({ code: 'RELAY_SEGMENT_DROPPED' });
  warn.mockRestore();
});

it('tells the listener instead, where there is one', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const dropped: string[] = [];
  const relay = createRelay({
    directory: join(parent, 'told'),
    retention: retainTotalBytes(4_096),
    maxSegmentBytes: 1_024,
    onSegmentDropped: ({ id }) => void dropped.push(id),
  });
  await vi.waitFor(async () => {
    for (let n = 0; n < 40; n += 1) await relay.addWhenRoom({ n, text: 'x'.repeat(50) });
    await relay.rotate();
    expect(dropped.length).toBeGreaterThan(0);
  });
  await relay.close();
  expect(relay.counts().droppedFromSpool.segments).toBe(dropped.length);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
