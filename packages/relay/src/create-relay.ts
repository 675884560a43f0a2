import { RelayEventBuffer } from '@relaykit/buffer';
import { FileDiskWriter, warnOfDroppedSegment } from '@relaykit/disk-writer';
import { DEFAULT_MAX_RETRY_AGE_MS, DiskExportQueue, HttpUploader } from '@relaykit/export-queue';
import { defaultRetention } from '@relaykit/rotation';
import { openSegmentStore, resolveQuarantineLimits, systemClock } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { SegmentUploader } from '@relaykit/types';
import { AssembledRelay } from './assembled-relay.ts';
import { checkArchive } from './check-archive.ts';
import { checkForgetting } from './check-forgetting.ts';
import { chooseRotation } from './choose-rotation.ts';
import { NO_SEGMENTS, plus } from './delivery-counter.ts';
import { checkKnownOptions } from './known-options.ts';
import { LateSegmentStore } from './late-segment-store.ts';
import type { Relay } from './relay.ts';
import type { RelayMetrics, RelayOptions } from './relay-options.ts';

/**
 * Wires buffer, disk writer, segment store and export queue into one pipeline.
 *
 * Synchronous, so that a module can make one at its top level and add events at once. Every mistake in the options
 * throws here, before anything is touched; trouble with the disk shows at the first flush, or at `open()` for whoever
 * wants to know at start. With `url` or `uploader` delivery goes on in the background from here, beginning with what
 * earlier runs left in the directory.
 *
 * @throws TypeError, RangeError - an option is unknown or breaks its rule; the message names option, rule and value.
 */
export function createRelay<TEvent>(options: RelayOptions<TEvent>): Relay<TEvent> {
  checkKnownOptions(options);
  checkListeners(options);
  checkMetrics(options.metrics);
  const {
    url: _url,
    http: _http,
    uploader: _uploader,
    buffer: bufferOptions,
    export: exportOptions,
    maxSegmentBytes: _maxSegmentBytes,
    maxSegmentAgeMs: _maxSegmentAgeMs,
    maxSegmentEvents: _maxSegmentEvents,
    quarantine = {},
    allowEarlyForgetting = false,
    lifecycle,
    ...writerOptions
  } = options;
  const { directory, fileSystem, logger, metrics, ownership, allowUnsafeDirectory, onSegmentDropped, onSegmentSealed } =
    writerOptions;
  const clock = writerOptions.clock ?? systemClock();
  const serializer = writerOptions.serializer ?? new JSONEventSerializer<TEvent>();
  const withLogger = logger === undefined ? {} : { logger };

  const uploader = chooseUploader(options);
  const rotation = chooseRotation(options);
  resolveQuarantineLimits(quarantine);
  if (uploader && !allowEarlyForgetting) {
    const { retention = defaultRetention() } = writerOptions;
    const { maxRetryAgeMs = DEFAULT_MAX_RETRY_AGE_MS } = exportOptions ?? {};
    checkForgetting({ rotation, retention, maxRetryAgeMs });
  }
  const store = new LateSegmentStore(async () => {
    // Both recover what earlier runs left. The writer first, so that what `open()` reports is all of it; whatever keeps it
    // from opening is told by the first flush.
    await writer.open().catch(() => undefined);
    return openSegmentStore({
      directory,
      serializers: [serializer],
      quarantine,
      clock,
      ...withLogger,
      ...(fileSystem === undefined ? {} : { fileSystem }),
      ...(ownership === undefined ? {} : { ownership }),
      ...(allowUnsafeDirectory === undefined ? {} : { allowUnsafeDirectory }),
    });
  });
  const queue = uploader && new DiskExportQueue({ ...exportOptions, store, uploader, clock, ...withLogger });
  checkArchive(directory, exportOptions?.afterDelivery, fileSystem);
  let droppedFromSpool = NO_SEGMENTS;
  const writer = new FileDiskWriter<TEvent>({
    ...writerOptions,
    serializer,
    clock,
    rotation,
    onSegmentDropped(segment) {
      droppedFromSpool = plus(droppedFromSpool, segment);
      if (onSegmentDropped) onSegmentDropped(segment);
      else if (!logger) warnOfDroppedSegment(segment);
    },
    onSegmentSealed(segment) {
      queue?.wake();
      onSegmentSealed?.(segment);
    },
  });
  if (lifecycle !== undefined && writer.writeSync === undefined) {
    throw new TypeError(
      'serializer must have encodeSync beside lifecycle: without it nothing can be stored while the process exits',
    );
  }
  const buffer = new RelayEventBuffer<TEvent>({
    ...bufferOptions,
    persistence: writer,
    clock,
    ...withLogger,
    ...(lifecycle === undefined ? {} : { lifecycle }),
  });
  const observed = metrics ? [metrics.observeBuffer(buffer), ...(queue ? [metrics.observeQueue(queue)] : [])] : [];
  queue?.start();
  return new AssembledRelay({
    buffer,
    writer,
    store,
    queue,
    clock,
    observed,
    droppedFromSpool: () => droppedFromSpool,
  });
}

function chooseUploader<TEvent>(options: RelayOptions<TEvent>): SegmentUploader | undefined {
  const { url, http, uploader, clock, export: exportOptions } = options;
  if (uploader !== undefined && typeof uploader?.upload !== 'function') {
    throw new TypeError('uploader must be a SegmentUploader with upload');
  }
  if (url !== undefined && uploader !== undefined) {
    throw new TypeError('url must not stand beside uploader; choose one of them');
  }
  if (url === undefined && http !== undefined) throw new TypeError('http has no effect without url; pass url, too');
  if (url === undefined && uploader === undefined && exportOptions !== undefined) {
    throw new TypeError('export has no effect without url or uploader; pass one of them, too');
  }
  if (url === undefined) return uploader;
  return new HttpUploader({ ...http, url, ...(clock === undefined ? {} : { clock }) });
}

function checkMetrics(metrics: RelayMetrics | undefined): void {
  if (metrics === undefined) return;
  for (const method of ['attachWriter', 'observeBuffer', 'observeQueue'] as const) {
    const found: unknown = metrics?.[method];
    if (typeof found !== 'function') throw new TypeError(`metrics must have the method ${method}, got ${typeof found}`);
  }
}

/** Those that the relay wraps: the writer would only see the wrapping. */
function checkListeners<TEvent>(options: RelayOptions<TEvent>): void {
  for (const name of ['onSegmentDropped', 'onSegmentSealed'] as const) {
    const listener: unknown = options[name];
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError(`${name} must be a function, got ${typeof listener}`);
    }
  }
}
