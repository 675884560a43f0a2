import type { QuarantineOptions } from '@relaykit/segments';
import type { AfterDelivery } from '@relaykit/types';
import { checkOptionNames } from './check-option-names.ts';
import type { RelayBufferOptions, RelayExportOptions, RelayHttpOptions, RelayOptions } from './relay-options.ts';

// The compiler holds these to the types: a new option that is missing here, or a stale one, does not compile.
type Names<Options> = Readonly<Record<keyof Required<Options>, true>>;

const relayNames: Names<RelayOptions<unknown>> = {
  directory: true,
  url: true,
  http: true,
  uploader: true,
  serializer: true,
  rotation: true,
  retention: true,
  whenFull: true,
  maxSegmentBytes: true,
  maxSegmentAgeMs: true,
  maxSegmentEvents: true,
  retry: true,
  durability: true,
  flushMode: true,
  maxEventBytes: true,
  holdExport: true,
  quarantine: true,
  allowUnsafeDirectory: true,
  buffer: true,
  export: true,
  lifecycle: true,
  metrics: true,
  allowEarlyForgetting: true,
  onSegmentSealed: true,
  onSegmentDropped: true,
  onFlushed: true,
  clock: true,
  fileSystem: true,
  ownership: true,
  logger: true,
};

const bufferNames: Names<RelayBufferOptions<unknown>> = {
  maxEvents: true,
  maxBytes: true,
  flushEvents: true,
  flushBytes: true,
  flushIntervalMs: true,
  overflow: true,
  encode: true,
  onDropped: true,
};

const exportNames: Names<RelayExportOptions> = {
  retry: true,
  maxRetryAgeMs: true,
  concurrency: true,
  order: true,
  pollIntervalMs: true,
  maxBytesPerSecond: true,
  conditions: true,
  afterDelivery: true,
  closeDeadlineMs: true,
  random: true,
};

const quarantineNames: Names<QuarantineOptions> = {
  maxBytes: true,
  maxSegments: true,
  whenFull: true,
};

const archiveNames: Names<Exclude<AfterDelivery, 'delete'>> = {
  archiveDirectory: true,
  keepForMs: true,
};

const httpNames: Names<RelayHttpOptions> = {
  method: true,
  headers: true,
  timeoutMs: true,
  minBytesPerSecond: true,
  statusTable: true,
  receiptHeader: true,
  allowInsecureHttp: true,
  tls: true,
  transport: true,
};

/** @throws TypeError - names the option that nothing reads. */
export function checkKnownOptions<TEvent>(options: RelayOptions<TEvent>): void {
  checkOptionNames('createRelay', options, relayNames);
  if (options.buffer !== undefined) checkOptionNames('buffer', options.buffer, bufferNames);
  if (options.export !== undefined) checkOptionNames('export', options.export, exportNames);
  if (options.quarantine !== undefined) checkOptionNames('quarantine', options.quarantine, quarantineNames);
  const afterDelivery: unknown = options.export?.afterDelivery;
  if (typeof afterDelivery === 'object') checkOptionNames('export.afterDelivery', afterDelivery, archiveNames);
  if (options.http !== undefined) checkOptionNames('http', options.http, httpNames);
}
