import type { EncodedFrame, FrameBuilder } from '@relaykit/types';
import { check, checkEqual } from './check.ts';
import { unstorable } from './event-persisting-harness.ts';
import { checkCode, type SerializerSubject, type SerializerTest } from './event-serializer-harness.ts';
import { numberedValues, unusualValues } from './event-serializer-samples.ts';

/** What a `FrameBuilder` promises, where the format offers one. */
export function describeFrameBuilder(test: SerializerTest): void {
  const testBuilder = (
    title: string,
    run: (subject: SerializerSubject, builder: FrameBuilder<unknown>) => Promise<void>,
  ): void =>
    test(`builder: ${title}`, async (subject) => {
      const builder = subject.serializer.createFrameBuilder?.();
      if (builder) await run(subject, builder);
    });

  testBuilder('makes the frame that encode makes', async (subject, builder) => {
    checkEqual([builder.eventCount, builder.sizeBytes], [0, 0], 'eventCount and sizeBytes of a new builder');
    addAll(subject, builder, unusualValues);
    checkEqual(builder.eventCount, unusualValues.length, 'eventCount');
    await checkFrame(subject, await builder.finish(subject.place()), unusualValues);
  });

  testBuilder('makes no bytes of no events', async (subject, builder) => {
    const { bytes, eventCount, rejected } = await builder.finish(subject.place());
    checkEqual([bytes.byteLength, eventCount, rejected], [0, 0, []], 'frame of no events');
    const sync = builder.finishSync?.(subject.place());
    if (sync) checkEqual([sync.bytes.byteLength, sync.eventCount], [0, 0], 'frame of no events, finishSync');
  });

  testBuilder('counts exactly the bytes of its events', async (subject, builder) => {
    let sum = 0;
    for (const value of unusualValues) {
      const alone = subject.serializer.createFrameBuilder?.();
      addAll(subject, alone ?? builder, [value]);
      sum += alone?.sizeBytes ?? 0;
      addAll(subject, builder, [value]);
      const { sizeBytesAtMost = sum } = builder;
      checkEqual(builder.sizeBytes, sum, 'sizeBytes');
      check(sizeBytesAtMost >= sum, `sizeBytesAtMost: expected at least ${sum}, got ${sizeBytesAtMost}`);
    }
  });

  testBuilder('is not changed by an event that it rejects', async (subject, builder) => {
    addAll(subject, builder, [{ n: 0 }]);
    const { sizeBytes } = builder;
    for (const [title, make] of unstorable) {
      const outcome = builder.add(make());
      check(outcome !== 'added', `add: expected ${title} to be rejected, and it was added`);
      checkCode(outcome.rejected, 'RELAY_EVENT_UNSERIALIZABLE', `why ${title} was rejected`);
      checkEqual([builder.eventCount, builder.sizeBytes], [1, sizeBytes], `eventCount and sizeBytes after ${title}`);
    }
    addAll(subject, builder, [{ n: 1 }]);
    await checkFrame(subject, await builder.finish(subject.place()), numberedValues(2));
  });

  testBuilder('makes the frame again, for another place', async (subject, builder) => {
    addAll(subject, builder, numberedValues(3));
    await builder.finish(subject.place(7));
    await builder.finish(subject.place(0, OTHER_SEGMENT));
    await checkFrame(subject, await builder.finish(subject.place()), numberedValues(3));
    const elsewhere = await builder.finish(subject.place(0, OTHER_SEGMENT));
    await checkFrame(subject, elsewhere, numberedValues(3), OTHER_SEGMENT);
    checkEqual(builder.eventCount, 3, 'eventCount after finish');
  });

  testBuilder('takes more events after a frame was made', async (subject, builder) => {
    addAll(subject, builder, numberedValues(2));
    await builder.finish(subject.place());
    addAll(subject, builder, numberedValues(2, 2));
    await checkFrame(subject, await builder.finish(subject.place()), numberedValues(4));
  });

  testBuilder('forgets everything on reset, and is used again', async (subject, builder) => {
    addAll(subject, builder, numberedValues(200));
    await builder.finish(subject.place());
    builder.reset();
    checkEqual([builder.eventCount, builder.sizeBytes], [0, 0], 'eventCount and sizeBytes after reset');
    addAll(subject, builder, [{ again: true }]);
    await checkFrame(subject, await builder.finish(subject.place()), [{ again: true }]);
  });

  testBuilder('makes without waiting the frame that it makes with waiting', async (subject, builder) => {
    if (!builder.finishSync) return;
    addAll(subject, builder, unusualValues);
    await checkFrame(subject, builder.finishSync(subject.place()), unusualValues);
    await checkFrame(subject, await builder.finish(subject.place()), unusualValues);
    await checkFrame(subject, builder.finishSync(subject.place()), unusualValues);
  });

  testBuilder('makes a frame without waiting while one is awaited', async (subject, builder) => {
    if (!builder.finishSync) return;
    // Large enough for formats that move such work off the thread.
    const values = numberedValues(20_000);
    addAll(subject, builder, values);
    const awaited = builder.finish(subject.place());
    const frame = builder.finishSync(subject.place());
    await checkFrame(subject, frame, values);
    await awaited;
  });

  test('builder: does not share what it holds with another', async (subject) => {
    const { serializer } = subject;
    const builders = [serializer.createFrameBuilder?.(), serializer.createFrameBuilder?.()];
    const batches = [numberedValues(20_000), numberedValues(19_999, 20_000)];
    for (const [index, builder] of builders.entries()) {
      if (!builder) return;
      addAll(subject, builder, batches[index] ?? []);
    }
    const frames = await Promise.all(builders.map(async (builder) => builder?.finish(subject.place())));
    for (const [index, frame] of frames.entries()) {
      if (frame) await checkFrame(subject, frame, batches[index] ?? []);
    }
  });

  testBuilder('does not notice what becomes of an event after add', async (subject, builder) => {
    const value = { n: 0 };
    addAll(subject, builder, [value]);
    value.n = 99;
    await checkFrame(subject, await builder.finish(subject.place()), numberedValues(1));
  });
}

const OTHER_SEGMENT = '20261122T164058108Z-000000000000-k3f9q2';

function addAll(subject: SerializerSubject, builder: FrameBuilder<unknown>, values: readonly unknown[]): void {
  for (const value of values) checkEqual(builder.add(subject.eventOf(value)), 'added', 'add');
}

async function checkFrame(
  subject: SerializerSubject,
  { bytes, eventCount, rejected }: EncodedFrame,
  values: readonly unknown[],
  segmentId?: string,
): Promise<void> {
  checkEqual([eventCount, rejected], [values.length, []], 'eventCount and rejected of the frame');
  const file = await subject.seal([bytes.slice()], [values], segmentId);
  await subject.checkDecodes(file.bytes, subject.segment(true, segmentId), values, 'events of the frame');
}
