// Goal: a receipt that says `synced` covers what was stored before it, in segments that are being sealed, too.
// Method: the sync of the earlier segment is held back; until it is done, the later batch must not be acknowledged.
import { noRetry } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import { ManualClock, SimulatedDisk, settle } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { FileDiskWriter } from '../../src/index.ts';

it('waits for the segments before', async () => {
  const disk = new SimulatedDisk();
  const options = { directory: '/spool', fileSystem: disk, clock: new ManualClock(), retry: noRetry };
  const writer = new FileDiskWriter<number>({ ...options, rotation: rotateByEvents(1) });
  const { segmentId } = await writer.write([1]);
  const gate = disk.hold(({ name, path }) => name === 'sync' && path.includes(segmentId));
  let isAcknowledged = false;
  const second = writer.write([2], { durability: 'synced' }).then(() => {
    isAcknowledged = true;
  });
  await gate.reached();
  await settle();
  expect(isAcknowledged).toBe(false);

  gate.release();
  await second;
  const contents = [...disk.persistedFiles()].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)] as const);
  expect(contents.filter(([path]) => path.includes('.ndjson')).map(([, text]) => text)).toEqual(['1\n', '2\n']);
  await writer.close();
});
