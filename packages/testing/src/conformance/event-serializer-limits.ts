import { check, checkEqual, errorOf, rejectionOf } from './check.ts';
import {
  checkCode,
  joinBytes,
  type SerializerSubject,
  type SerializerTest,
  sourceOf,
} from './event-serializer-harness.ts';
import { numberedValues } from './event-serializer-samples.ts';

/** What `maxEventBytes` and `maxDecodedBytes` promise. */
export function describeLimits(test: SerializerTest): void {
  test('rejects by itself an event larger than maxEventBytes', async (subject) => {
    const value = { text: 'x'.repeat(500) };
    const sizeBytes = await encodedBytes(subject, value);
    const fits = await subject.encode([value], subject.place(), sizeBytes);
    checkEqual([fits.eventCount, fits.rejected], [1, []], 'an event of exactly maxEventBytes');
    const frame = await subject.encode([{ n: 0 }, value, { n: 1 }], subject.place(), sizeBytes - 1);
    checkEqual(
      frame.rejected.map(({ index }) => index),
      [1],
      'indexes of rejected events',
    );
    checkCode(frame.rejected[0]?.cause, 'RELAY_EVENT_TOO_LARGE', 'cause');
    const { bytes } = await subject.seal([frame.bytes], [numberedValues(2)]);
    await subject.checkDecodes(bytes, subject.segment(true), numberedValues(2), 'decoded events');
  });

  test('builder: rejects by itself an event larger than maxEventBytes', async (subject) => {
    const value = { text: 'x'.repeat(500) };
    const builder = subject.serializer.createFrameBuilder?.({
      maxEventBytes: (await encodedBytes(subject, value)) - 1,
    });
    if (!builder) return;
    checkEqual(builder.add(subject.eventOf({ n: 0 })), 'added', 'add');
    const outcome = builder.add(subject.eventOf(value));
    check(outcome !== 'added', 'add: expected a rejection, and it was added');
    checkCode(outcome.rejected, 'RELAY_EVENT_TOO_LARGE', 'why it was rejected');
    checkEqual(builder.eventCount, 1, 'eventCount');
  });

  test('refuses limits that are no whole numbers >= 1', async (subject) => {
    const { serializer } = subject;
    const { bytes } = await subject.file([numberedValues(1)]);
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const encoding = async (): Promise<unknown> => serializer.encode([], subject.place(), { maxEventBytes: bad });
      checkRangeError(await rejectionOf(encoding(), `encode with maxEventBytes ${bad}`));
      if (serializer.createFrameBuilder) {
        checkRangeError(errorOf(() => serializer.createFrameBuilder?.({ maxEventBytes: bad }), `builder with ${bad}`));
      }
      const limits = { maxDecodedBytes: bad };
      const decoded = await subject.decode(bytes, subject.segment(true), limits);
      checkRangeError(decoded.error);
      const scanning = async (): Promise<unknown> => serializer.scan(sourceOf(bytes), subject.segment(true), limits);
      checkRangeError(await rejectionOf(scanning(), `scan with maxDecodedBytes ${bad}`));
    }
  });

  test('decodes no more than maxDecodedBytes at once', async (subject) => {
    const value = { text: 'x'.repeat(20_000) };
    const sizeBytes = await encodedBytes(subject, value);
    const frames = [[{ n: 0 }], [value], [{ n: 1 }]];
    const { bytes } = await subject.file(frames);
    const exact = await subject.decode(bytes, subject.segment(true), { maxDecodedBytes: sizeBytes });
    check(exact.error === undefined, `decode within the limit: expected no error, got ${String(exact.error)}`);
    checkEqual(exact.values, frames.flat(), 'decoded events within the limit');
    const limits = { maxDecodedBytes: sizeBytes - 1 };
    const over = await subject.decode(bytes, subject.segment(true), limits);
    checkCode(over.error, 'RELAY_LIMIT_EXCEEDED', 'decode beyond the limit');
    checkEqual(over.values, [{ n: 0 }], 'events before the limit');
    const { values } = await subject.checkedScan(bytes, subject.segment(false), 'scan beyond the limit', limits);
    checkEqual(values, [{ n: 0 }, { n: 1 }], 'events of intact ranges, the large one left out');
  });

  test('puts no limit on a file whose frames keep it', async (subject) => {
    const pieces: Uint8Array[] = [];
    const values = Array.from({ length: 40 }, (_, index) => ({ n: index, text: 'y'.repeat(500) }));
    for (const [index, value] of values.entries()) {
      pieces.push((await subject.encode([value], subject.place(index))).bytes);
    }
    const { values: decoded, error } = await subject.decode(joinBytes(pieces), subject.segment(false), {
      maxDecodedBytes: 1_000,
    });
    check(error === undefined, `decode: expected no error, got ${String(error)}`);
    checkEqual(decoded, values, 'decoded events');
  });
}

/** Bytes of one event before compression or encryption, its terminator included. */
async function encodedBytes(subject: SerializerSubject, value: unknown): Promise<number> {
  const builder = subject.serializer.createFrameBuilder?.();
  if (!builder) return new TextEncoder().encode(JSON.stringify(value)).byteLength + 1;
  checkEqual(builder.add(subject.eventOf(value)), 'added', 'add');
  return builder.sizeBytes;
}

function checkRangeError(error: unknown): void {
  check(error instanceof RangeError, `error: expected a RangeError, got ${String(error)}`);
}
