import type { EncodedFrame, EncodeLimits, RejectedEvent } from '@relaykit/types';
import { LineFrameBuilder, type ToLine } from './line-frame-builder.ts';

/** 4 MiB: a builder that grew beyond is given up rather than kept for the next call. */
const MAX_KEPT_BYTES = 4_194_304;

/** Encodes whole batches, with one builder that is kept from call to call. */
export class LineEncoder<TEvent> {
  readonly #toLine: ToLine<TEvent>;
  #kept: { readonly builder: LineFrameBuilder<TEvent>; readonly maxEventBytes: number | undefined } | undefined;

  constructor(toLine: ToLine<TEvent>) {
    this.#toLine = toLine;
  }

  encode(events: readonly TEvent[], limits: EncodeLimits | undefined): EncodedFrame {
    const builder = this.#takeBuilder(limits);
    const rejected: RejectedEvent[] = [];
    // `entries` goes through the holes of a sparse array, too: each is an event that has to be accounted for.
    for (const [index, event] of events.entries()) {
      const outcome = builder.add(event);
      if (outcome !== 'added') rejected.push({ index, cause: outcome.rejected });
    }
    const { bytes, eventCount } = builder.finish();
    // A copy costs little beside encoding, and callers that share a serializer cannot spoil each other's bytes.
    const frame = { bytes: bytes.slice(), eventCount, rejected };
    builder.reset();
    if (builder.capacityBytes <= MAX_KEPT_BYTES) this.#kept = { builder, maxEventBytes: limits?.maxEventBytes };
    return frame;
  }

  /** Taken out while in use: an event's `toJSON` may call the serializer again. */
  #takeBuilder(limits: EncodeLimits | undefined): LineFrameBuilder<TEvent> {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept !== undefined && kept.maxEventBytes === limits?.maxEventBytes
      ? kept.builder
      : new LineFrameBuilder(this.#toLine, limits);
  }
}
