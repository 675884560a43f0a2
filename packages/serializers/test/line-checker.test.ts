// Goal: a scan says of each line exactly what JSON.parse behind a fatal TextDecoder would, and makes nothing of it.
// Method: texts near to JSON, in pieces cut anywhere, against the platform; then counts of what hostile files leave behind.
import { JSONEventSerializer, MAX_NESTING_LEVELS } from '@relaykit/serializers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LineChecker } from '../src/line-checker.ts';
import { MAX_DAMAGED_RANGES } from '../src/scan-lines.ts';
import { bytesOf, open, TestSource } from './source.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isEvent(line: Uint8Array): boolean {
  try {
    JSON.parse(decoder.decode(line));
    return true;
  } catch {
    return false;
  }
}

/** Positions and lengths of whole lines, read in pieces of `pieceBytes`. */
function wholeLines(bytes: Uint8Array, pieceBytes: number, maxLineBytes: number = 1_000_000): [number, number][] {
  const found: [number, number][] = [];
  const checker = new LineChecker(maxLineBytes, { addIntact: (...line) => found.push(line) });
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) checker.push(bytes.subarray(at, at + pieceBytes));
  return found;
}

function expectedLines(bytes: Uint8Array): [number, number][] {
  const expected: [number, number][] = [];
  for (let start = 0; ; ) {
    const end = bytes.indexOf(0x0a, start);
    if (end === -1) return expected;
    if (isEvent(bytes.subarray(start, end))) expected.push([start, end + 1 - start]);
    start = end + 1;
  }
}

describe('each line', () => {
  it.each([
    ...[
      '',
      ' ',
      '\r',
      'null',
      ' true\r',
      '\tfalse ',
      'nul',
      'nulll',
      'truefalse',
      'undefined',
      'NaN',
      '+1',
      '.5',
      '1.',
    ],
    ...[
      '0',
      '-0',
      '-',
      '00',
      '01',
      '-01',
      '10',
      '1.5',
      '1.50e+10',
      '1e',
      '1e-',
      '1E5',
      '1e5.',
      '1.e5',
      '0e0',
      '0.0',
      '1-',
    ],
    ...[
      '""',
      '"',
      '"a',
      'a"',
      '"\\n"',
      '"\\x"',
      '"\\u00e"',
      '"\\uD800"',
      '"\\u00eG"',
      '"\t"',
      '"\0"',
      '"\x7f"',
      '"\\"',
    ],
    ...['"ü"', '"€"', '"😀"', 'ü', '\uFEFF1', '"\uFEFF"', '\u00a01', '1\u2028'],
    ...['[]', '[ ]', '[1]', '[1,]', '[,1]', '[1 2]', '[1,2', ']', '[}', '[[]]', '[[],[]]', '1,2', '1 2', '[]]', '[1]1'],
    ...['{}', '{ }', '{"a":1}', '{"a" : 1 , "b":{}}', '{"a"}', '{"a":}', '{a:1}', '{1:1}', '{"a":1,}', '{"a":1', '{]'],
    ...[
      '{"a":1 "b":2}',
      '{"__proto__":{"a":1}}',
      '{"a":1,"a":2}',
      '{"a":[1,{"b":null}]}',
      '{"a":1}}',
      '{,}',
      '//',
      "'a'",
    ],
  ])('%j', (text) => {
    const bytes = bytesOf(text, '\n1\n');
    for (const pieceBytes of [1, 2, 100]) expect(wholeLines(bytes, pieceBytes)).toEqual(expectedLines(bytes));
  });

  it('in UTF-8 of every lead byte and neighbourhood', () => {
    for (let lead = 0x80; lead <= 0xff; lead += 1) {
      for (const second of [0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
        for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0xbf], [0x80, 0x7f], [0x80, 0xc0]]) {
          const bytes = bytesOf('"', [lead, second, ...rest], '"\n');
          expect(wholeLines(bytes, 3), String(bytes)).toEqual(expectedLines(bytes));
        }
      }
    }
  });

  it('whatever stands in it and wherever a read ends', () => {
    const piece = fc.oneof(
      fc.json().map((text) => bytesOf(text)),
      fc
        .constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\n', '1', '-', '.', 'e', 'true', ' ')
        .map((text) => bytesOf(text)),
      fc.uint8Array({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (pieces, pieceBytes) => {
        const bytes = bytesOf(...pieces.map((part) => [...part]), '\n');
        expect(wholeLines(bytes, pieceBytes)).toEqual(expectedLines(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('that is as deep as events may be, and no deeper', () => {
    const nested = (levels: number): Uint8Array => bytesOf('['.repeat(levels), ']'.repeat(levels), '\n1\n');
    expect(wholeLines(nested(MAX_NESTING_LEVELS), 999)).toHaveLength(2);
    expect(wholeLines(nested(MAX_NESTING_LEVELS + 1), 999)).toHaveLength(1);
  });

  it('that is as long as it may be, line feed included, and no longer', () => {
    expect(wholeLines(bytesOf('"aa"\n"aaa"\n'), 3, 5)).toEqual([[0, 5]]);
  });
});

describe('a hostile file', () => {
  const scan = (bytes: Uint8Array) => new JSONEventSerializer().scan(new TestSource(bytes), open);

  it('is read once, 128 KiB at a time, and nothing is made of its lines', async () => {
    const source = new TestSource(bytesOf('[', '{},'.repeat(2_000_000), '0]\n'));
    const parse = vi.spyOn(JSON, 'parse');
    const result = await new JSONEventSerializer().scan(source, open);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
    expect(result).toMatchObject({ eventCount: 1, damaged: [], tornTailBytes: 0 });
    expect(Math.max(...source.reads.map(({ lengthBytes }) => lengthBytes))).toBe(131_072);
    expect(source.reads.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBe(source.sizeBytes);
  });

  it('of line feeds leaves no range behind', async () => {
    const bytes = new Uint8Array(8_000_000).fill(0x0a);
    expect(await scan(bytes)).toMatchObject({ intact: [], damaged: [], tornTailBytes: bytes.byteLength });
  });

  it('of damage leaves a bounded number of ranges behind, which still cover it', async () => {
    const places = MAX_DAMAGED_RANGES + 1_000;
    const { intact, damaged, tornTailBytes, eventCount } = await scan(bytesOf('0\n\n'.repeat(places)));
    expect([intact.length, damaged.length, eventCount]).toEqual([
      MAX_DAMAGED_RANGES + 1,
      MAX_DAMAGED_RANGES,
      MAX_DAMAGED_RANGES + 1,
    ]);
    const coveredBytes = [...intact, ...damaged].reduce((sum, { lengthBytes }) => sum + lengthBytes, tornTailBytes);
    expect(coveredBytes).toBe(places * 3);
  });
});
