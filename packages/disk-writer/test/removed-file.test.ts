// Goal: nothing is acknowledged into a file that somebody has deleted.
import { ManualClock, SimulatedDisk } from '@relaykit/testing';
import { expect, it, vi } from 'vitest';
import { FileDiskWriter } from '../src/index.ts';

it('begins another segment where the one being written was removed, and says what is lost', async () => {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const writer = new FileDiskWriter({ directory: '/spool', fileSystem: disk, clock, logger });
  const first = await writer.write([{ n: 1 }, { n: 2 }]);
  await disk.remove(`/spool/${first.segmentId}.ndjson.open`);
  clock.advance(1_000);
  const second = await writer.write([{ n: 3 }]);
  expect(second.segmentId).not.toBe(first.segmentId);
  const open = [...disk.files()].filter(([path]) => path.endsWith('.open'));
  expect(open.map(([, bytes]) => new TextDecoder().decode(bytes))).toEqual(['{"n":3}\n']);
  expect(logger.error).toHaveBeenCalledExactlyOnceWith(
    'events are lost: somebody else removed the segment that was being written',
    { segment: first.segmentId, events: 2 },
  );
  await writer.close();
});
