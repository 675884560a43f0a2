// Goal: nothing about a sealed segment can be changed unnoticed, and what was changed gives no plaintext (S3, S4, S5).
// Method: every bit, every cut and every border; forgeries by somebody who knows the format and not the key.
import { isRelayError } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../src/crc32.ts';
import { readHeader } from '../src/frame-header.ts';
import { encrypted, fileOf, framesOf, join, keyOf, read, SEGMENT, segment } from './scene.ts';

const serializer = encrypted();
const batches = [[{ n: 0 }, { n: 1 }], [{ n: 2 }], [{ n: 3 }, { n: 4 }, { n: 5 }]];
const events = batches.flat();
const OTHER_SEGMENT = '20260101T000000001Z-000000000000-aaaaaaaaaa';
const OTHER_SPOOL = 'ffffffffffffffffffffffffffffffff';

/** Refused with the one code, and not an event more than the untouched frames in front hold. */
async function expectRefused(bytes: Uint8Array, eventsBefore: number, context = segment()): Promise<void> {
  const { events: found, error } = await read(serializer, bytes, context);
  expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'authentication' } });
  expect(found).toEqual(events.slice(0, eventsBefore));
}

describe('a sealed segment of 4 KB', () => {
  const large = Array.from({ length: 4 }, (_, frame) => [{ n: frame, text: 'x'.repeat(900) }]);

  it('does not survive any flipped bit', async () => {
    const file = await fileOf(serializer, large);
    expect(file.byteLength).toBeGreaterThan(3_500);
    expect(file.byteLength).toBeLessThan(4_600);
    const texts = large.flat().map((event) => JSON.stringify(event));
    let unnoticed = 0;
    for (let bit = 0; bit < file.byteLength * 8; bit += 1) {
      const at = bit >> 3;
      file[at] = (file[at] ?? 0) ^ (1 << (bit & 7));
      const { events: found, error } = await read(serializer, file);
      file[at] = (file[at] ?? 0) ^ (1 << (bit & 7));
      const isPrefix = found.every((event, index) => JSON.stringify(event) === texts[index]);
      // Where the last header seems to be longer than what is there, nobody can tell a flip from a cut.
      const isNoticed = isRelayError(error, 'RELAY_SEGMENT_DAMAGED') || isRelayError(error, 'RELAY_SEGMENT_TRUNCATED');
      if (!isNoticed || !isPrefix) unnoticed += 1;
    }
    expect(unnoticed).toBe(0);
  }, 120_000);

  it('does not survive any cut', async () => {
    const file = await fileOf(serializer, large);
    let unnoticed = 0;
    for (let cut = 0; cut < file.byteLength; cut += 1) {
      const { error } = await read(serializer, file.subarray(0, cut));
      if (!isRelayError(error, 'RELAY_SEGMENT_TRUNCATED')) unnoticed += 1;
    }
    expect(unnoticed).toBe(0);
  }, 120_000);
});

describe('a segment that ends at the border of a frame', () => {
  it.for([0, 1, 2, 3])(
    'after %i frames, is an error where it is sealed and complete where it is open',
    async (count) => {
      const bytes = join((await framesOf(serializer, batches)).slice(0, count));
      const whole = batches.slice(0, count).flat();
      const sealed = await read(serializer, bytes);
      expect(sealed.error).toMatchObject({
        code: 'RELAY_SEGMENT_TRUNCATED',
        facts: { positionBytes: bytes.byteLength },
      });
      expect(sealed.events).toEqual(whole);
      expect(await read(serializer, bytes, segment({ isSealed: false }))).toEqual({ events: whole, error: undefined });
    },
  );
});

describe('a frame that is not where it was written', () => {
  it.for([
    ['swapped with its neighbour', [1, 0, 2, 3], 0],
    ['repeated', [0, 0, 1, 2, 3], 2],
    ['dropped', [0, 2, 3], 2],
    ['dropped from the end', [0, 1, 3], 3],
    ['behind the closing frame', [0, 1, 2, 3, 0], 6],
    ['a second closing frame', [0, 1, 2, 3, 3], 6],
  ] as const)('is refused: %s', async ([, order, eventsBefore]) => {
    const frames = await framesOf(serializer, batches);
    await expectRefused(join(order.map((index) => frames[index] as Uint8Array)), eventsBefore);
  });

  it('is refused: out of another segment', async () => {
    const frames = [...(await framesOf(serializer, batches))];
    const [, foreign] = await framesOf(serializer, batches, { segmentId: OTHER_SEGMENT });
    await expectRefused(join(frames.with(1, foreign as Uint8Array)), 2);
    await expectRefused(join(frames), 0, segment({ segmentId: OTHER_SEGMENT }));
  });

  it('is refused: out of another spool', async () => {
    const frames = [...(await framesOf(serializer, batches))];
    const [, foreign] = await framesOf(serializer, batches, { spoolId: OTHER_SPOOL });
    await expectRefused(join(frames.with(1, foreign as Uint8Array)), 2);
    await expectRefused(join(frames), 0, segment({ spoolId: OTHER_SPOOL }));
  });

  it('is refused: ids that read the same one after another', async () => {
    const file = await fileOf(serializer, batches, { spoolId: 'ab', segmentId: 'c' });
    await expectRefused(file, 0, segment({ spoolId: 'a', segmentId: 'bc' }));
  });

  it('is refused: under the id of another key', async () => {
    const ring = encrypted({ keys: { current: keyOf('k1'), others: [keyOf('k2')] } });
    const file = await fileOf(ring, batches);
    file[45] = '2'.charCodeAt(0);
    writeChecksum(file, 46);
    const { events: found, error } = await read(ring, file);
    expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED' });
    expect(found).toEqual([]);
  });
});

describe('a header that was forged, checksum and all', () => {
  it('is refused at every byte', async () => {
    const frames = await framesOf(serializer, batches);
    const header = readHeader(frames[1] as Uint8Array);
    if (typeof header === 'string') throw new Error(header);
    const checksumAt = header.headerBytes - 4;
    for (let at = 0; at < checksumAt; at += 1) {
      for (const change of [0x01, 0x02, 0x80, 0xff]) {
        const forged = (frames[1] as Uint8Array).slice();
        forged[at] = (forged[at] ?? 0) ^ change;
        writeChecksum(forged, checksumAt);
        const bytes = join([frames[0] as Uint8Array, forged, ...frames.slice(2)]);
        const { events: found, error } = await read(serializer, bytes);
        expect(found, `byte ${at}`).toEqual(events.slice(0, 2));
        expect([
          'RELAY_SEGMENT_DAMAGED',
          'RELAY_SEGMENT_TRUNCATED',
          'RELAY_LIMIT_EXCEEDED',
          'RELAY_KEY_MISSING',
        ]).toContain((error as { code?: string }).code);
      }
    }
  });

  it('is refused: a closing frame of a shorter segment', async () => {
    const short = await framesOf(serializer, batches.slice(0, 2));
    const long = await framesOf(serializer, batches);
    // Authentic, in its place, and the events before it are as many: only the bytes differ.
    const twin = await framesOf(serializer, [[{ n: 0 }, { n: 1 }], [{ n: 2, longer: true }]]);
    await expectRefused(join([twin[0] as Uint8Array, long[1] as Uint8Array, twin[2] as Uint8Array]), 3);
    expect((await read(serializer, join(short))).error).toBeUndefined();
  });
});

function writeChecksum(frame: Uint8Array, checksumAt: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint32(checksumAt, crc32(frame.subarray(0, checksumAt)), true);
}

describe('an error about a segment', () => {
  it('names segment and place, and holds nothing of what it was about', async () => {
    const canary = 'canary-4711';
    const file = await fileOf(serializer, [[{ canary }]]);
    file[60] = (file[60] ?? 0) ^ 1;
    const { error } = await read(serializer, file);
    expect(error).toMatchObject({ facts: { segmentId: SEGMENT, positionBytes: 0, reason: 'authentication' } });
    expect(error).not.toHaveProperty('cause');
  });
});
