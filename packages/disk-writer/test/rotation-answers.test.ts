// Goal: what a policy in plain JavaScript answers by mistake costs no segment its metadata, and the log says so once.
import type { RotationPolicy, SegmentMetadata } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { events, numbersTo, SPOOL, WriterOnDisk } from './writer-on-disk.ts';

function metadataIn(spool: WriterOnDisk): readonly SegmentMetadata[] {
  const contents = spool.files('metadata').map((name) => spool.disk.files().get(`${SPOOL}/${name}`));
  return contents.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
}

const FAILURE = 'error the rotation policy failed; the segment is not ended by it';

describe.for([
  ['false', false, 'false'],
  ['null', null, 'null'],
  ['true', true, 'true'],
  ['a number', 7, '7'],
  ['no word', '', '0 characters'],
  ['a text of 70 KB', 'x'.repeat(70_000), '70000 characters'],
  ['a promise', Promise.resolve('bytes'), '[object Promise]'],
] as const)('a policy that answers %s', ([, answer, got]) => {
  it('ends no segment, and is told so once', async () => {
    const spool = new WriterOnDisk({ rotation: { shouldRotate: () => answer as unknown as string } });
    for (let n = 0; n < 5; n += 1) await spool.writer.write(events(n));
    await spool.writer.close();
    expect(spool.files('sealed')).toHaveLength(1);
    expect(metadataIn(spool)).toMatchObject([{ sealReason: 'close', eventCount: 5 }]);
    expect(await spool.numbers()).toEqual(numbersTo(5));
    const told = spool.log.filter((line) => line.startsWith(FAILURE));
    expect(told).toEqual([expect.stringContaining(`1 to 100 characters, or undefined, got ${got}`)]);
  });
});

it('a reason of 100 characters is one', async () => {
  const reason = 'r'.repeat(100);
  const spool = new WriterOnDisk({ rotation: { shouldRotate: () => reason } });
  for (let n = 0; n < 2; n += 1) await spool.writer.write(events(n));
  await spool.writer.close();
  expect(metadataIn(spool)).toMatchObject([{ sealReason: reason }, { sealReason: 'close' }]);
  expect(spool.log.filter((line) => line.startsWith(FAILURE))).toEqual([]);
});

it.for([
  ['NaN', Number.NaN, 1],
  ['null', null, 1],
  ['text', '5', 1],
  ['never', Number.POSITIVE_INFINITY, 0],
] as const)('a policy whose next check is %s is not asked again without an event', async ([, delayMs, failures]) => {
  let asked = 0;
  const nextCheckMs = (): number => {
    asked += 1;
    return delayMs as number;
  };
  const rotation: RotationPolicy = { shouldRotate: () => undefined, nextCheckMs };
  const spool = new WriterOnDisk({ rotation });
  await spool.writer.write(events(0));
  await spool.clock.advanceAsync(10_000);
  expect(asked).toBe(1);
  expect(spool.log.filter((line) => line.startsWith(FAILURE))).toHaveLength(failures);
  await spool.writer.close();
});
