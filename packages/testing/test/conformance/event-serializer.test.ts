// Goal: the suite passes on a serializer that keeps the contract, and notices each way to break it.
// Method: a sample with a switch for every bug, and a runner that collects what fails.
import { describe, expect, it } from 'vitest';
import { type DetectedDamage, describeEventSerializer, type TestApi } from '../../src/conformance/index.ts';
import { type Bug, SampleSerializer } from './sample-serializer.ts';

describeEventSerializer(
  'SampleSerializer',
  { create: () => new SampleSerializer(), detects: 'checksum' },
  { describe, it },
);

const notices: Readonly<Record<Bug, string>> = {
  'accepts any checksum': 'notices bit 0 flipped in any byte, and reads the frames around it',
  'does not check the header': 'notices bit 3 flipped in any byte, and reads the frames around it',
  'drops the last event': 'reads back what it wrote, in order',
  'ends silently at damage': 'notices bit 1 flipped in any byte, and reads the frames around it',
  'takes a cut for the end': 'notices every cut of a sealed file, and reads what is whole',
  'throws in scan': 'finds what lies around a hole',
  'finds nothing behind damage': 'finds what lies around a hole',
  'claims one byte too many': 'never loses track in random damage',
  'reports the tail as damage': 'takes zeros at the end for a write that was cut off',
  'throws what an event throws': 'rejects a BigInt by itself',
  'shifts the index of rejected events': 'rejects a cycle by itself',
  'counts rejected events': 'builder: is not changed by an event that it rejects',
  'makes a frame of nothing': 'makes a frame of no bytes for no events',
  'ignores maxEventBytes': 'rejects by itself an event larger than maxEventBytes',
  'ignores maxDecodedBytes': 'decodes no more than maxDecodedBytes at once',
  'limits the file, not the frame': 'puts no limit on a file whose frames keep it',
  'forgets its events at finish': 'builder: makes the frame again, for another place',
  'keeps its events at reset': 'builder: forgets everything on reset, and is used again',
  'encodes at finish': 'builder: does not notice what becomes of an event after add',
  'shares one buffer': 'builder: does not share what it holds with another',
  'assigns members one by one': 'keeps __proto__ as a member like others',
  'takes a failing source for damage': 'passes on what the source throws, and takes it for no damage',
  'mixes up Latin-1 and UTF-8': 'keeps unusual values',
  'trusts every count': 'finds what lies around a hole',
};

describe('describeEventSerializer', () => {
  it.for(Object.entries(notices) as [Bug, string][])('notices a serializer that %s', async ([bug, title]) => {
    const failed = await messagesOf(() => new SampleSerializer(bug), { only: title });
    expect([...failed.keys()]).toEqual([title]);
  });

  it('names the seed of a random test that fails', async () => {
    const only = 'reads back random events in random frames';
    const failed = await messagesOf(() => new SampleSerializer('drops the last event'), { only, seed: 4_711 });
    expect(failed.get(only)).toMatch(/^seed 4711: /u);
  });

  it('asks a format that authenticates for more', async () => {
    // Checksums alone do not bind a frame to its place.
    const failed = await messagesOf(() => new SampleSerializer(), { detects: 'authentication' });
    expect([...failed.keys()]).toEqual(['notices frames that were moved, swapped, repeated or left out']);
  });
});

/** Titles and messages of the tests that fail. */
async function messagesOf(
  create: () => SampleSerializer,
  options: { readonly only?: string; readonly seed?: number; readonly detects?: DetectedDamage },
): Promise<ReadonlyMap<string, string>> {
  const { only, seed = 1, detects = 'checksum' } = options;
  const tests = new Map<string, () => Promise<void>>();
  const api: TestApi = { describe: (_, body) => body(), it: (title, run) => tests.set(title, run) };
  describeEventSerializer('sample', { create, detects, seed }, api);
  if (only !== undefined) expect([...tests.keys()]).toContain(only);
  const failed = new Map<string, string>();
  for (const [title, run] of tests) {
    if (only !== undefined && title !== only) continue;
    await run().catch((error: unknown) => failed.set(title, error instanceof Error ? error.message : String(error)));
  }
  return failed;
}
