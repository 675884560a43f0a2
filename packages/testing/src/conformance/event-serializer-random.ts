import { check } from './check.ts';
import type { SerializerSubject, SerializerTest } from './event-serializer-harness.ts';
import { checkPrefix } from './event-serializer-harness.ts';
import { randomText, randomValue, seededRandom } from './event-serializer-samples.ts';

const RUNS = 40;

/** The same promises on what nobody thought of. */
export function describeRandom(test: SerializerTest, seed: number): void {
  const testRandom = (title: string, run: (subject: SerializerSubject, random: () => number) => Promise<void>): void =>
    test(title, async (subject) => {
      for (let index = 0; index < RUNS; index += 1) {
        try {
          await run(subject, seededRandom(seed + index));
        } catch (cause) {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`seed ${seed + index}: ${reason}`, { cause });
        }
      }
    });

  testRandom('reads back random events in random frames', async (subject, random) => {
    const frames = randomFrames(random);
    const { bytes } = await subject.file(frames);
    await subject.checkDecodes(bytes, subject.segment(true), frames.flat(), 'decoded events');
    const { scan } = await subject.checkedScan(bytes, subject.segment(false), 'scan');
    check(scan.tornTailBytes === 0, `torn tail: expected none, got ${scan.tornTailBytes} bytes`);
  });

  testRandom('never loses track in random damage', async (subject, random) => {
    const frames = randomFrames(random);
    const all = frames.flat();
    const { bytes } = await subject.file(frames);
    const damaged = damage(bytes, random);
    const { values } = await subject.checkedScan(damaged, subject.segment(false), 'scan of damage');
    const { values: decoded } = await subject.decode(damaged, subject.segment(true));
    if (!subject.verifiesFrames) return;
    checkPrefix(decoded, all, 'decoded events');
    const texts = all.map((value) => JSON.stringify(value));
    let position = 0;
    for (const value of values) {
      position = texts.indexOf(JSON.stringify(value), position) + 1;
      check(position > 0, `scan: expected only events that were written, in order, got ${JSON.stringify(value)}`);
    }
  });
}

function randomFrames(random: () => number): unknown[][] {
  return Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
    Array.from({ length: 1 + Math.floor(random() * 6) }, () => randomValue(random)),
  );
}

/** Overwrites a stretch, cuts the file off, or takes a piece out. */
function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  const from = Math.floor(random() * bytes.byteLength);
  const to = Math.min(bytes.byteLength, from + 1 + Math.floor(random() ** 3 * 200));
  const kind = Math.floor(random() * 4);
  if (kind === 0) return bytes.slice(0, from);
  if (kind === 1) return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(to)]);
  const damaged = bytes.slice();
  if (kind === 2) return damaged.fill(0, from, to);
  const noise = randomText(random, to - from);
  for (let index = from; index < to; index += 1) damaged[index] = noise.charCodeAt(index - from) ^ 0x80;
  return damaged;
}
