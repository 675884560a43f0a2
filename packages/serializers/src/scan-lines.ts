import type { ByteSource, DamagedRange, DecodeLimits, FrameScan, IntactRange } from '@relaykit/types';
import { decodeLimit } from './decode-limit.ts';
import { judgeLines } from './judge-lines.ts';
import { readLineBlocks } from './line-blocks.ts';

/**
 * Finds the whole lines of a source. Damage with nothing intact behind it is the torn tail, whether or not it ends with a
 * line feed: pages of a write that was cut off may reach the disk in any order.
 */
export async function scanLines(source: ByteSource, limits: DecodeLimits | undefined): Promise<FrameScan> {
  const maxLineBytes = decodeLimit(limits);
  const ranges = new LineRanges();
  for await (const { kind, positionBytes, bytes } of readLineBlocks(source, maxLineBytes)) {
    if (kind !== 'lines') continue;
    for (const { offsetBytes, lengthBytes, text } of judgeLines(bytes, maxLineBytes)) {
      if (text !== undefined) ranges.addIntact(positionBytes + offsetBytes, lengthBytes);
    }
  }
  return ranges.finish(source.sizeBytes);
}

/** Merges neighbours; what lies between intact ranges is damage. */
class LineRanges {
  readonly #intact: IntactRange[] = [];
  readonly #damaged: DamagedRange[] = [];
  #startBytes = 0;
  #endBytes = 0;
  #rangeEvents = 0;
  #eventCount = 0;

  addIntact(positionBytes: number, lengthBytes: number): void {
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
