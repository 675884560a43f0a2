// Goal: keys are 32 bytes or refused, can be changed while events arrive, may come late or not at all, and are never shown.
import { createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { type EncryptionKey, KeyRing } from '../src/index.ts';
import { encrypted, fileOf, framesOf, join, keyOf, read, SEGMENT, SPOOL, segment, sourceOf } from './scene.ts';

const place = { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 0 };
const ringOf = (key: unknown): KeyRing => new KeyRing({ current: { id: 'k1', key } as EncryptionKey });

describe('a key', () => {
  it.for([
    ['a password', 'correct horse battery staple', 'got string'],
    ['hexadecimal text', 'ab'.repeat(32), 'got string'],
    ['nothing', undefined, 'got undefined'],
    ['16 bytes', new Uint8Array(16), 'exactly 32 bytes, got 16'],
    ['33 bytes', new Uint8Array(33), 'exactly 32 bytes, got 33'],
    ['an array', Array.from({ length: 32 }, () => 1), 'got object'],
    ['a KeyObject of 16 bytes', createSecretKey(Buffer.alloc(16, 1)), 'exactly 32 bytes, got 16'],
  ] as const)('must not be %s', ([, key, message]) => {
    expect(() => ringOf(key)).toThrow(message);
  });

  it.for([
    ['a Uint8Array', new Uint8Array(32).fill(7)],
    ['a Buffer', Buffer.alloc(32, 7)],
    ['a KeyObject', createSecretKey(Buffer.alloc(32, 7))],
  ] as const)('may be %s', async ([, key]) => {
    const file = await fileOf(encrypted({ keys: { current: { id: 'k1', key: new Uint8Array(32).fill(7) } } }), [[1]]);
    expect(await read(encrypted({ keys: { current: { id: 'k1', key } } }), file)).toEqual({ events: [1] });
  });

  it('is copied: what becomes of the bytes makes no difference', async () => {
    const bytes = Buffer.alloc(32, 7);
    const serializer = encrypted({ keys: { current: { id: 'k1', key: bytes } } });
    const file = await fileOf(serializer, [[1]]);
    bytes.fill(0);
    expect(await read(serializer, file)).toEqual({ events: [1] });
  });

  it.for(['', 'x'.repeat(129), 'with space', 'line\nbreak', '../up', 'ключ', 7])('must not be called %j', (id) => {
    expect(() => new KeyRing({ current: { id: id as string, key: new Uint8Array(32) } })).toThrow(
      'keys.current.id must be',
    );
  });

  it('may be called as key services do', () => {
    const id = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    expect(new KeyRing({ current: { id, key: new Uint8Array(32) } }).currentId).toBe(id);
  });
});

describe('a key ring', () => {
  it('must not hold two keys of one id', () => {
    const other = { id: 'k1', key: new Uint8Array(32) };
    expect(() => new KeyRing({ current: keyOf('k1'), others: [other] })).toThrow('keys.others[0].id must be new');
    expect(() => new KeyRing({ current: keyOf('k1') }).rotate(other)).toThrow(RangeError);
    expect(() => new KeyRing({ current: keyOf('k1'), others: [keyOf('k1')] })).not.toThrow();
  });

  it('encrypts with the current key and decrypts with any, while it is rotated', async () => {
    const serializer = encrypted();
    const frames: Uint8Array[] = [];
    for (const [frameIndex, id] of ['k1', 'k2', 'k3'].entries()) {
      if (frameIndex > 0) serializer.keys.rotate(keyOf(id));
      const frame = serializer.encodeSync?.([frameIndex], { ...place, frameIndex });
      frames.push(frame?.bytes ?? new Uint8Array());
      expect(serializer.keyIdOf(frames[frameIndex] as Uint8Array)).toBe(id);
    }
    const file = join(frames);
    const open = segment({ isSealed: false });
    expect(await read(serializer, file, open)).toEqual({ events: [0, 1, 2] });
    const late = encrypted({ keys: { current: keyOf('k3'), others: [keyOf('k1'), keyOf('k2')] } });
    expect(await read(late, file, open)).toEqual({ events: [0, 1, 2] });
  });

  it('goes back to a key that it has', () => {
    const ring = new KeyRing({ current: keyOf('k1') });
    ring.rotate(keyOf('k2'));
    ring.rotate(keyOf('k1'));
    expect(ring.currentId).toBe('k1');
  });

  it('without the key says which one, and nothing is concluded', async () => {
    const file = await fileOf(encrypted(), [[1], [2]]);
    const other = encrypted({ keys: { current: keyOf('k2') } });
    const { events, error } = await read(other, file);
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'RELAY_KEY_MISSING', facts: { segmentId: SEGMENT, keyId: 'k1' } });
    expect(await other.scan(sourceOf(file), segment())).toMatchObject({ missingKeyId: 'k1', intact: [], damaged: [] });
    other.keys.rotate(keyOf('k1'));
    expect(await read(other, file)).toEqual({ events: [1, 2] });
  });

  it('forgets on wipe', async () => {
    const serializer = encrypted();
    serializer.keys.wipe();
    expect(serializer.keys.currentId).toBeUndefined();
    await expect(serializer.encode([1], place)).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    const builder = serializer.createFrameBuilder();
    builder.add(1);
    await expect(builder.finish(place)).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    const closing = serializer.closingFrame({ ...place, eventCount: 0, sizeBytes: 0 });
    await expect(closing).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
  });
});

describe('a key provider', () => {
  const provided = (keys: Record<string, () => unknown>): ReturnType<typeof encrypted> =>
    encrypted({
      keys: { current: () => keys['current']?.() as EncryptionKey, find: (id) => keys[id]?.() as EncryptionKey },
    });

  it('is asked once for each key, however many need it', async () => {
    const current = vi.fn(async () => keyOf('k1'));
    const find = vi.fn(async (id: string) => keyOf(id));
    const serializer = encrypted({ keys: { current, find } });
    await Promise.all([serializer.encode([1], place), serializer.encode([2], place), serializer.keys.refresh()]);
    expect(current).toHaveBeenCalledTimes(1);
    const file = await fileOf(encrypted({ keys: { current: keyOf('k9') } }), [[1], [2]]);
    await Promise.all([read(serializer, file), read(serializer, file)]);
    await read(serializer, file);
    expect(find.mock.calls).toEqual([['k9']]);
  });

  it('lets writing go on without waiting once there is a key', async () => {
    const serializer = provided({ current: async () => keyOf('k1') });
    const builder = serializer.createFrameBuilder();
    builder.add(1);
    expect(() => builder.finishSync?.(place)).toThrow(expect.objectContaining({ code: 'RELAY_KEY_MISSING' }));
    await serializer.keys.refresh();
    expect(builder.finishSync?.(place).eventCount).toBe(1);
    expect(builder.finish(place)).not.toBeInstanceOf(Promise);
    expect(serializer.closingFrame({ ...place, eventCount: 0, sizeBytes: 0 })).toBeInstanceOf(Uint8Array);
  });

  it('that is down at start loses nothing: the same events are encrypted once it is back', async () => {
    let isUp = false;
    const current = async (): Promise<EncryptionKey> => {
      if (!isUp) throw new Error('connect ECONNREFUSED secret-token-1234');
      return keyOf('k1');
    };
    const serializer = encrypted({ keys: { current, find: () => undefined } });
    const builder = serializer.createFrameBuilder();
    builder.add({ n: 1 });
    const failure = await Promise.resolve(builder.finish(place)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'RELAY_KEY_MISSING' });
    expect(inspect(failure)).not.toContain('secret-token');
    isUp = true;
    const { bytes } = await builder.finish(place);
    expect(await read(serializer, bytes, segment({ isSealed: false }))).toEqual({ events: [{ n: 1 }] });
  });

  it('that fails on refresh leaves the current key', async () => {
    let answer = async (): Promise<EncryptionKey> => keyOf('k1');
    const current = (): Promise<EncryptionKey> => answer();
    const serializer = encrypted({ keys: { current, find: () => undefined } });
    await serializer.keys.refresh();
    answer = async (): Promise<EncryptionKey> => Promise.reject(new Error('down'));
    await expect(serializer.keys.refresh()).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    expect(serializer.keys.currentId).toBe('k1');
    answer = async (): Promise<EncryptionKey> => keyOf('k2');
    await serializer.keys.refresh();
    expect(serializer.keys.currentId).toBe('k2');
  });

  it.for<readonly [string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('down'))],
    [
      'throws at once',
      () => {
        throw new Error('down');
      },
    ],
    ['finds nothing', () => undefined],
    ['gives a key of another id', () => keyOf('k7')],
    ['gives a key of 16 bytes', () => ({ id: 'k9', key: new Uint8Array(16) })],
    ['gives nonsense', () => 'k9'],
  ])('that %s leaves the segment waiting, and is asked again', async ([, find]) => {
    const file = await fileOf(encrypted({ keys: { current: keyOf('k9') } }), [[1]]);
    let answer: () => unknown = find;
    const serializer = provided({ current: () => keyOf('k1'), k9: () => answer() });
    expect(await serializer.scan(sourceOf(file), segment())).toMatchObject({ missingKeyId: 'k9' });
    expect((await read(serializer, file)).error).toMatchObject({ code: 'RELAY_KEY_MISSING' });
    answer = async (): Promise<EncryptionKey> => keyOf('k9');
    expect(await read(serializer, file)).toEqual({ events: [1] });
  });

  it('says itself what is current', () => {
    expect(() => provided({}).keys.rotate(keyOf('k2'))).toThrow('rotate must not be called beside a provider');
    expect(() => new KeyRing({ current: () => keyOf('k1') } as never)).toThrow('keys.find must be a function');
  });
});

describe('a key is never shown', () => {
  const canary = Buffer.from('CANARY-key-0123456789-abcdefghij');
  const shapes = [
    canary.toString(),
    canary.toString('hex'),
    canary.toString('base64'),
    [...canary].join(','),
    '43 41 4e',
  ];

  it('by printing, serializing, spreading or failing', async () => {
    const ring = new KeyRing({ current: { id: 'k1', key: canary }, others: [keyOf('k2')] });
    const serializer = encrypted({ keys: ring });
    const builder = serializer.createFrameBuilder();
    const errors: unknown[] = [];
    for (const wrong of [
      canary.toString(),
      canary.subarray(1),
      [...canary],
      { type: 'public', export: () => canary },
    ]) {
      try {
        ringOf(wrong);
      } catch (error) {
        errors.push(error);
      }
    }
    expect(errors).toHaveLength(4);
    const file = await fileOf(serializer, [[1]]);
    file[70] = (file[70] ?? 0) ^ 1;
    errors.push((await read(serializer, file)).error, (await read(encrypted(), file)).error);
    const output = [ring, serializer, builder, { ...serializer }, { ...ring }, ...errors]
      .flatMap((value) => [
        inspect(value, { depth: 20, showHidden: true, getters: true }),
        JSON.stringify(value),
        String(value),
        value instanceof Error ? value.stack : '',
      ])
      .join('\n');
    for (const shape of shapes) expect(output).not.toContain(shape);
  });

  it('nor stands in a frame, which names the id alone', async () => {
    const serializer = encrypted({ keys: { current: { id: 'visible-id', key: canary } } });
    const file = Buffer.from(join(await framesOf(serializer, [[{ canary: 'plaintext' }]])));
    expect(file.includes('visible-id')).toBe(true);
    expect(file.includes(canary)).toBe(false);
    expect(file.includes('plaintext')).toBe(false);
  });
});
