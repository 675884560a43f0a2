import {
  createZstdSerializer,
  DEFAULT_ZSTD_LEVEL,
  loadZstdWasm,
  nativeZstd,
  type ZstdEngine,
  ZstdSerializer,
} from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { flights } from '../../../tools/bench.ts';
import { engines } from './engines.ts';
import { decodeAll, frameOf, joined, numbered, open, place, TestSource } from './files.ts';

const json = new JSONEventSerializer<unknown>();
const available = await engines();
const wasm = await loadZstdWasm();

it('names its format after the inner one', () => {
  expect(new ZstdSerializer(json, { engine: wasm }).format).toEqual({
    name: 'jsonl+zstd',
    fileExtension: 'ndjson.zst',
    mediaType: 'application/x-ndjson',
    contentEncoding: 'zstd',
  });
});

it('takes the engine of the platform', async () => {
  const expected = nativeZstd() ? 'native' : 'wasm';
  expect((await createZstdSerializer(json)).engine).toBe(expected);
  expect((await createZstdSerializer(json, { level: 19 })).engine).toBe(expected);
  expect(new ZstdSerializer(json, { engine: wasm }).engine).toBe('wasm');
});

it('loads WebAssembly once', async () => {
  expect(await loadZstdWasm()).toBe(wasm);
});

it('does not initialise the module again where other code has, or does at the same time', async () => {
  const frame = Buffer.from(wasm.compress(Buffer.from('before'), 1));
  vi.resetModules();
  const copies = await Promise.all([import('../src/wasm-zstd.ts'), import('../src/wasm-zstd.ts')]);
  const [again] = await Promise.all(copies.map((copy) => copy.loadZstdWasm()));
  expect(Buffer.from(again?.decompress(frame, 6) ?? []).toString()).toBe('before');
  expect(Buffer.from(wasm.decompress(frame, 6)).toString()).toBe('before');
});

it.for([0, -1, 20, 1.5, Number.NaN])('refuses level %s', async (level) => {
  const message = `level must be a whole number from 1 to 19, got ${level}`;
  expect(() => new ZstdSerializer(json, { level, engine: wasm })).toThrow(new RangeError(message));
  await expect(createZstdSerializer(json, { level })).rejects.toThrow(RangeError);
});

describe('where node:zlib has no Zstandard', () => {
  const { getBuiltinModule } = process;
  afterEach(() => {
    Object.assign(process, { getBuiltinModule });
    vi.doUnmock('@bokuweb/zstd-wasm');
    vi.resetModules();
  });

  it('says how to get an engine', async () => {
    Reflect.deleteProperty(process, 'getBuiltinModule');
    expect(() => new ZstdSerializer(json)).toThrow(/await createZstdSerializer\(inner\).*await loadZstdWasm\(\)/u);
    expect((await createZstdSerializer(json)).engine).toBe('wasm');
  });

  it('names the package that is missing, and finds it once it is there', async () => {
    vi.resetModules();
    vi.doMock('@bokuweb/zstd-wasm', () => {
      throw new Error('Cannot find package');
    });
    const fresh = await import('../src/wasm-zstd.ts');
    await expect(fresh.loadZstdWasm()).rejects.toThrow(/npm install @bokuweb\/zstd-wasm/u);
    vi.doUnmock('@bokuweb/zstd-wasm');
    expect((await fresh.loadZstdWasm()).name).toBe('wasm');
  });
});

describe.each(available)('a frame made by $name', (engine) => {
  it('is a Zstandard frame behind a skippable one with lengths, event count and checks', async () => {
    const frame = await frameOf(new ZstdSerializer(json, { engine }), numbered(100));
    const content = json.encode(numbered(100)).bytes;
    expect(Buffer.from(frame.subarray(0, 12)).toString('hex')).toBe('5b2a4d1818000000524b5a31');
    const view = new DataView(frame.buffer, frame.byteOffset);
    const numbers = [12, 16, 20].map((at) => view.getUint32(at, true));
    expect(numbers).toEqual([frame.byteLength, 100, content.byteLength]);
    expect(Buffer.from(frame.subarray(32, 36)).toString('hex')).toBe('28b52ffd');
    const hasChecksum = ((frame[36] ?? 0) & 0x04) !== 0;
    expect(hasChecksum).toBe(true);
  });

  it('has a checksum of its content, which the engine itself compares', async () => {
    const frame = engine.compress(new TextEncoder().encode('abc'.repeat(1_000)), 3);
    expect(engine.decompress(frame, 3_000)).toHaveLength(3_000);
    const wrong = frame.slice();
    wrong[wrong.byteLength - 1] = (wrong.at(-1) ?? 0) ^ 1;
    expect(() => engine.decompress(wrong, 3_000)).toThrow();
  });

  it('shrinks with the level', async () => {
    const events = flights(3_000);
    const sizes = await Promise.all(
      [1, DEFAULT_ZSTD_LEVEL, 19].map(
        async (level) => (await frameOf(new ZstdSerializer(json, { engine, level }), events)).byteLength,
      ),
    );
    expect(sizes[2]).toBeLessThan(sizes[1] ?? 0);
    expect(sizes[2]).toBeLessThan(sizes[0] ?? 0);
  });

  it.each(available)('is read by $name', async (reader) => {
    const frames = [numbered(3), numbered(20_000, 3)];
    const writer = new ZstdSerializer(json, { engine });
    const bytes = joined(...(await Promise.all(frames.map((events) => frameOf(writer, events)))));
    const { events, error } = await decodeAll(new ZstdSerializer(json, { engine: reader }), bytes);
    expect(error).toBeUndefined();
    expect(events).toEqual(frames.flat());
  });

  it('is made at once where nobody can wait', async () => {
    const serializer = new ZstdSerializer(json, { engine });
    const builder = serializer.createFrameBuilder?.();
    for (const event of numbered(20_000)) builder?.add(event);
    const finished = builder?.finish(place);
    expect(finished instanceof Promise).toBe(engine.name === 'native');
    const sync = builder?.finishSync?.(place).bytes ?? new Uint8Array();
    expect((await decodeAll(serializer, sync)).events).toEqual(numbered(20_000));
    const awaited = (await finished)?.bytes ?? new Uint8Array();
    expect((await decodeAll(serializer, awaited)).events).toEqual(numbered(20_000));
  });

  it('is walked without decoding', async () => {
    // An engine that cannot decode shows that nothing asks it to.
    const blind: ZstdEngine = { ...engine, decompress: () => expect.fail('decoded') };
    const bytes = joined(await frameOf(new ZstdSerializer(json, { engine }), numbered(5)), new Uint8Array(3));
    const scan = await new ZstdSerializer(json, { engine: blind }).scan(new TestSource(bytes), open);
    expect(scan).toMatchObject({ eventCount: 5, tornTailBytes: 3, intact: [{ frameCount: 1 }] });
  });
});
