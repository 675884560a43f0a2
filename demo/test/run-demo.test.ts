import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { JSONEventSerializer } from '@relaykit/relay';
import { expect, it } from 'vitest';
import type { Progress } from '../src/progress.ts';
import { Receiver } from '../src/receiver.ts';
import { type DemoResult, runDemo } from '../src/run-demo.ts';
import type { Source } from '../src/sources.ts';

const source: Source<unknown> = {
  description: 'ten numbers',
  serializer: new JSONEventSerializer(),
  unit: 'events',
  total: 10,
  async *read() {
    for (let event = 1; event <= 10; event += 1) yield { event, line: String(event), done: event };
  },
};

async function run(onUpdate: Progress['update'], signal: AbortSignal): Promise<DemoResult> {
  const receiver = await Receiver.start();
  try {
    const progress = { update: onUpdate, stop: () => undefined };
    return await runDemo({ source, receiver, progress, signal });
  } finally {
    await receiver.close();
  }
}

const spools = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('relaykit-demo-'));

it('tells what was added, written, delivered and received', async () => {
  const { added, received, ...figures } = await run(() => undefined, new AbortController().signal);
  expect(added.count).toBe(10);
  expect(received.equals(added)).toBe(true);
  expect(figures).toMatchObject({
    writtenEvents: 10,
    deliveredEvents: 10,
    segments: { count: 1, events: 10, bytes: 21 },
    deliveredSegments: 1,
  });
  expect(figures.wireBytes).toBeGreaterThan(21);
});

it('throws when it is interrupted while segments are being delivered', async () => {
  const before = await spools();
  const controller = new AbortController();
  const interrupted = run((stage) => {
    if (stage === 'delivered') controller.abort(new Error('interrupted'));
  }, controller.signal);
  await expect(interrupted).rejects.toThrow('interrupted');
  expect(await spools()).toEqual(before);
});
