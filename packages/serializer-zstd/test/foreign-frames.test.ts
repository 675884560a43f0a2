// Goal: frames of other programs are read frame by frame, whatever their headers leave out, and bombs do not go off.
// Method: frames made by hand from blocks that need no compressor (RFC 8878), and by the zstd tool.
import { spawnSync } from 'node:child_process';
import { ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import { describe, expect, it } from 'vitest';
import { engines } from './engines.ts';
import { decodeAll, frameOf, joined, lines, numbered, open, scanAll, sealed } from './files.ts';

const RAW = 0;
const REPEATED = 1;
const MEBIBYTE = 1_048_576;

function block(kind: number, size: number, isLast: boolean, content: Uint8Array): Uint8Array {
  const header = (size << 3) | (kind << 1) | Number(isLast);
  return joined(Uint8Array.of(header & 0xff, (header >> 8) & 0xff, header >> 16), content);
}

/** Raw blocks behind a header without content size: a window descriptor alone, as streaming encoders write it. */
function streamed(content: Uint8Array): Uint8Array {
  const half = content.byteLength >> 1;
  const head = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58);
  return joined(
    head,
    block(RAW, half, false, content.subarray(0, half)),
    block(RAW, content.byteLength - half, true, content.subarray(half)),
  );
}

/** One raw block behind a header that says how much it holds. */
function sized(content: Uint8Array, claimedBytes: number = content.byteLength): Uint8Array {
  const head = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0);
  new DataView(head.buffer).setUint32(5, claimedBytes, true);
  return joined(head, block(RAW, content.byteLength, true, content));
}

/** 128 KiB in four bytes, again and again. */
function bomb(blocks: number): Uint8Array {
  const head = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58);
  const pieces = Array.from({ length: blocks }, (_, index) =>
    block(REPEATED, 131_072, index === blocks - 1, Uint8Array.of(0x22)),
  );
  return joined(head, ...pieces);
}

const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
const makers = { streamed, sized };
const hasZstd = spawnSync('zstd', ['--version']).status === 0;

function zstd(args: readonly string[], input: Uint8Array): { status: number | null; stdout: Buffer } {
  return spawnSync('zstd', args, { input, maxBuffer: 64 * MEBIBYTE });
}

describe.each(await engines())('with $name', (engine) => {
  const serializer = new ZstdSerializer<unknown>(new JSONEventSerializer(), { engine });

  it.for(Object.entries(makers))('reads %s frames, one after another and among ours', async ([, make]) => {
    const bytes = joined(make(lines(1, 2)), skippable, await frameOf(serializer, [3]), make(lines(4)));
    expect(await decodeAll(serializer, bytes)).toEqual({ events: [1, 2, 3, 4], error: undefined });
    expect(await scanAll(serializer, bytes)).toMatchObject({
      eventCount: 4,
      damaged: [],
      tornTailBytes: 0,
      intact: [{ frameCount: 4 }],
    });
  });

  it.for(Object.entries(makers))('ends where %s frames are cut, at whichever byte', async ([, make]) => {
    const whole = make(lines(1, 2));
    for (let cut = 1; cut < whole.byteLength; cut += 1) {
      const bytes = joined(whole, whole.slice(0, cut));
      expect(await decodeAll(serializer, bytes, open), `cut at ${cut}`).toEqual({ events: [1, 2], error: undefined });
      const { error } = await decodeAll(serializer, bytes, sealed);
      expect(error, `cut at ${cut}`).toMatchObject({ code: 'RELAY_SEGMENT_TRUNCATED' });
      expect(await scanAll(serializer, bytes), `cut at ${cut}`).toMatchObject({ damaged: [], tornTailBytes: cut });
    }
  });

  it('refuses a bomb before it goes off', async () => {
    const bytes = bomb(1_600); // 200 MiB
    expect(bytes.byteLength).toBeLessThan(10_000);
    const before = process.memoryUsage().arrayBuffers;
    const { error } = await decodeAll(serializer, bytes, sealed, MEBIBYTE);
    expect(error).toMatchObject({ code: 'RELAY_LIMIT_EXCEEDED' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MEBIBYTE);
  });

  it('does not believe a frame that claims 4 GiB', async () => {
    const bytes = sized(lines(1), 0xffff_fff0);
    expect((await decodeAll(serializer, bytes)).error).toMatchObject({ code: 'RELAY_LIMIT_EXCEEDED' });
    const { error } = await decodeAll(serializer, sized(lines(1), 1_000));
    expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED' });
  });

  it('allocates nothing for a frame that claims more than it may', () => {
    expect(() => engine.decompress(sized(lines(1), 500 * MEBIBYTE), 1_000)).toThrow(
      engine.name === 'wasm' ? 'holds more than 1000 bytes' : Error,
    );
  });

  it('calls damaged what no decoder takes', async () => {
    const strange = {
      'a dictionary': Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 7, 1, 0, 0),
      'a reserved bit': Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x08, 0x58, 1, 0, 0),
      'a reserved block': Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x07, 0, 0),
      'no magic': Uint8Array.of(1, 2, 3, 4, 5),
    };
    for (const [title, bytes] of Object.entries(strange)) {
      expect((await decodeAll(serializer, bytes)).error, title).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED' });
    }
  });

  it.skipIf(!hasZstd)('opens in zstd -t and zstd -dc (skipped where zstd is missing)', async () => {
    const frames = [numbered(1), numbered(2_000, 1), [{ text: 'Zürich 東京 👩‍👩‍👧' }]];
    const file = joined(...(await Promise.all(frames.map((events) => frameOf(serializer, events)))));
    expect(zstd(['-t'], file).status).toBe(0);
    expect(zstd(['-dc'], file).stdout.equals(Buffer.from(lines(...frames.flat())))).toBe(true);
  });

  it.skipIf(!hasZstd)('reads what zstd makes (skipped where zstd is missing)', async () => {
    for (const args of [['-1'], ['-19', '--check'], ['--no-check', '--no-content-size'], ['--long']]) {
      const made = zstd(['-c', ...args], lines(...numbered(30_000))).stdout;
      const { events, error } = await decodeAll(serializer, joined(made, made));
      expect(error, args.join(' ')).toBeUndefined();
      expect(events, args.join(' ')).toEqual([...numbered(30_000), ...numbered(30_000)]);
    }
  });
});
