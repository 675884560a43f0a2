// Goal: a key with other bytes under a known id, and keys that are wiped while they are at work, are never taken for damage.
// Method: files of several frames, read with right, wrong and vanishing keys; damage among frames that open stays damage.
import type { ByteSource, FrameScan } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { type EncryptionKey, KeyRing } from '../src/index.ts';
import { encrypted, fileOf, framesOf, join, keyOf, read, SEGMENT, SPOOL, segment, sourceOf } from './scene.ts';

const wrong: EncryptionKey = { id: 'k1', key: new Uint8Array(32).fill(9) };
const withWrong = (): ReturnType<typeof encrypted> => encrypted({ keys: { current: wrong } });
const batches = [[{ n: 0 }, { n: 1 }], [{ n: 2 }], [{ n: 3 }]];
const open = segment({ isSealed: false });

function scan(bytes: Uint8Array, serializer = encrypted()): Promise<FrameScan> {
  return serializer.scan(sourceOf(bytes), open);
}

describe('a key of the same id with other bytes', () => {
  it.for([1, 2, 4])('opens none of %i frames, and the scan says which key', async (count) => {
    const bytes = join((await framesOf(encrypted(), batches)).slice(0, count));
    expect(await scan(bytes, withWrong())).toMatchObject({ unopenedKeyId: 'k1', eventCount: 0, damaged: [] });
    const { error } = await read(withWrong(), bytes, open);
    expect(error).toMatchObject({
      code: 'RELAY_SEGMENT_DAMAGED',
      message: expect.stringContaining('the key k1 has other'),
    });
    expect(await scan(bytes)).not.toHaveProperty('unopenedKeyId');
    expect((await read(encrypted(), bytes, open)).error).toBeUndefined();
  });

  it('is told from damage beside it, and from a tail that was cut off', async () => {
    const frames = await framesOf(encrypted(), batches);
    const damaged = join(frames);
    damaged[3] = (damaged[3] ?? 0) ^ 1;
    expect(await scan(damaged, withWrong())).toMatchObject({ unopenedKeyId: 'k1' });
    expect(await scan(join(frames).subarray(0, -5), withWrong())).toMatchObject({ unopenedKeyId: 'k1' });
  });

  it('is told where frames of another key are right', async () => {
    const ring = encrypted();
    const first = (await framesOf(ring, [[1]]))[0] as Uint8Array;
    ring.keys.rotate(keyOf('k2'));
    const second = (await ring.encode([2], { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 1 })).bytes;
    const both = encrypted({ keys: { current: keyOf('k2'), others: [wrong] } });
    expect(await scan(join([first, second]), both)).toMatchObject({ unopenedKeyId: 'k1' });
  });

  it('is not blamed for a frame that is damaged among frames that open', async () => {
    const frames = await framesOf(encrypted(), batches);
    for (let damagedFrame = 0; damagedFrame < 3; damagedFrame += 1) {
      const bytes = join(frames.map((frame, index) => (index === damagedFrame ? flipped(frame, -20) : frame)));
      const result = await scan(bytes);
      expect(result).not.toHaveProperty('unopenedKeyId');
      expect(result.damaged).toHaveLength(1);
    }
  });

  it('is not blamed for what a write left that was cut off, wherever it was', async () => {
    for (let round = 0; round < 300; round += 1) {
      const frame = ((await framesOf(encrypted(), [[{ text: 'x'.repeat(700) }]]))[0] as Uint8Array).slice();
      // Zeros from anywhere behind the header to the end, and one sector in the middle.
      const torn = frame.slice().fill(0, frame.byteLength - 1 - (round % 700));
      const holed = frame.slice().fill(0, 200, 712);
      for (const bytes of [torn, holed]) {
        const result = await scan(bytes);
        expect(result).toMatchObject({ eventCount: 0, tornTailBytes: bytes.byteLength });
        expect(result).not.toHaveProperty('unopenedKeyId');
      }
    }
  });

  it('which ends no frame with a zero, so that one there is always a cut', async () => {
    const serializer = encrypted();
    for (let frameIndex = 0; frameIndex < 3_000; frameIndex += 1) {
      const { bytes } = await serializer.encode([1], { spoolId: SPOOL, segmentId: SEGMENT, frameIndex });
      expect(bytes.at(-1)).not.toBe(0);
    }
  });

  it('nor for frames out of order, whose place is wrong', async () => {
    const frames = await framesOf(encrypted(), batches);
    const bytes = join([frames[1], frames[0]] as Uint8Array[]);
    expect(await scan(bytes)).not.toHaveProperty('unopenedKeyId');
  });
});

describe('keys that are wiped', () => {
  /** A source that wipes the keys during its nth read, and reads small pieces of a large file. */
  function wiping(bytes: Uint8Array, ring: KeyRing, atRead: number): ByteSource {
    let reads = 0;
    return {
      sizeBytes: bytes.byteLength,
      async read(positionBytes, lengthBytes) {
        reads += 1;
        if (reads === atRead) ring.wipe();
        return bytes.slice(positionBytes, positionBytes + lengthBytes);
      },
    };
  }

  const large = Array.from({ length: 6 }, (_, n) => [{ n, text: 'x'.repeat(200_000) }]);

  it.for([1, 2, 3, 4, 5, 6])('while a file is read, read %i, are missing, and nothing is damaged', async (atRead) => {
    const bytes = await fileOf(encrypted(), large);
    const scanned = encrypted();
    const result = await scanned.scan(wiping(bytes, scanned.keys, atRead), segment());
    if (scanned.keys.currentId === undefined) {
      expect(result).toMatchObject({ missingKeyId: 'k1', damaged: [] });
      expect(result).not.toHaveProperty('unopenedKeyId');
    }
    const decoded = encrypted();
    const reading = async (): Promise<number> => {
      let count = 0;
      for await (const _ of decoded.decode(wiping(bytes, decoded.keys, atRead), segment())) count += 1;
      return count;
    };
    const outcome = await reading().catch((error: unknown) => error);
    if (decoded.keys.currentId === undefined) {
      expect(outcome).toMatchObject({ code: 'RELAY_KEY_MISSING', facts: { keyId: 'k1' } });
    }
    const moved = encrypted();
    const { intact } = await encrypted().scan(sourceOf(bytes), segment());
    const range = intact[0];
    if (!range) expect.fail('nothing is intact');
    const to = { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 0 };
    const moving = async (): Promise<void> => {
      for await (const _ of moved.reframe(wiping(bytes, moved.keys, atRead), range, segment(), to));
    };
    const failure = await moving().catch((error: unknown) => error);
    if (moved.keys.currentId === undefined) expect(failure).toMatchObject({ code: 'RELAY_KEY_MISSING' });
    expect([scanned, decoded, moved].some(({ keys }) => keys.currentId === undefined)).toBe(true);
  });

  it('while the last frame is read are missing, too', async () => {
    const [frame] = await framesOf(encrypted(), [[{ text: 'x'.repeat(500_000) }]]);
    const scanned = encrypted();
    const result = await scanned.scan(wiping(frame as Uint8Array, scanned.keys, 2), open);
    expect(scanned.keys.currentId).toBeUndefined();
    expect(result).toMatchObject({ missingKeyId: 'k1' });
    expect(result).not.toHaveProperty('unopenedKeyId');
  });

  it('do not come back by what a provider was asked before', async () => {
    let answer: (key: EncryptionKey) => void = () => undefined;
    const asked = () => new Promise<EncryptionKey>((resolve) => (answer = resolve));
    const ring = new KeyRing({ current: asked, find: asked });
    const refreshing = ring.refresh();
    ring.wipe();
    answer(keyOf('k1'));
    await expect(refreshing).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    expect(ring.currentId).toBeUndefined();

    const bytes = await fileOf(encrypted(), batches);
    const finding = encrypted({ keys: ring }).scan(sourceOf(bytes), open);
    await Promise.resolve().then(() => Promise.resolve());
    ring.wipe();
    answer(keyOf('k1'));
    expect(await finding).toMatchObject({ missingKeyId: 'k1' });

    const again = ring.refresh();
    answer(keyOf('k1'));
    await again;
    expect(ring.currentId).toBe('k1');
  });

  it('are said to be wiped, where there is no provider to blame', async () => {
    const serializer = encrypted();
    serializer.keys.wipe();
    const place = { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 0 };
    const error = await serializer.encode([1], place).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'RELAY_KEY_MISSING',
      message: expect.stringMatching(/were wiped.*rotate\(\)/),
    });
    expect(error).not.toMatchObject({ message: expect.stringContaining('provider') });
    serializer.keys.rotate(keyOf('k2'));
    expect((await serializer.encode([1], place)).eventCount).toBe(1);
  });
});

function flipped(frame: Uint8Array, at: number): Uint8Array {
  const bytes = frame.slice();
  bytes[bytes.byteLength + at] = (bytes.at(at) ?? 0) ^ 1;
  return bytes;
}
