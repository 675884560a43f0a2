import {
  JSONEventSerializer,
  MAX_NESTING_LEVELS,
  type RawJSONLine,
  RawJSONLineSerializer,
} from '@relaykit/serializers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, decodeAll, place, TestSource, textOf } from './source.ts';

const serializer = new RawJSONLineSerializer();
const encode = (...events: readonly unknown[]) => serializer.encode(events as RawJSONLine[], place);
const reasonOf = (event: unknown) =>
  (encode(event).rejected[0]?.cause as { facts?: { reason?: string } } | undefined)?.facts?.reason;

const unusual = [
  '1.0',
  '12345678901234567890',
  '{"a":1,"a":2}',
  '{"b":1,"a":2,"1":3}',
  '"\\u0041\\/\\ud800"',
  ' { "spaced" :\t[ ] } ',
  '{"a":1}\r',
  '-0',
  '1E400',
  '"\u2028\u{1f600}"',
  '{"__proto__":1}',
  '"\ufeff"',
];

describe('what is JSON already', () => {
  it.each(unusual)('%j is stored and read back byte for byte', async (text) => {
    const frame = encode(text, bytesOf(text));
    expect(frame.rejected).toEqual([]);
    expect(frame.bytes).toEqual(bytesOf(`${text}\n${text}\n`));
    expect(await decodeAll(serializer, frame.bytes)).toEqual({ events: [text, text], error: undefined });
  });

  it('comes from a Buffer, a part of other memory, or shared memory alike', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set(bytesOf('[1]'));
    const part = bytesOf('xx[1]xx').subarray(2, 5);
    expect(textOf(encode(Buffer.from('[1]'), part, shared).bytes)).toBe('[1]\n[1]\n[1]\n');
  });

  it('is left as it is', () => {
    const event = bytesOf('{"a":1}');
    encode(event);
    expect(event).toEqual(bytesOf('{"a":1}'));
  });

  it('round-trips for every JSON value and spacing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.json({ noUnicodeString: false, maxDepth: 3 }), { maxLength: 6 }),
        fc.boolean(),
        async (texts, asBytes) => {
          const valid = texts.filter((text) => !/\p{Surrogate}/u.test(text));
          const { bytes } = encode(...valid.map((text) => (asBytes ? bytesOf(text) : text)));
          expect(await decodeAll(serializer, bytes)).toEqual({ events: valid, error: undefined });
        },
      ),
    );
  });

  it('is the same format as that of JSONEventSerializer', async () => {
    const json = new JSONEventSerializer();
    expect(serializer.format).toBe(json.format);
    const events = [{ a: 1 }, 'ü'];
    expect((await decodeAll(serializer, json.encode(events, place).bytes)).events).toEqual(['{"a":1}', '"ü"']);
    expect((await decodeAll(json, encode('{"a":1}', '"ü"').bytes)).events).toEqual(events);
  });
});

describe('what is not one line of JSON', () => {
  it.each([
    [''],
    [' '],
    ['1 2'],
    ['{"a":1}{"b":2}'],
    ['{"a":1'],
    ['undefined'],
    ['NaN'],
    ["'a'"],
    ['[1,]'],
    ['1\n'],
    ['[\n1]'],
    ['\ufeff1'],
    ['1\u0000'],
    ['"\u0000"'],
    ['"\ud800"'],
    ['"\udc00\ud800"'],
  ])('%j is rejected', (text) => {
    expect(reasonOf(text)).toBe('syntax');
  });

  it.each([
    ['a byte that is no UTF-8', [0x22, 0xff, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0x80, 0x22]],
    ['a character cut off', [0x22, 0xe2, 0x82]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31]],
    ['a NUL', [0x31, 0x00]],
    ['no bytes', []],
  ])('%s is rejected', (_name, bytes) => {
    expect(reasonOf(Uint8Array.from(bytes))).toBe('syntax');
  });

  it.each([[7], [null], [{}], [['1']], [new Uint16Array(1)], [new ArrayBuffer(1)]])('%o is rejected', (event) => {
    expect(reasonOf(event)).toBe('syntax');
  });

  it('leaves its neighbours alone', () => {
    const { bytes, eventCount, rejected } = encode('1', 'x', bytesOf('2'), undefined, '3');
    expect(textOf(bytes)).toBe('1\n2\n3\n');
    expect([eventCount, rejected.map(({ index }) => index)]).toEqual([3, [1, 3]]);
    expect(reasonOf(undefined)).toBe('undefined');
  });
});

describe('limits', () => {
  it('reject what is larger than maxEventBytes, before it is parsed', () => {
    const limits = { maxEventBytes: 10 };
    const frame = serializer.encodeSync(
      ['"12345678"', '"1234567"', 'x'.repeat(99), bytesOf('x'.repeat(10)), bytesOf('"€€"')],
      place,
      limits,
    );
    expect(frame.rejected.map(({ index, cause }) => [index, (cause as { facts: object }).facts])).toEqual([
      [0, { sizeBytes: 11, maxEventBytes: 10 }],
      [2, { sizeBytes: 100, maxEventBytes: 10 }],
      [3, { sizeBytes: 11, maxEventBytes: 10 }],
    ]);
    expect(textOf(frame.bytes)).toBe('"1234567"\n"€€"\n');
  });

  it('reject what is nested deeper than a reader would follow', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const shallow = `[${'"[[[[\\"[{",[{}],'.repeat(20_000)}[]]`;
    expect(reasonOf(nested(MAX_NESTING_LEVELS + 1))).toBe('tooDeep');
    const { bytes, rejected } = encode(nested(MAX_NESTING_LEVELS), shallow);
    expect(rejected).toEqual([]);
    expect((await decodeAll(serializer, bytes)).events).toEqual([nested(MAX_NESTING_LEVELS), shallow]);
    const tooDeep = bytesOf(`${'{"a":'.repeat(MAX_NESTING_LEVELS + 1)}1${'}'.repeat(MAX_NESTING_LEVELS + 1)}\n1\n`);
    expect((await decodeAll(serializer, tooDeep)).error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED' });
    expect((await serializer.scan(new TestSource(tooDeep))).eventCount).toBe(1);
  });
});
