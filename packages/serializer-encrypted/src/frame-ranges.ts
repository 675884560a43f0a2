import type { DamagedRange, FrameScan, IntactRange } from '@relaykit/types';
import { hasTotals } from './closing-totals.ts';
import type { FoundHeader } from './frame-header.ts';

/**
 * Gathers authentic frames into ranges without a gap. Frames carry their index, so that one that is repeated or out of
 * order is refused, and one that is missing ends a range, whether or not it left bytes behind.
 */
export class FrameRanges {
  readonly #intact: IntactRange[] = [];
  readonly #damaged: DamagedRange[] = [];
  readonly #firstFrameIndex: number;
  #range: IntactRange | undefined;
  #endBytes = 0;
  #nextIndex: number;
  #eventCount = 0;
  #keyId: string | undefined;
  #hasClosing = false;
  #isClosed = false;

  constructor(firstFrameIndex: number) {
    this.#firstFrameIndex = firstFrameIndex;
    this.#nextIndex = firstFrameIndex;
  }

  /** Whether a frame of this index may stand here. */
  accepts({ frameIndex }: FoundHeader): boolean {
    return !this.#hasClosing && frameIndex >= this.#nextIndex;
  }

  add(positionBytes: number, header: FoundHeader, plaintext: Uint8Array): void {
    const { eventCount, frameBytes, frameIndex, isClosing, keyId } = header;
    if (positionBytes > this.#endBytes) {
      const lengthBytes = positionBytes - this.#endBytes;
      this.#damaged.push({ positionBytes: this.#endBytes, lengthBytes, reason: 'authentication' });
      this.#closeRange();
    }
    if (frameIndex !== this.#nextIndex) this.#closeRange();
    if (isClosing) {
      this.#hasClosing = true;
      const isFromStart = this.#firstFrameIndex > 0 || (this.#intact.length === 0 && this.#damaged.length === 0);
      const totals = { eventCount: this.#eventCount, sizeBytes: positionBytes };
      this.#isClosed = isFromStart && (this.#firstFrameIndex > 0 || hasTotals(plaintext, totals));
    }
    const range = this.#range ?? {
      positionBytes,
      lengthBytes: 0,
      eventCount: 0,
      firstFrameIndex: frameIndex,
      frameCount: 0,
    };
    this.#range = {
      ...range,
      lengthBytes: range.lengthBytes + frameBytes,
      eventCount: range.eventCount + eventCount,
      frameCount: range.frameCount + 1,
    };
    this.#endBytes = positionBytes + frameBytes;
    this.#nextIndex = frameIndex + 1;
    this.#eventCount += eventCount;
    this.#keyId = keyId;
  }

  finish(sizeBytes: number, keys: Pick<FrameScan, 'missingKeyId' | 'unopenedKeyId'>): FrameScan {
    this.#closeRange();
    return {
      intact: this.#intact,
      damaged: this.#damaged,
      tornTailBytes: sizeBytes - this.#endBytes,
      eventCount: this.#eventCount,
      isClosed: this.#isClosed,
      ...(this.#keyId === undefined ? {} : { keyId: this.#keyId }),
      ...keys,
    };
  }

  #closeRange(): void {
    if (this.#range) this.#intact.push(this.#range);
    this.#range = undefined;
  }
}
