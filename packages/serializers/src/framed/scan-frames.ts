import type { ByteSource, DamagedRange, DamageReason, FrameScan, IntactRange } from '@relaykit/types';
import type { FrameCodec } from './frame-codec.ts';
import { type FoundFrame, FrameReader } from './frame-reader.ts';

export interface ScanOptions {
  readonly codec: FrameCodec;
  readonly maxDecodedBytes: number;
  readonly firstFrameIndex: number;
  /** Events in what another program made; `undefined` where it holds anything else. */
  readonly countEvents: (content: Uint8Array) => Promise<number | undefined>;
}

/**
 * What a scan goes through of other programs' frames, packed and unpacked: what one frame may decode to, and 100 bytes for
 * each byte of the source. Lines of events become a tenth to a fiftieth; a bomb, a thousandth and less. Frames behind that
 * are taken for damage, so a file costs its scan time in proportion to its own size, whatever it unpacks to.
 */
export const MAX_FOREIGN_RATIO = 100;

/** 200 small pieces of other programs take a few milliseconds; then other work gets its turn. */
const FOREIGN_PIECES_BETWEEN_TURNS = 200;

/**
 * Walks the frames of a source by their checked headers and checksums, without decoding them. A frame whose header is
 * whole is stepped over when it is damaged; otherwise the next header whose check fits is looked for. Takes time in
 * proportion to the size of the source, whatever it holds.
 */
export async function scanFrames(source: ByteSource, options: ScanOptions): Promise<FrameScan> {
  const { codec, maxDecodedBytes } = options;
  const maxForeignBytes = maxDecodedBytes + MAX_FOREIGN_RATIO * source.sizeBytes;
  const reader = new FrameReader(source, codec, maxDecodedBytes, maxForeignBytes);
  const ranges = new FrameRanges(options.firstFrameIndex);
  let foreignPieces = 0;
  for (let position = 0; position < source.sizeBytes; ) {
    const found = await reader.frameAt(position);
    if (found.kind === 'foreign') {
      foreignPieces += 1;
      if (foreignPieces % FOREIGN_PIECES_BETWEEN_TURNS === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const eventCount = await eventsIn(found, options);
    if (eventCount !== undefined && 'lengthBytes' in found && found.lengthBytes !== undefined) {
      ranges.addIntact(position, found.lengthBytes, eventCount);
      position += found.lengthBytes;
      continue;
    }
    ranges.addDamage(found.kind === 'damaged' ? found.reason : 'syntax');
    const skipped = 'lengthBytes' in found ? found.lengthBytes : undefined;
    position = skipped === undefined ? await reader.findOwn(position + 1) : position + skipped;
  }
  return ranges.finish(source.sizeBytes);
}

async function eventsIn(found: FoundFrame, { countEvents }: ScanOptions): Promise<number | undefined> {
  if (found.kind === 'own') return found.eventCount;
  return found.kind === 'foreign' ? countEvents(found.content) : undefined;
}

/** Merges neighbours; what lies between intact ranges is damage. */
class FrameRanges {
  readonly #intact: IntactRange[] = [];
  readonly #damaged: DamagedRange[] = [];
  #endBytes = 0;
  #frameIndex: number;
  #reason: DamageReason | undefined;

  constructor(firstFrameIndex: number) {
    this.#frameIndex = firstFrameIndex;
  }

  addIntact(positionBytes: number, lengthBytes: number, eventCount: number): void {
    const last = this.#intact.at(-1);
    if (last && this.#reason === undefined) {
      this.#intact[this.#intact.length - 1] = {
        ...last,
        lengthBytes: last.lengthBytes + lengthBytes,
        eventCount: last.eventCount + eventCount,
        frameCount: last.frameCount + 1,
      };
    } else {
      if (this.#reason !== undefined) {
        const damagedBytes = positionBytes - this.#endBytes;
        this.#damaged.push({ positionBytes: this.#endBytes, lengthBytes: damagedBytes, reason: this.#reason });
        this.#reason = undefined;
      }
      this.#intact.push({ positionBytes, lengthBytes, eventCount, firstFrameIndex: this.#frameIndex, frameCount: 1 });
    }
    this.#endBytes = positionBytes + lengthBytes;
    this.#frameIndex += 1;
  }

  /** Several in a row become one range, with the reason of the first. */
  addDamage(reason: DamageReason): void {
    this.#reason ??= reason;
    this.#frameIndex += 1;
  }

  finish(sizeBytes: number): FrameScan {
    return {
      intact: this.#intact,
      damaged: this.#damaged,
      tornTailBytes: sizeBytes - this.#endBytes,
      eventCount: this.#intact.reduce((sum, { eventCount }) => sum + eventCount, 0),
    };
  }
}
