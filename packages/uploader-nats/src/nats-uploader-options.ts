import type { Clock, EventSerializer, Logger } from '@relaykit/types';
import type { NatsConnect } from './nats-link.ts';

/** Longer than the election of a new leader takes in a cluster. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** So many small messages fill a fast connection; a slow one is not kept waiting by more. */
export const DEFAULT_MAX_IN_FLIGHT = 256;

/** A process that is started again the next day still finds its last message known. */
export const MIN_DUPLICATE_WINDOW_MS: number = 24 * 3_600_000;

interface CommonOptions {
  /** Servers and login, or a function that connects. What it returns is closed by the uploader. */
  readonly connection: NatsConnect;
  /** Where messages go, such as `relay.{spoolId}.{writerId}`; see `checkSubject`. A stream must listen there. */
  readonly subject: string;
  /** Name of the stream that must take the messages; any other is refused by the server. Defaults to whichever listens. */
  readonly stream?: string;
  /** JetStream domain of the stream, where leaf nodes have their own. */
  readonly domain?: string;
  /** Longest time for connecting and for each acknowledgement, in milliseconds. Defaults to `DEFAULT_TIMEOUT_MS`, 10 s. */
  readonly timeoutMs?: number;
  /** Hears once of a stream whose duplicate window is shorter than `MIN_DUPLICATE_WINDOW_MS`. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** One message a segment: the bytes it has on disk, compressed and encrypted as they are. */
export interface SegmentModeOptions extends CommonOptions {
  readonly mode: 'segment';
}

/** One message an event. */
export interface EventModeOptions<TEvent> extends CommonOptions {
  readonly mode: 'event';
  /**
   * Decode the segments, each those of its own format. For JSON Lines, `RawJSONLineSerializer` gives every event's bytes as
   * they were stored; `JSONEventSerializer` parses them, and they are written anew.
   */
  readonly serializers: readonly EventSerializer<TEvent>[];
  /** What of an event is sent. Asked twice, with the same answer. Defaults to a text or bytes as they are, else JSON. */
  readonly encodeEvent?: (event: TEvent) => Uint8Array | string;
  /**
   * Messages of one upload that wait for their acknowledgement. With more than one, events that were tried again may stand
   * behind later ones in the stream. Defaults to `DEFAULT_MAX_IN_FLIGHT`, 256.
   */
  readonly maxInFlight?: number;
}

/** What a `NatsUploader` is made with; `mode` says what a message is. */
export type NatsUploaderOptions<TEvent> = SegmentModeOptions | EventModeOptions<TEvent>;
