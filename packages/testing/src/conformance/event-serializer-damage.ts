import type { ByteSource } from '@relaykit/types';
import { check, checkEqual } from './check.ts';
import {
  checkCode,
  checkDamageError,
  checkPrefix,
  joinBytes,
  type SampleFile,
  type SerializerSubject,
  type SerializerTest,
  sourceOf,
} from './event-serializer-harness.ts';
import { randomText, seededRandom } from './event-serializer-samples.ts';

/** Short, so that every bit and every cut can be tried; ASCII, so that a set top bit is never text. */
const SMALL_FRAMES: readonly (readonly unknown[])[] = [[{ n: 1 }], [{ s: 'two' }], [[3, true]]];
const OTHER_SEGMENT = '20261122T164058108Z-000000000000-k3f9q2';

/** What `decode` and `scan` promise about bytes that are not what was written. */
export function describeDamage(test: SerializerTest): void {
  test('notices every cut of a sealed file, and reads what is whole', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    for (let cut = 0; cut < file.bytes.byteLength; cut += 1) await checkCut(subject, file, cut);
  });

  for (let bit = 0; bit < 8; bit += 1) {
    test(`notices bit ${bit} flipped in any byte, and reads the frames around it`, async (subject) => {
      const file = await subject.file(SMALL_FRAMES);
      for (let position = 0; position < file.bytes.byteLength; position += 1) {
        await checkFlip(subject, file, position, bit);
      }
    });
  }

  test('finds what lies around a hole', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    const [from, to] = holeOf(subject, file);
    for (const fill of [0x00, 0xff]) {
      const holed = file.bytes.slice().fill(fill, from, to);
      const { scan, values } = await subject.checkedScan(holed, subject.segment(false), `a hole of ${fill}`);
      checkEqual(values, [...framesBut(file, 1)], `events around a hole of ${fill}`);
      checkEqual(scan.damaged[0]?.positionBytes, from, `where the hole of ${fill} begins`);
      const { values: before, error } = await subject.decode(holed, subject.segment(true));
      checkDamageError(error, `a hole of ${fill}`);
      checkEqual(before, file.frames[0], `events before a hole of ${fill}`);
    }
  });

  test('notices that its file was emptied while it was read, at whichever read', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    // A frame that does not fit into one read of any format here.
    const large = await subject.file([
      ...SMALL_FRAMES,
      [{ noise: randomText(seededRandom(1), 400_000) }],
      [{ last: true }],
    ]);
    for (const { bytes, frames } of [file, large])
      for (const reads of [0, 1, 2, 3]) await checkEmptied(subject, bytes, frames.flat(), reads);
  });

  test('takes zeros at the end for a write that was cut off', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    const written = file.bytes.slice(0, file.borders.at(-1));
    for (const zeros of [1, 100, 5_000]) {
      const bytes = joinBytes([written, new Uint8Array(zeros)]);
      const { scan, values } = await subject.checkedScan(bytes, subject.segment(false), `${zeros} zeros at the end`);
      checkEqual(values, file.frames.flat(), 'events before the zeros');
      checkEqual([scan.damaged, scan.tornTailBytes], [[], zeros], 'damaged ranges and torn tail');
    }
  });

  test('finds nothing in what is none of it', async (subject) => {
    const texts = ['GIF89a', '<!doctype html>', '\u0000'.repeat(3_000), '\u001f\u008b\u0008', '}'.repeat(400)];
    for (const text of texts) {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      const { scan } = await subject.checkedScan(bytes, subject.segment(false), JSON.stringify(text.slice(0, 20)));
      checkEqual([scan.eventCount, scan.tornTailBytes], [0, bytes.byteLength], 'eventCount and torn tail');
      const { values, error } = await subject.decode(bytes, subject.segment(true));
      checkDamageError(error, JSON.stringify(text.slice(0, 20)));
      checkEqual(values, [], 'events of nothing');
    }
  });

  test('tells a closed file from one that lacks its closing frame', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    if (!file.hasClosingFrame) return;
    const closed = await subject.serializer.scan(sourceOf(file.bytes), subject.segment(true));
    checkEqual(closed.isClosed, true, 'isClosed of a sealed file');
    const unclosed = sourceOf(file.bytes.slice(0, file.borders.at(-1)));
    checkEqual(
      (await subject.serializer.scan(unclosed, subject.segment(false))).isClosed,
      false,
      'isClosed without it',
    );
  });

  test('copies what is intact into another segment', async (subject) => {
    const file = await subject.file(SMALL_FRAMES);
    const [from, to] = holeOf(subject, file);
    const damaged = file.bytes.slice().fill(0xff, from, to);
    const salvaged = await salvage(subject, damaged);
    const context = subject.segment(true, OTHER_SEGMENT);
    await subject.checkDecodes(salvaged, context, framesBut(file, 1), 'events of the other segment');
  });

  test('notices frames that were moved, swapped, repeated or left out', async (subject) => {
    if (subject.detects === 'authentication') await checkPlaces(subject);
  });
}

/** `frameCount` whole frames lie before `cut`. */
async function checkCut(subject: SerializerSubject, file: SampleFile, cut: number): Promise<void> {
  const what = `cut at byte ${cut}`;
  const bytes = file.bytes.slice(0, cut);
  const wholeFrames = file.borders.filter((border) => border <= cut).length - 1;
  const whole = file.frames.slice(0, wholeFrames).flat();
  const lastBorder = file.borders[wholeFrames] ?? 0;

  const open = await subject.decode(bytes, subject.segment(false));
  check(open.error === undefined, `${what}, open: expected it to end there, got ${String(open.error)}`);
  checkEqual(open.values, whole, `${what}, open: events`);

  const sealed = await subject.decode(bytes, subject.segment(true));
  checkEqual(sealed.values, whole, `${what}, sealed: events`);
  if (cut === lastBorder && !file.hasClosingFrame) checkEqual(sealed.error, undefined, `${what}, sealed: error`);
  else checkCode(sealed.error, 'RELAY_SEGMENT_TRUNCATED', `${what}, sealed`);

  const { scan, values } = await subject.checkedScan(bytes, subject.segment(false), what);
  checkEqual(values, whole, `${what}: events of intact ranges`);
  checkEqual([scan.damaged, scan.tornTailBytes], [[], cut - lastBorder], `${what}: damaged ranges and torn tail`);
  await subject.checkedScan(bytes, subject.segment(true), `${what}, sealed`);
}

async function checkFlip(subject: SerializerSubject, file: SampleFile, position: number, bit: number): Promise<void> {
  const what = `bit ${bit} of byte ${position} flipped`;
  const bytes = file.bytes.slice();
  bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
  const all = file.frames.flat();
  const frame = file.borders.findLastIndex((border) => border <= position);
  const sealed = await subject.decode(bytes, subject.segment(true));
  const { scan, values } = await subject.checkedScan(bytes, subject.segment(false), what);

  if (subject.verifiesFrames) {
    checkDamageError(sealed.error, what);
    checkPrefix(sealed.values, all, what);
    check(sealed.values.length <= all.length, `${what}: expected no more events than were written`);
    // Where a key would be needed to judge, nothing is concluded.
    if (scan.missingKeyId === undefined) checkEqual(values, framesBut(file, frame), `${what}: events of intact ranges`);
    return;
  }
  if (bit === 7) checkDamageError(sealed.error, what);
  else if (sealed.error !== undefined) checkDamageError(sealed.error, what);
  const before = file.frames.slice(0, frame).flat();
  checkEqual(sealed.values.slice(0, before.length), before, `${what}: events before it`);
  // The end of a line may be gone, and with it the beginning of the next.
  const after = file.frames.slice(frame + 2).flat();
  checkEqual(values.slice(0, before.length), before, `${what}: intact events before it`);
  checkEqual(values.slice(values.length - after.length), after, `${what}: intact events after it`);
}

/** Delivered or dropped meanwhile: the file gives `reads` reads, and then no byte more. */
async function checkEmptied(
  subject: SerializerSubject,
  bytes: Uint8Array,
  all: readonly unknown[],
  reads: number,
): Promise<void> {
  const emptied = (): ByteSource => {
    const { sizeBytes, read } = sourceOf(bytes);
    let left = reads;
    return {
      sizeBytes,
      read: (position, length) => {
        left -= 1;
        return read(position, left < 0 ? 0 : length);
      },
    };
  };
  const what = `no byte after ${reads} reads`;
  const { values, error } = await subject.decode(emptied(), subject.segment(true));
  checkPrefix(values, all, what);
  if (values.length < all.length) checkDamageError(error, what);
  const { eventCount } = await subject.serializer.scan(emptied(), subject.segment(true));
  check(eventCount <= all.length, `${what}: expected no more than ${all.length} events, got ${eventCount}`);
}

function framesBut(file: SampleFile, damaged: number): readonly unknown[] {
  return file.frames.filter((_, index) => index !== damaged).flat();
}

/** The second frame; of text formats all but the end, without which it would swallow the third. */
function holeOf({ verifiesFrames }: SerializerSubject, { borders }: SampleFile): readonly [from: number, to: number] {
  const [from = 0, to = 0] = borders.slice(1, 3);
  return [from, verifiesFrames ? to : to - 1];
}

/** The way recovery does it: `reframe` where the format has it, a copy of the bytes otherwise. */
async function salvage(subject: SerializerSubject, bytes: Uint8Array): Promise<Uint8Array> {
  const { serializer } = subject;
  const source = sourceOf(bytes);
  const from = subject.segment(false);
  const pieces: Uint8Array[] = [];
  const { intact, eventCount } = await serializer.scan(source, from);
  let reframedEvents = 0;
  for (const range of intact) {
    const { positionBytes, lengthBytes } = range;
    if (!serializer.reframe) {
      pieces.push(bytes.slice(positionBytes, positionBytes + lengthBytes));
      reframedEvents += range.eventCount;
      continue;
    }
    for await (const frame of serializer.reframe(source, range, from, subject.place(pieces.length, OTHER_SEGMENT))) {
      pieces.push(frame.bytes.slice());
      reframedEvents += frame.eventCount;
    }
  }
  checkEqual(reframedEvents, eventCount, 'events copied');
  const closing = await serializer.closingFrame?.({
    ...subject.place(pieces.length, OTHER_SEGMENT),
    eventCount,
    sizeBytes: joinBytes(pieces).byteLength,
  });
  return joinBytes(closing ? [...pieces, closing] : pieces);
}

async function checkPlaces(subject: SerializerSubject): Promise<void> {
  const own = await subject.file(SMALL_FRAMES);
  const foreign = await subject.file(SMALL_FRAMES, OTHER_SEGMENT);
  const [a, b, c, closing] = piecesOf(own);
  const [, moved] = piecesOf(foreign);
  const forgeries: Readonly<Record<string, readonly (Uint8Array | undefined)[]>> = {
    'frames that were swapped': [a, c, b, closing],
    'a frame that is repeated': [a, b, b, c, closing],
    'a frame that was left out': [a, c, closing],
    'a frame of another segment': [a, moved, c, closing],
    'a last frame that was left out': [a, b, closing],
    'a closing frame that was left out': [a, b, c],
    'frames behind the closing one': [a, b, c, closing, a],
  };
  for (const [title, pieces] of Object.entries(forgeries)) {
    const bytes = joinBytes(pieces.filter((piece) => piece !== undefined));
    const { values, error } = await subject.decode(bytes, subject.segment(true));
    checkDamageError(error, title);
    checkPrefix(values, SMALL_FRAMES.flat(), title);
    await subject.checkedScan(bytes, subject.segment(false), title);
  }
  const { values, error } = await subject.decode(foreign.bytes, subject.segment(true));
  checkDamageError(error, 'a file under the name of another');
  checkEqual(values, [], 'events of a file under the name of another');
}

/** The frames, and the closing one as the last. */
function piecesOf({ bytes, borders }: SampleFile): readonly Uint8Array[] {
  return borders.map((border, index) => bytes.slice(border, borders[index + 1]));
}
