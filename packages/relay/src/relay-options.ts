import type { RelayEventBufferOptions } from '@relaykit/buffer';
import type { DiskWriterMetricsCollector, FileDiskWriterOptions } from '@relaykit/disk-writer';
import type { DiskExportQueueOptions, HttpUploaderOptions } from '@relaykit/export-queue';
import type { QuarantineOptions } from '@relaykit/segments';
import type { LifecycleSource, SegmentUploader } from '@relaykit/types';

/** `DiskWriterMetricsCollector` fits. */
export type RelayMetrics = Pick<DiskWriterMetricsCollector, 'attachWriter' | 'observeBuffer' | 'observeQueue'>;

/** Options of the buffer that the relay does not settle itself. Each is described in `@relaykit/buffer`. */
export type RelayBufferOptions<TEvent> = Omit<
  RelayEventBufferOptions<TEvent>,
  'persistence' | 'closesPersistence' | 'durability' | 'lifecycle' | 'clock' | 'logger'
>;

/** Options of the queue that the relay does not settle itself. Each is described in `@relaykit/export-queue`. */
export type RelayExportOptions = Omit<DiskExportQueueOptions, 'store' | 'uploader' | 'clock' | 'logger'>;

/** Options of the upload to `url` beside the address. Each is described in `@relaykit/export-queue`. */
export type RelayHttpOptions = Omit<HttpUploaderOptions, 'url' | 'clock'>;

/**
 * What `createRelay` takes. Only `directory` is needed; without `url` or `uploader` events are stored and not delivered.
 * The options of the writer stand here, those of the buffer, the queue and the upload in members of their own.
 */
export interface RelayOptions<TEvent> extends Omit<FileDiskWriterOptions<TEvent>, 'metrics'> {
  /** Where segments are delivered over HTTP: https, or http on loopback. Not beside `uploader`. Defaults to nowhere. */
  readonly url?: string | URL;
  /** Headers, time-outs and so on for `url`. */
  readonly http?: RelayHttpOptions;
  /** Delivers segments in a way of your own. Not beside `url`. */
  readonly uploader?: SegmentUploader;
  readonly buffer?: RelayBufferOptions<TEvent>;
  readonly export?: RelayExportOptions;
  /** Seals a segment before it exceeds this many bytes. Defaults to 8 MiB. Not beside `rotation`. */
  readonly maxSegmentBytes?: number;
  /** Seals a segment at this age in milliseconds. Defaults to 60,000. Not beside `rotation`. */
  readonly maxSegmentAgeMs?: number;
  /** Seals a segment before it exceeds this many events. Defaults to 10,000. Not beside `rotation`. */
  readonly maxSegmentEvents?: number;
  /** Bounds of what is refused for good or damaged. Described in `@relaykit/segments`. */
  readonly quarantine?: QuarantineOptions;
  /**
   * Accepts limits of age or number under which `retention` drops a segment while its delivery is still being retried.
   * Defaults to `false`: such a combination is refused.
   */
  readonly allowEarlyForgetting?: boolean;
  /**
   * Tells when the application ends or leaves the foreground: the buffer then stores what it holds. `nodeLifecycle()` is
   * the one for a Node.js process. Needs a serializer with `encodeSync`. Defaults to none: a library has no business with
   * the signals of its host, so no handler is installed unless asked for.
   */
  readonly lifecycle?: LifecycleSource;
  /** Counts what buffer, writer and queue do; see docs/METRICS.md. Defaults to none. */
  readonly metrics?: RelayMetrics;
}
