import type { ByteSource, DamagedRange, DecodeLimits, FrameScan, IntactRange } from '@relaykit/types';
import { decodeLimit } from './decode-limit.ts';
import { READ_BYTES } from './line-blocks.ts';
import { LineChecker, type WholeLineSink } from './line-checker.ts';

/**
 * 65,536: a disk that lost every fourth sector of a file of 128 MiB stays below it. Lines behind as many damaged places are
 * taken for damage, too: recovery keeps such a file whole in quarantine, and a file made of nothing but damage costs a
 * reader 16 MiB and not sixty times its own size.
 */
export const MAX_DAMAGED_RANGES = 65_536;

/**
 * Finds the whole lines of a source. Damage with nothing intact behind it is the torn tail, whether or not it ends with a
 * line feed: pages of a write that was cut off may reach the disk in any order.
 *
 * Takes time in proportion to the size of the source, and memory for one read and the ranges, whatever the lines hold: a
 * source may be what a few hostile bytes unpacked to.
 */
export async function scanLines(source: ByteSource, limits: DecodeLimits | undefined): Promise<FrameScan> {
  const ranges = new LineRanges();
  const checker = new LineChecker(decodeLimit(limits), ranges);
  for (let endBytes = 0; endBytes < source.sizeBytes; ) {
    const piece = await source.read(endBytes, Math.min(READ_BYTES, source.sizeBytes - endBytes));
    if (piece.byteLength === 0) break; // Somebody cut the file meanwhile.
    checker.push(piece);
    endBytes += piece.byteLength;
  }
  return ranges.finish(source.sizeBytes);
}

/** Merges neighbours; what lies between intact ranges is damage. */
class LineRanges implements WholeLineSink {
  readonly #intact: IntactRange[] = [];
  readonly #damaged: DamagedRange[] = [];
  #startBytes = 0;
  #endBytes = 0;
  #rangeEvents = 0;
  #eventCount = 0;

  addIntact(positionBytes: number, lengthBytes: number): void {
    if (this.#damaged.length === MAX_DAMAGED_RANGES && positionBytes > this.#endBytes) return;
    if (positionBytes > this.#endBytes) this.#skipTo(positionBytes);
    this.#endBytes = positionBytes + lengthBytes;
    this.#rangeEvents += 1;
  }

  finish(sizeBytes: number): FrameScan {
    this.#closeRange();
    return {
      intact: this.#intact,
      damaged: this.#damaged,
      tornTailBytes: sizeBytes - this.#endBytes,
      eventCount: this.#eventCount,
    };
  }

  #skipTo(positionBytes: number): void {
    this.#closeRange();
    const lengthBytes = positionBytes - this.#endBytes;
    this.#damaged.push({ positionBytes: this.#endBytes, lengthBytes, reason: 'syntax' });
    this.#startBytes = positionBytes;
  }

  #closeRange(): void {
    if (this.#rangeEvents === 0) return;
    this.#intact.push({
      positionBytes: this.#startBytes,
      lengthBytes: this.#endBytes - this.#startBytes,
      eventCount: this.#rangeEvents,
      // Lines carry no frame borders, so each range counts as one frame.
      firstFrameIndex: this.#intact.length,
      frameCount: 1,
    });
    this.#eventCount += this.#rangeEvents;
    this.#rangeEvents = 0;
  }
}
