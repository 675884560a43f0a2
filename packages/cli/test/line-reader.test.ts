// Goal: a line comes out as it went in, wherever the chunks were cut, and a long one is never held.
// Method: every cut of a nasty text, one cut, every pair of cuts and byte by byte, against one expected list.
import { describe, expect, it } from 'vitest';
import { type InputLine, isBlank, LineReader } from '../src/line-reader.ts';

type Seen = string | { tooLong: number; sizeBytes: number };

function see(line: InputLine): Seen {
  return line.kind === 'line'
    ? Buffer.from(line.bytes).toString('latin1')
    : { tooLong: line.number, sizeBytes: line.sizeBytes };
}

function read(chunks: readonly Uint8Array[], maxLineBytes = 1_000): Seen[] {
  const reader = new LineReader({ maxLineBytes });
  const seen: Seen[] = [];
  // Seen at once: a line's bytes are valid only until the next one.
  for (const chunk of chunks) for (const line of reader.push(chunk)) seen.push(see(line));
  for (const line of reader.end()) seen.push(see(line));
  return seen;
}

function cut(bytes: Uint8Array, ...positions: number[]): Uint8Array[] {
  const borders = [0, ...positions, bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('LineReader', () => {
  const text = '\uFEFF{"é":1}\r\n\n\r\n {"a": "漢字😀"}\r\r\n{"b":"x\ry"}\n\uFEFF{}\n{"last":"ö"}';
  const bytes = Buffer.from(text, 'utf8');
  const expected = ['{"é":1}', '', '', ' {"a": "漢字😀"}\r', '{"b":"x\ry"}', '\uFEFF{}', '{"last":"ö"}'].map(latin1);

  it('cuts at LF and CR LF, leaves out the first byte order mark alone, and gives the last line without a line end', () => {
    expect(read([bytes])).toEqual(expected);
  });

  it('gives the same lines for every cut into two and into three chunks', () => {
    for (let first = 0; first <= bytes.length; first += 1) {
      expect(read(cut(bytes, first)), `cut at ${first}`).toEqual(expected);
      for (let second = first; second <= bytes.length; second += 1) {
        expect(read(cut(bytes, first, second)), `cut at ${first} and ${second}`).toEqual(expected);
      }
    }
  });

  it('gives the same lines byte by byte', () => {
    expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it('gives no line for no input, and none after a final line end', () => {
    expect(read([])).toEqual([]);
    expect(read([new Uint8Array(0)])).toEqual([]);
    expect(read([Buffer.from('1\n')])).toEqual(['1']);
    expect(read([Buffer.from('1\r\n')])).toEqual(['1']);
  });

  it('holds a line to maxLineBytes, its line end and the byte order mark not counted, for every cut', () => {
    const edge = Buffer.from('\uFEFF12345\r\n123456\n12345\r\n123456\r\n1234567890123\n5\n123456');
    const wanted: Seen[] = [
      '12345',
      { tooLong: 2, sizeBytes: 6 },
      '12345',
      { tooLong: 4, sizeBytes: 6 },
      { tooLong: 5, sizeBytes: 13 },
      '5',
      { tooLong: 7, sizeBytes: 6 },
    ];
    for (let at = 0; at <= edge.length; at += 1) {
      expect(read(cut(edge, at), 5), `cut at ${at}`).toEqual(wanted);
    }
    expect(
      read(
        Array.from(edge, (byte) => Uint8Array.of(byte)),
        5,
      ),
    ).toEqual(wanted);
  });

  it('counts a line beyond the limit without keeping it', () => {
    const reader = new LineReader({ maxLineBytes: 1_024 });
    const chunk = Buffer.alloc(1024 * 1024, 0x78);
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 200; round += 1) expect([...reader.push(chunk)]).toEqual([]);
    expect(reader.pendingBytes).toBe(200 * chunk.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * chunk.length);
    expect([...reader.push(Buffer.from('\n{}\n'))].map(see)).toEqual([
      { tooLong: 1, sizeBytes: 200 * chunk.length },
      '{}',
    ]);
  });

  it('numbers lines from 1, blank ones included', () => {
    const reader = new LineReader({ maxLineBytes: 10 });
    const numbers = [...reader.push(Buffer.from('1\n\n2\n')), ...reader.end()].map((line) => line.number);
    expect(numbers).toEqual([1, 2, 3]);
  });

  it('refuses a limit that is no whole number', () => {
    for (const maxLineBytes of [0, -1, 1.5, Number.NaN]) {
      expect(() => new LineReader({ maxLineBytes })).toThrow(`maxLineBytes must be a whole number >= 1, got`);
    }
  });
});

describe('isBlank', () => {
  it('takes spaces, tabs and carriage returns for nothing, and anything else for something', () => {
    for (const text of ['', ' ', '\t \r']) expect(isBlank(Buffer.from(text)), JSON.stringify(text)).toBe(true);
    for (const text of ['0', ' {}', '\u00A0', '\v', '\0'])
      expect(isBlank(Buffer.from(text)), JSON.stringify(text)).toBe(false);
  });
});
