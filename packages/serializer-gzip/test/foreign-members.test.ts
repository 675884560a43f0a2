// Goal: files of other programs are read member by member, though nothing in them says where a member ends.
import { deflateRawSync, gzipSync } from 'node:zlib';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { portableCrc32 } from '@relaykit/serializers/framed';
import fc from 'fast-check';
import { gzipSync as fflateGzip } from 'fflate';
import { describe, expect, it } from 'vitest';
import { decodeAll, frameOf, joined, lines, numbered, open, scanAll, sealed } from './files.ts';

const serializer = new GzipSerializer<unknown>(new JSONEventSerializer());

const makers: Readonly<Record<string, (content: Uint8Array) => Uint8Array>> = {
  'node:zlib': (content) => gzipSync(content),
  'node:zlib, stored': (content) => gzipSync(content, { level: 0 }),
  'node:zlib, small window': (content) => gzipSync(content, { windowBits: 9, memLevel: 1 }),
  'fflate, with a name and a time': (content) => fflateGzip(content, { filename: 'events.ndjson', mtime: 1e12 }),
  'a block-wise program, as BGZF': (content) => member(content, 0x04, [6, 0, 0x42, 0x43, 2, 0, 0x10, 0]),
  'a thorough program: extra, name, comment and header CRC': (content) =>
    member(content, 0x1f, [2, 0, 1, 2, ...Buffer.from('n\0c\0'), 0xaa, 0xbb]),
};

/** A gzip member with these flags and what they announce. */
function member(content: Uint8Array, flags: number, fields: readonly number[]): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(portableCrc32(content));
  trailer.writeUInt32LE(content.byteLength, 4);
  const header = [0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3, ...fields];
  return Buffer.concat([Buffer.from(header), deflateRawSync(content), trailer]);
}

describe.each(Object.entries(makers))('a file of %s', (_, make) => {
  it('is read, alone and one after another', async () => {
    const sizes = [1, 5_000, 2, 40_000];
    const pieces = sizes.map((size, index) => make(lines(...numbered(size, index * 100_000))));
    const { events, error } = await decodeAll(serializer, joined(...pieces));
    expect(error).toBeUndefined();
    expect(events).toEqual(sizes.flatMap((size, index) => numbered(size, index * 100_000)));
    const scan = await scanAll(serializer, joined(...pieces));
    expect(scan).toMatchObject({ damaged: [], tornTailBytes: 0, eventCount: 45_003 });
    expect(scan.intact).toMatchObject([{ frameCount: 4 }]);
  });

  it('is read with an empty member, and among ours', async () => {
    const bytes = joined(
      make(new Uint8Array(0)),
      await frameOf(serializer, [1]),
      make(lines(2)),
      make(new Uint8Array(0)),
      await frameOf(serializer, [3]),
    );
    expect(await decodeAll(serializer, bytes)).toEqual({ events: [1, 2, 3], error: undefined });
    expect(await scanAll(serializer, bytes)).toMatchObject({ damaged: [], tornTailBytes: 0, eventCount: 3 });
  });

  it('ends where it is cut, at whichever byte', async () => {
    const whole = make(lines(1, 2));
    for (let cut = 1; cut < whole.byteLength; cut += 1) {
      const bytes = joined(whole, whole.slice(0, cut));
      expect(await decodeAll(serializer, bytes, open), `cut at ${cut}`).toEqual({ events: [1, 2], error: undefined });
      const { events, error } = await decodeAll(serializer, bytes, sealed);
      expect([events, error], `cut at ${cut}`).toMatchObject([[1, 2], { code: 'RELAY_SEGMENT_TRUNCATED' }]);
      expect(await scanAll(serializer, bytes), `cut at ${cut}`).toMatchObject({ damaged: [], tornTailBytes: cut });
    }
  });

  it('never yields what was not written, whichever bit is flipped', async () => {
    const whole = make(lines(1, 2, 'three'));
    for (let bit = 0; bit < whole.byteLength * 8; bit += 1) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { events } = await decodeAll(serializer, bytes, sealed);
      // A flip in a name or a time changes nothing that was written.
      expect([[], [1, 2, 'three']], `bit ${bit}`).toContainEqual(events);
    }
  });
});

it('reads any members', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.jsonValue(), { maxLength: 20 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...Object.values(makers)),
      async (batches, make) => {
        const expected = batches.flat().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
        const { events, error } = await decodeAll(serializer, joined(...batches.map((batch) => make(lines(...batch)))));
        expect(error).toBeUndefined();
        expect(events).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});

it('finds our members behind damage in a foreign one', async () => {
  const foreign = gzipSync(lines(...numbered(100))).fill(0xff, 30, 60);
  const ours = await frameOf(serializer, ['ours']);
  const scan = await scanAll(serializer, joined(foreign, ours));
  expect(scan.damaged).toEqual([{ positionBytes: 0, lengthBytes: foreign.byteLength, reason: 'syntax' }]);
  expect(scan).toMatchObject({ eventCount: 1, tornTailBytes: 0 });
});

it('does not skip a foreign member whose lines are no events', async () => {
  const bytes = joined(gzipSync('not JSON\n'), await frameOf(serializer, [1]));
  expect((await decodeAll(serializer, bytes)).error).toMatchObject({ facts: { reason: 'syntax', positionBytes: 0 } });
  expect(await scanAll(serializer, bytes)).toMatchObject({ eventCount: 1, damaged: [{ positionBytes: 0 }] });
});

it.for(['\0'.repeat(600), 'garbage', '\u001f\u008bx'])(
  'reads what stands before trailing %j, and tells',
  async (text) => {
    const garbage = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (const whole of [gzipSync(lines(1)), await frameOf(serializer, [1])]) {
      const bytes = joined(whole, garbage);
      const { events, error } = await decodeAll(serializer, bytes);
      expect([events, error]).toMatchObject([
        [1],
        { code: 'RELAY_SEGMENT_DAMAGED', facts: { positionBytes: whole.byteLength } },
      ]);
      expect(await scanAll(serializer, bytes)).toMatchObject({ eventCount: 1, tornTailBytes: garbage.byteLength });
    }
  },
);

/** A dynamic block of RFC 1951 that holds only its end, described by long runs of zero bits. */
function emptyBlocks(sizeBytes: number): number[] {
  const bytes: number[] = [];
  let bits = 0;
  const put = (value: number, count: number): void => {
    for (let bit = 0; bit < count; bit += 1) {
      if (bits % 8 === 0) bytes.push(0);
      const last = bytes.length - 1;
      bytes[last] = (bytes[last] ?? 0) | (((value >> bit) & 1) << (bits % 8));
      bits += 1;
    }
  };
  const lengths = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  while (bytes.length < sizeBytes) {
    put(0, 1);
    put(2, 2);
    put(29, 5);
    put(29, 5);
    put(15, 4);
    for (const length of lengths) put(length <= 1 ? 1 : 0, 3);
    for (let symbol = 0; symbol < 316; symbol += 1) put([255, 256, 286, 287].includes(symbol) ? 1 : 0, 1);
    put(1, 1);
  }
  return bytes;
}

it('does not search a hostile member of empty blocks for its end, byte by byte', async () => {
  // No output, and so zeros, the trailer of nothing, at nearly every byte: by trial this takes hours.
  const hostile = Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...emptyBlocks(262_144)]);
  expect(await scanAll(serializer, hostile)).toMatchObject({ eventCount: 0 });
});

it.each(['', '1\n'])('lets other work in while it scans many small members of %j', async (text) => {
  const serializer = new GzipSerializer<unknown>(new JSONEventSerializer());
  const bytes = joined(...Array<Uint8Array>(1_000).fill(gzipSync(text)));
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  const { intact } = await scanAll(serializer, bytes);
  clearInterval(timer);
  expect(intact).toMatchObject([{ frameCount: 1_000, eventCount: text === '' ? 0 : 1_000 }]);
  expect(turns).toBeGreaterThan(1);
});
