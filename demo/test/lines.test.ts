import { expect, it } from 'vitest';
import { linesOf } from '../src/lines.ts';

async function read(...chunks: readonly Uint8Array[]): Promise<string[]> {
  async function* input() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of linesOf(input())) lines.push(line.toString('utf8'));
  return lines;
}

it('gives the same lines wherever the chunks are cut', async () => {
  const bytes = Buffer.from('{"ä":1}\n\n"😀"\nlast');
  const expected = ['{"ä":1}', '', '"😀"', 'last'];
  for (let at = 0; at <= bytes.length; at += 1) {
    expect(await read(bytes.subarray(0, at), bytes.subarray(at)), `cut at ${at}`).toEqual(expected);
  }
  expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  expect(await read(Buffer.from('1\n'))).toEqual(['1']);
});
