// Goal: relay doctor takes a segment that an export delivers at that moment for no damage.
// Method: a file system that settles each segment as it is opened, at either side of the opening.
import { rename, rm, truncate } from 'node:fs/promises';
import { nodeFileSystem } from '@relaykit/segments';
import type { FileSystem } from '@relaykit/types';
import { expect, it } from 'vitest';
import { checkSegments } from '../src/doctor/check-segments.ts';
import { viewSpool } from '../src/open-spool.ts';
import { relay } from './in-process.ts';
import { newSpool } from './spool.ts';

async function empty(path: string): Promise<void> {
  const gone = path.replace(/ndjson$/u, 'delivered.gone');
  await rename(path, gone);
  await truncate(gone);
}

it.each([
  ['removed before it is opened', rm, undefined],
  ['renamed and emptied behind that', undefined, empty],
])('a segment that is %s', async (_, before, behind) => {
  const directory = await newSpool();
  await relay(['record', '--dir', directory], { stdin: '1\n' });
  const disk = nodeFileSystem();
  const openFile: FileSystem['openFile'] = async (path, mode) => {
    const isSegment = path.endsWith('.ndjson');
    if (isSegment) await before?.(path);
    const handle = await disk.openFile(path, mode);
    if (isSegment) await behind?.(path);
    return handle;
  };
  const fileSystem: FileSystem = Object.assign(Object.create(disk) as FileSystem, { openFile });
  const view = { ...(await viewSpool(directory)), fileSystem };
  expect(await checkSegments(view)).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('1 sealed segment'),
  });
});
