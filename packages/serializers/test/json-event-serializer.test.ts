import { JSONEventSerializer, jsonLinesFormat, MAX_NESTING_LEVELS } from '@relaykit/serializers';
import type { RelayError } from '@relaykit/types';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { bytesOf, decodeAll, place, textOf } from './source.ts';

const serializer = new JSONEventSerializer<unknown>();
const encode = (events: readonly unknown[], maxEventBytes?: number) =>
  serializer.encode(events, place, maxEventBytes === undefined ? undefined : { maxEventBytes });
const reasonsOf = (events: readonly unknown[]) =>
  encode(events).rejected.map(({ index, cause }) => {
    expect(cause).toMatchObject({ name: 'RelayError', code: 'RELAY_EVENT_UNSERIALIZABLE' });
    return [index, (cause as { facts: { reason: string } }).facts.reason];
  });

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

describe('encode', () => {
  it('writes one line an event, as JSON.stringify does', () => {
    const frame = encode([{ a: 1, b: ['ü', null] }, 'text', 7, true, null, []]);
    expect(textOf(frame.bytes)).toBe('{"a":1,"b":["ü",null]}\n"text"\n7\ntrue\nnull\n[]\n');
    expect(frame).toMatchObject({ eventCount: 6, rejected: [] });
  });

  it('accounts for the holes of a sparse array', () => {
    const events: unknown[] = [1];
    events[2] = 3;
    const { bytes, eventCount, rejected } = encode(events);
    expect([textOf(bytes), eventCount]).toEqual(['1\n3\n', 2]);
    expect(rejected).toMatchObject([{ index: 1, cause: { code: 'RELAY_EVENT_UNSERIALIZABLE' } }]);
  });

  it('makes a frame of no bytes from no events', () => {
    expect(encode([])).toEqual({ bytes: new Uint8Array(0), eventCount: 0, rejected: [] });
  });

  it('keeps line breaks and NUL inside strings from ending a line', () => {
    const event = { text: 'a\nb\r\n\u0000\u2028\u2029' };
    expect(textOf(encode([event]).bytes)).toBe('{"text":"a\\nb\\r\\n\\u0000\u2028\u2029"}\n');
  });

  it('escapes lone surrogates and keeps pairs', async () => {
    const { bytes } = encode(['\ud800', '\udc00x', '\u{1f600}']);
    expect(textOf(bytes)).toBe('"\\ud800"\n"\\udc00x"\n"\u{1f600}"\n');
    expect((await decodeAll(serializer, bytes)).events).toEqual(['\ud800', '\udc00x', '\u{1f600}']);
  });

  it('treats values as JSON.stringify does', () => {
    const event = { date: new Date(0), not: Number.NaN, gone: undefined, minusZero: -0, list: [undefined, () => 1] };
    expect(textOf(encode([event]).bytes)).toBe(
      '{"date":"1970-01-01T00:00:00.000Z","not":null,"minusZero":0,"list":[null,null]}\n',
    );
  });

  it('gives bytes that the next call leaves alone', () => {
    const first = encode([{ first: true }]);
    encode([{ second: true }]);
    expect(textOf(first.bytes)).toBe('{"first":true}\n');
  });

  it('has the same synchronous and builder form', () => {
    const events = [{ a: 1 }, 2n, { b: 'ü' }];
    const frame = encode(events);
    expect(serializer.encodeSync(events, place)).toEqual(frame);
    const builder = serializer.createFrameBuilder();
    for (const event of events) builder.add(event);
    expect(builder.finishSync?.(place)).toEqual({ ...frame, rejected: [] });
  });

  it('names its format', () => {
    expect(serializer.format).toBe(jsonLinesFormat);
    expect(jsonLinesFormat).toEqual({
      name: 'jsonl',
      fileExtension: 'ndjson',
      mediaType: 'application/x-ndjson',
    });
  });
});

describe('an event that JSON cannot express', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = { cycle };
  const throws = (thrown: unknown) => ({
    toJSON() {
      throw thrown;
    },
  });

  it('is left out with index and reason, and its neighbours stay', () => {
    const events = [1, cycle, 2, 10n, { deep: [10n] }, undefined, () => 1, Symbol('s'), throws(new Error('x')), 3];
    expect(reasonsOf(events)).toEqual([
      [1, 'cycle'],
      [3, 'bigint'],
      [4, 'bigint'],
      [5, 'undefined'],
      [6, 'undefined'],
      [7, 'undefined'],
      [8, 'throws'],
    ]);
    expect(textOf(encode(events).bytes)).toBe('1\n2\n3\n');
    expect(encode(events).eventCount).toBe(3);
  });

  it('is too deep where JSON.stringify runs out of stack', async () => {
    expect(reasonsOf([nested(200_000), 1])).toEqual([[0, 'tooDeep']]);
    const { bytes } = encode([nested(500)]);
    expect((await decodeAll(serializer, bytes)).events).toEqual([nested(500)]);
  });

  it('is too deep where a larger stack lets JSON.stringify pass what no reader would follow', () => {
    const levels = MAX_NESTING_LEVELS + 1;
    vi.spyOn(JSON, 'stringify').mockReturnValueOnce('['.repeat(levels) + ']'.repeat(levels));
    expect(reasonsOf([0])).toEqual([[0, 'tooDeep']]);
  });

  it('is told apart from an event that throws on its own', () => {
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get() {
        throw new Error('even its message');
      },
    });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const getter = {
      get value(): never {
        throw new RangeError('my own');
      },
    };
    const thrown = [undefined, 'text', new RangeError('my own'), new TypeError('my own'), hostile];
    const events = [...thrown.map(throws), getter, revoked.proxy, throws(revoked.proxy), { toJSON: () => undefined }];
    const reasons = reasonsOf(events).map(([, reason]) => reason);
    expect(reasons).toEqual([...Array.from({ length: 8 }, () => 'throws'), 'undefined']);
  });

  it('keeps what was thrown as its cause', () => {
    const thrown = new Error('x');
    expect(encode([throws(thrown)]).rejected[0]?.cause).toMatchObject({ cause: thrown });
  });

  it('tells nothing of the event', () => {
    const event = { secret: 'canary', value: 1n };
    const cause = encode([event]).rejected[0]?.cause as RelayError;
    expect(cause.message + JSON.stringify(cause.facts)).not.toContain('canary');
  });
});

describe('round trip', () => {
  it('gives back every JSON value', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }), { maxLength: 6 }),
        async (values) => {
          const { bytes, eventCount } = encode(values);
          const { events, error } = await decodeAll(serializer, bytes);
          expect(error).toBeUndefined();
          expect(eventCount).toBe(values.length);
          expect(events).toEqual(values.map((value) => JSON.parse(JSON.stringify(value))));
        },
      ),
    );
  });

  it('of frames one after another is that of all events', async () => {
    const batches = [[{ a: 1 }], [], [{ b: 2 }, { c: 'ü' }]];
    const file = bytesOf(...batches.map((batch) => encode(batch).bytes));
    expect((await decodeAll(serializer, file)).events).toEqual(batches.flat());
  });

  it('keeps __proto__ a member like others', async () => {
    const line = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}\n';
    const { events } = await decodeAll(serializer, bytesOf(line));
    const [event] = events as [object];
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(Object.keys(event)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(textOf(encode([event]).bytes)).toBe(line);
  });
});
