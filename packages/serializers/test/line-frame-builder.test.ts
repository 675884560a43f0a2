import { DEFAULT_MAX_EVENT_BYTES, JSONEventSerializer, RawJSONLineSerializer } from '@relaykit/serializers';
import type { FrameBuilder } from '@relaykit/types';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bytesOf, place, textOf } from './source.ts';

const builderOf = (maxEventBytes?: number) =>
  new JSONEventSerializer<unknown>().createFrameBuilder(maxEventBytes === undefined ? undefined : { maxEventBytes });
const finish = (builder: FrameBuilder<unknown>) => textOf(builder.finishSync?.(place).bytes ?? new Uint8Array(0));

afterEach(() => vi.unstubAllGlobals());

describe.each([
  ['with Buffer', () => {}],
  ['without Buffer, as in a browser', () => vi.stubGlobal('Buffer', undefined)],
  ['with a Buffer that cannot write', () => vi.stubGlobal('Buffer', { prototype: {}, from: () => undefined })],
])('size and bytes, %s', (_name, prepare) => {
  it('are exact after every event', () => {
    prepare();
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 150 }),
        fc.boolean(),
        (texts, asksEachTime) => {
          const builder = builderOf();
          let expected = '';
          for (const [index, text] of texts.entries()) {
            expect(builder.add(text)).toBe('added');
            expected += `${JSON.stringify(text)}\n`;
            if (asksEachTime) expect(builder.sizeBytes).toBe(bytesOf(expected).byteLength);
            expect(builder.eventCount).toBe(index + 1);
          }
          expect(finish(builder)).toBe(expected);
          expect(builder.sizeBytes).toBe(bytesOf(expected).byteLength);
        },
      ),
    );
  });

  it('stay right while the memory grows', () => {
    prepare();
    const builder = builderOf();
    const events = Array.from({ length: 400 }, (_, index) => '€'.repeat((index * 37) % 3_000));
    for (const event of events) builder.add(event);
    expect(finish(builder)).toBe(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  });
});

describe('a builder', () => {
  it('starts empty', () => {
    const builder = builderOf();
    expect([builder.eventCount, builder.sizeBytes, finish(builder)]).toEqual([0, 0, '']);
  });

  it('finishes as often as it is asked, and takes more afterwards', () => {
    const builder = builderOf();
    builder.add(1);
    expect([finish(builder), finish(builder)]).toEqual(['1\n', '1\n']);
    builder.add(2);
    expect(finish(builder)).toBe('1\n2\n');
    expect(builder.finish(place)).toEqual(builder.finishSync?.(place));
  });

  it('forgets everything with reset, whether encoded or not', () => {
    const builder = builderOf();
    for (let index = 0; index < 100; index += 1) builder.add(index);
    builder.reset();
    expect([builder.eventCount, builder.sizeBytes, finish(builder)]).toEqual([0, 0, '']);
    builder.add('next');
    expect(finish(builder)).toBe('"next"\n');
  });

  it('is as it was after an event that it rejected', () => {
    const builder = builderOf(20);
    builder.add('kept');
    const before = builder.sizeBytes;
    const outcomes = [1n, undefined, 'x'.repeat(20)].map((event) => builder.add(event));
    expect(outcomes.every((outcome) => outcome !== 'added')).toBe(true);
    expect([builder.eventCount, builder.sizeBytes]).toEqual([1, before]);
    builder.add('too');
    expect(finish(builder)).toBe('"kept"\n"too"\n');
  });

  it('survives an event that adds another while it is encoded', () => {
    const builder = builderOf();
    const outer = {
      toJSON() {
        builder.add('inner');
        return 'outer';
      },
    };
    builder.add(outer);
    expect([builder.eventCount, finish(builder)]).toEqual([2, '"inner"\n"outer"\n']);
  });
});

describe('maxEventBytes', () => {
  it('counts bytes of UTF-8 and the line feed', () => {
    const sizes: [string, number][] = [
      ['abc', 6],
      ['üü', 7],
      ['€', 6],
      ['\u{1f600}', 7],
      ['\u07ff\u0800\uffff', 11],
    ];
    for (const [event, sizeBytes] of sizes) {
      expect(builderOf(sizeBytes).add(event), event).toBe('added');
      expect(builderOf(sizeBytes - 1).add(event), event).toEqual({
        rejected: expect.objectContaining({
          code: 'RELAY_EVENT_TOO_LARGE',
          facts: { sizeBytes, maxEventBytes: sizeBytes - 1 },
        }),
      });
    }
  });

  it('is 1 MiB unless set', () => {
    const largest = 'x'.repeat(DEFAULT_MAX_EVENT_BYTES - 3);
    expect(DEFAULT_MAX_EVENT_BYTES).toBe(1_048_576);
    expect(builderOf().add(largest)).toBe('added');
    expect(builderOf().add(`${largest}x`)).toMatchObject({ rejected: { code: 'RELAY_EVENT_TOO_LARGE' } });
    const raw = new RawJSONLineSerializer().createFrameBuilder();
    expect(raw.add(`"${largest}"`)).toBe('added');
    expect(raw.add(`"${largest}x"`)).toMatchObject({ rejected: { code: 'RELAY_EVENT_TOO_LARGE' } });
  });

  it('leaves a batch its other events', () => {
    const { rejected, bytes } = new JSONEventSerializer().encode([1, 'x'.repeat(99), 2], place, { maxEventBytes: 50 });
    expect(rejected).toEqual([
      { index: 1, cause: expect.objectContaining({ facts: { sizeBytes: 102, maxEventBytes: 50 } }) },
    ]);
    expect(textOf(bytes)).toBe('1\n2\n');
  });

  it('may differ from call to call', () => {
    const serializer = new JSONEventSerializer();
    const countOf = (maxEventBytes?: number) =>
      serializer.encode(['x'.repeat(99)], place, maxEventBytes === undefined ? undefined : { maxEventBytes })
        .eventCount;
    expect([countOf(), countOf(50), countOf(200), countOf(50), countOf()]).toEqual([1, 0, 1, 0, 1]);
  });

  it.each([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be %d', (maxEventBytes) => {
    const message = `maxEventBytes must be a whole number >= 1, got ${maxEventBytes}`;
    expect(() => builderOf(maxEventBytes)).toThrow(new RangeError(message));
    expect(() => new JSONEventSerializer().encode([], place, { maxEventBytes })).toThrow(new RangeError(message));
  });
});

describe('encode', () => {
  it('survives an event that calls the serializer while it is encoded', () => {
    const serializer = new JSONEventSerializer<unknown>();
    serializer.encode(['earlier'], place); // Leaves memory to be used again.
    let inner = '';
    const event = {
      toJSON() {
        inner = textOf(serializer.encodeSync(['inner'], place).bytes);
        return 'outer';
      },
    };
    expect(textOf(serializer.encode([1, event, 2], place).bytes)).toBe('1\n"outer"\n2\n');
    expect(inner).toBe('"inner"\n');
  });

  it('goes on after a batch too large to keep its memory', () => {
    const serializer = new JSONEventSerializer<unknown>();
    const large = Array.from({ length: 6 }, () => 'x'.repeat(1_000_000));
    expect(serializer.encode(large, place).eventCount).toBe(6);
    expect(textOf(serializer.encode([1], place).bytes)).toBe('1\n');
  });
});
