// Goal: reading a stream at random gives what reading its bytes gives, and holds little of it.
import { expect, it } from 'vitest';
import { StreamedSource } from '../src/streamed-source.ts';

const sizeBytes = 100_000;
const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31) % 251);

function sourceOf(pieceBytes: number): { readonly source: StreamedSource; readonly passes: () => number } {
  let passes = 0;
  async function* stream(): AsyncIterable<Uint8Array> {
    passes += 1;
    for (let position = 0; position < sizeBytes; position += pieceBytes) {
      yield bytes.slice(position, position + pieceBytes);
    }
  }
  return { source: new StreamedSource({ sizeBytes, stream }), passes: () => passes };
}

it('gives the bytes of any range, in any order', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % below;
  };
  for (const pieceBytes of [1_000, 4_096, 70_000, sizeBytes]) {
    const { source } = sourceOf(pieceBytes);
    for (let read = 0; read < 100; read += 1) {
      const position = random(sizeBytes + 10);
      const length = random(20_000);
      const found = await source.read(position, length);
      const wanted = bytes.subarray(position, position + length);
      expect(Buffer.compare(found, wanted), `seed ${seed}, ${position} + ${length} by ${pieceBytes}`).toBe(0);
    }
    await source[Symbol.asyncDispose]();
  }
});

it('reads forward in one pass, and holds no more than it was asked for and a piece', async () => {
  const { source, passes } = sourceOf(1_000);
  for (let position = 0; position < sizeBytes; position += 2_500) {
    await source.read(position, 3_000);
    expect(source.heldBytes).toBeLessThanOrEqual(2 * 3_000 + 1_000);
  }
  expect(passes()).toBe(1);
});

it('skips without holding what it skips', async () => {
  const { source } = sourceOf(1_000);
  await source.read(90_000, 10);
  expect(source.heldBytes).toBeLessThanOrEqual(2_000);
});

it('keeps what a reader was given', async () => {
  const { source } = sourceOf(1_000);
  const first = await source.read(0, 500);
  await source.read(50_000, 500);
  expect(Buffer.compare(first, bytes.subarray(0, 500))).toBe(0);
});
