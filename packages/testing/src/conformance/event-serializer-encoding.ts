import { check, checkEqual } from './check.ts';
import { unstorable } from './event-persisting-harness.ts';
import {
  checkCode,
  joinBytes,
  type SerializerSubject,
  type SerializerTest,
  sourceOf,
} from './event-serializer-harness.ts';
import { numberedValues, pollutingTexts, randomText, seededRandom, unusualValues } from './event-serializer-samples.ts';

/** What `encode`, `encodeSync` and `decode` promise while nothing is damaged. */
export function describeEncoding(test: SerializerTest): void {
  test('names its format as the contract says', async ({ serializer: { format } }) => {
    const { name, fileExtension, mediaType } = format;
    check(name !== '', 'format.name: expected a name, got an empty one');
    check(
      /^[a-z0-9]+(\.[a-z0-9]+){0,3}$/u.test(fileExtension),
      `format.fileExtension: expected one like 'ndjson' or 'ndjson.gz', got ${JSON.stringify(fileExtension)}`,
    );
    check(/^[^/\s]+\/[^/\s]+$/u.test(mediaType), `format.mediaType: expected type/subtype, got ${mediaType}`);
  });

  test('reads back what it wrote, in order', async (subject) => {
    for (const isSealed of [true, false]) {
      const frames = [numberedValues(1), numberedValues(3, 1), numberedValues(2, 4)];
      const { bytes } = await subject.file(frames);
      await subject.checkDecodes(bytes, subject.segment(isSealed), numberedValues(6), 'decoded events');
    }
  });

  test('keeps unusual values', async (subject) => {
    const { bytes } = await subject.file([unusualValues, unusualValues]);
    await subject.checkDecodes(bytes, subject.segment(true), [...unusualValues, ...unusualValues], 'decoded events');
  });

  test('reads what another one with the same settings wrote', async (subject) => {
    const { bytes } = await subject.file([unusualValues]);
    const other = await subject.another();
    await other.checkDecodes(bytes, other.segment(true), unusualValues, 'events decoded by the other');
  });

  test('keeps an event of 1 MB, and its neighbours', async (subject) => {
    const large = { text: randomText(seededRandom(1), 1_000_000) };
    const values = [{ n: 0 }, large, { n: 1 }];
    const frame = await subject.encode(values, subject.place(), 2_000_000);
    checkEqual([frame.eventCount, frame.rejected], [3, []], 'eventCount and rejected');
    const { bytes } = await subject.seal([frame.bytes], [values]);
    await subject.checkDecodes(bytes, subject.segment(true), values, 'decoded events');
  });

  test('keeps thousands of events in one frame', async (subject) => {
    const values = numberedValues(5_000);
    const { bytes } = await subject.file([values]);
    await subject.checkDecodes(bytes, subject.segment(true), values, 'decoded events');
  });

  test('makes a frame of no bytes for no events', async (subject) => {
    const frame = await subject.encode([], subject.place());
    checkEqual([frame.bytes.byteLength, frame.eventCount, frame.rejected], [0, 0, []], 'frame of no events');
    const sync = subject.serializer.encodeSync?.([], subject.place());
    if (sync) checkEqual([sync.bytes.byteLength, sync.eventCount], [0, 0], 'frame of no events, encodeSync');
    const rejects = unstorable.map(([, make]) => make());
    const { bytes, eventCount } = await subject.serializer.encode(rejects, subject.place());
    checkEqual([bytes.byteLength, eventCount], [0, 0], 'frame of rejected events only');
  });

  test('reads an empty file that is open as no events', async (subject) => {
    await subject.checkDecodes(new Uint8Array(0), subject.segment(false), [], 'decoded events');
    const { scan } = await subject.checkedScan(new Uint8Array(0), subject.segment(false), 'empty file');
    checkEqual([scan.intact, scan.damaged, scan.tornTailBytes], [[], [], 0], 'scan of an empty file');
  });

  test('reads a sealed segment that holds no events', async (subject) => {
    const { bytes } = await subject.seal([], []);
    await subject.checkDecodes(bytes, subject.segment(true), [], 'decoded events');
  });

  for (const [title, make] of unstorable) {
    test(`rejects ${title} by itself`, async (subject) => {
      const events = [subject.eventOf({ n: 0 }), make(), subject.eventOf({ n: 1 }), make()];
      const frame = await subject.serializer.encode(events, subject.place());
      checkEqual(
        frame.rejected.map(({ index }) => index),
        [1, 3],
        'indexes of rejected events',
      );
      for (const { cause } of frame.rejected) checkCode(cause, 'RELAY_EVENT_UNSERIALIZABLE', 'cause');
      checkEqual(frame.eventCount, 2, 'eventCount');
      const { bytes } = await subject.seal([frame.bytes.slice()], [numberedValues(2)]);
      await subject.checkDecodes(bytes, subject.segment(true), numberedValues(2), 'decoded events');
    });
  }

  test('encodes without waiting what it encodes with waiting', async (subject) => {
    const { serializer } = subject;
    if (!serializer.encodeSync) return;
    const events = [...unusualValues.map((value) => subject.eventOf(value)), undefined];
    const { bytes, eventCount, rejected } = serializer.encodeSync(events, subject.place());
    checkEqual(eventCount, unusualValues.length, 'eventCount');
    checkEqual(
      rejected.map(({ index }) => index),
      [unusualValues.length],
      'indexes of rejected events',
    );
    const file = await subject.seal([bytes.slice()], [unusualValues]);
    await subject.checkDecodes(file.bytes, subject.segment(true), unusualValues, 'decoded events');
  });

  test('keeps __proto__ as a member like others', async (subject) => {
    const values = pollutingTexts.map((text) => JSON.parse(text) as unknown);
    const { bytes } = await subject.file([values]);
    await subject.checkDecodes(bytes, subject.segment(true), values, 'decoded events');
    checkUnpolluted();
  });

  test('reads from any frame on', async (subject) => {
    const { serializer } = subject;
    const pieces: Uint8Array[] = [];
    for (let index = 0; index < 4; index += 1) {
      pieces.push((await subject.encode(numberedValues(2, index * 2), subject.place(index))).bytes);
    }
    for (let first = 0; first <= pieces.length; first += 1) {
      const context = subject.segment(false, undefined, first);
      const rest = joinBytes(pieces.slice(first));
      const expected = numberedValues(8 - first * 2, first * 2);
      await subject.checkDecodes(rest, context, expected, `events from frame ${first} on`);
      const scan = await serializer.scan(sourceOf(rest), context);
      checkEqual([scan.eventCount, scan.tornTailBytes], [expected.length, 0], `scan from frame ${first} on`);
    }
  });

  test('lets a reader stop early', async (subject) => {
    const { bytes } = await subject.file([numberedValues(3), numberedValues(3, 3)]);
    for await (const _ of subject.serializer.decode(sourceOf(bytes), subject.segment(true))) break;
    await subject.checkDecodes(bytes, subject.segment(true), numberedValues(6), 'decoded events');
  });

  test('passes on what the source throws, and takes it for no damage', async (subject) => {
    const { bytes } = await subject.file([numberedValues(3)]);
    await checkSourceErrors(subject, bytes);
  });
}

async function checkSourceErrors(subject: SerializerSubject, bytes: Uint8Array): Promise<void> {
  const failure = new Error('the disk is gone');
  for (let failing = 0; failing < 20; failing += 1) {
    let reads = 0;
    let hasFailed = false;
    const whole = sourceOf(bytes);
    const source = {
      sizeBytes: bytes.byteLength,
      read: (positionBytes: number, lengthBytes: number): Promise<Uint8Array> => {
        reads += 1;
        hasFailed ||= reads > failing;
        return hasFailed ? Promise.reject(failure) : whole.read(positionBytes, lengthBytes);
      },
    };
    const { error } = await subject.decode(source, subject.segment(true));
    if (!hasFailed) return;
    check(error === failure, `decode: expected the source's error at read ${failing}, got ${String(error)}`);
    reads = 0;
    hasFailed = false;
    const scanned = await subject.serializer.scan(source, subject.segment(false)).catch((cause: unknown) => cause);
    if (hasFailed) check(scanned === failure, `scan: expected the source's error at read ${failing}`);
  }
}

function checkUnpolluted(): void {
  check(!('polluted' in {}), 'prototype: an event changed Object.prototype');
}
