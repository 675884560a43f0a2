// Which cases run, how large, how often, and what stands for each in the report.

export interface PlannedCase {
  /** As the file of the group calls it. */
  readonly name: string;
  readonly label: string;
  /** Part of what the others do: for those who are so slow that all of it would take minutes. */
  readonly share?: number;
}

export interface Group {
  readonly id: string;
  /** The file in `cases`. */
  readonly module: string;
  readonly title: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly cases: readonly PlannedCase[];
  /** Each case is divided by this one, round by round. */
  readonly reference: string;
  /** The parameter that `share` makes smaller. */
  readonly scaledBy?: string;
  readonly rounds: number;
  /** Whether the processes live side by side and take turns, rather than begin anew for each round. */
  readonly livesOn: boolean;
  /** What the chart shows, and what ratios are of. */
  readonly metric: string;
}

const raw = { name: 'raw', label: 'by hand, `writeSync`' };
const relay = { name: 'relay', label: '**Relaykit**, `createRelay()`' };
const pinoSync = { name: 'pinoSync', label: 'pino, sync, `minLength` 4096' };
const pinoAsync = { name: 'pinoAsync', label: 'pino, async, `minLength` 4096' };

/** Of a hundred thousand events each. */
const GROWTH_ROUNDS = 100;
/**
 * Batches that a case stores before it is measured. V8 (Node 20) compiles with optimization what ran thousands of times: a
 * flush of 200 events took 0.120 ms after 500 of them, 0.056 after 3,000 and 0.051 after 4,000. What is measured is what goes
 * on for days.
 */
const WARM_UP_BATCHES = 3_000;

/**
 * @param isSmall - Sizes that only show that everything still runs.
 * @param maxRounds - Fewer rounds than planned, where there is less time.
 */
export function plan(isSmall: boolean, maxRounds: number): Group[] {
  const rounds = (full: number): number => Math.min(full, isSmall ? 2 : maxRounds);
  const size = (full: number, small: number): number => (isSmall ? small : full);
  const synced = [1, 10, 100, 1_000].map((batchEvents): Group => {
    // Long enough that each round has seals in it, and that code which another process has pushed out of the caches is back.
    const batches = Math.ceil(1_000 / Math.cbrt(batchEvents));
    return {
      id: `synced-${batchEvents}`,
      module: 'synced',
      title: batchEvents === 1 ? 'batches of one event' : `batches of ${batchEvents.toLocaleString('en-US')} events`,
      parameters: { batchEvents, batches: size(batches, 3), warmUpBatches: size(WARM_UP_BATCHES, 3) },
      cases: [
        { name: 'rawAsynchronous', label: 'by hand, asynchronous write and `fdatasync`' },
        { name: 'raw', label: 'by hand, `writeSync` and asynchronous `fdatasync`' },
        relay,
        { name: 'betterSqlite3', label: 'better-sqlite3, WAL, `synchronous` FULL' },
        { name: 'lmdb', label: 'lmdb, flushed' },
        { name: 'classicLevel', label: 'classic-level, `sync`' },
      ],
      reference: 'rawAsynchronous',
      livesOn: true,
      rounds: rounds(20),
      metric: 'eventsPerSecond',
    };
  });
  const flushes = [1_000, 5_000, 10_000].flatMap((eventCount) =>
    [0, 1].map(
      (isSynced): Group => ({
        id: `flush-${eventCount}-${isSynced ? 'synced' : 'written'}`,
        module: 'flush',
        title: `${eventCount.toLocaleString('en-US')} events, ${isSynced ? 'synced' : 'written'}`,
        parameters: {
          eventCount: isSmall ? eventCount / 100 : eventCount,
          isSynced,
          flushes: size(20, 3),
          warmUpFlushes: size(WARM_UP_BATCHES, 3),
        },
        cases: [raw, relay, { name: 'relayAtLimit', label: 'Relaykit, a spool at its limit' }],
        reference: 'raw',
        livesOn: true,
        rounds: rounds(20),
        metric: 'p50Ms',
      }),
    ),
  );
  return [
    {
      id: 'written',
      module: 'written',
      title: 'Into a file, not synced',
      parameters: { eventCount: size(50_000, 4_000), warmUpRounds: size(30, 1) },
      scaledBy: 'eventCount',
      cases: [
        { name: 'stringify', label: '`JSON.stringify` alone, no file' },
        raw,
        { name: 'rawAsynchronous', label: 'by hand, asynchronous `write`' },
        { name: 'rawSegments', label: 'by hand, files of 10,000 lines, hashed and synced' },
        relay,
        { name: 'createWriteStream', label: '`createWriteStream`, waiting for drain' },
        { name: 'createWriteStreamIgnoringDrain', label: '`createWriteStream`, not waiting' },
        pinoSync,
        { ...pinoAsync, share: 0.3 },
        { name: 'pinoRoll', label: 'pino-roll, in the worker of pino', share: 0.5 },
        { name: 'winston', label: 'winston with daily-rotate-file', share: 0.2 },
        { name: 'rotatingFileStream', label: 'rotating-file-stream, waiting for drain', share: 0.05 },
      ],
      reference: 'raw',
      livesOn: true,
      rounds: rounds(20),
      metric: 'eventsPerSecond',
    },
    ...synced,
    {
      id: 'producers',
      module: 'producers',
      title: '64 producers, each waiting for its own event',
      parameters: { producers: size(64, 4), eventsEach: size(60, 3), warmUpRounds: size(WARM_UP_BATCHES / 60, 1) },
      scaledBy: 'eventsEach',
      cases: [
        { name: 'rawGroup', label: 'group commit by hand' },
        relay,
        { name: 'betterSqlite3', label: 'better-sqlite3, a transaction an event', share: 0.2 },
        { name: 'betterSqlite3Coalesced', label: 'better-sqlite3, coalesced by hand' },
        { name: 'lmdb', label: 'lmdb, flushed' },
        { name: 'classicLevel', label: 'classic-level, `sync`', share: 0.5 },
      ],
      reference: 'rawGroup',
      livesOn: true,
      rounds: rounds(20),
      metric: 'eventsPerSecond',
    },
    ...flushes,
    {
      id: 'enqueue',
      module: 'enqueue',
      title: 'Handing over one event',
      parameters: { turns: size(150, 2) },
      cases: [
        { name: 'stringify', label: '`JSON.stringify` alone' },
        { name: 'arrayPush', label: '`array.push`' },
        { name: 'relay', label: '**Relaykit**, `add`' },
        { name: 'relayOnFlush', label: "**Relaykit**, `add` with `encode: 'onFlush'`" },
        { name: 'pinoSync', label: 'pino, sync, `info`' },
        { name: 'pinoAsync', label: 'pino, async, `info`' },
        { name: 'openTelemetry', label: 'OpenTelemetry `BatchLogRecordProcessor`, `emit`' },
        { name: 'posthogNode', label: 'posthog-node, `capture`' },
        { name: 'segmentAnalyticsNode', label: '@segment/analytics-node, `track`' },
      ],
      reference: 'stringify',
      livesOn: false,
      rounds: rounds(5),
      metric: 'nanosecondsPerEvent',
    },
    {
      id: 'encode',
      module: 'encode',
      title: 'Encoding batches of 1,000 events',
      parameters: { batches: size(150, 2) },
      cases: [
        { name: 'stringify', label: '`JSON.stringify` of each, no bytes' },
        { name: 'stringifyToBytes', label: '`JSON.stringify` of each, `Buffer.from`' },
        { name: 'json', label: '**`JSONEventSerializer`**' },
        { name: 'zlibGzip1', label: '`node:zlib` gzip, level 1, called directly' },
        { name: 'gzip1', label: '**`GzipSerializer`**, native, level 1' },
        { name: 'zlibGzip6', label: '`node:zlib` gzip, level 6, called directly' },
        { name: 'gzip6', label: '**`GzipSerializer`**, native, level 6' },
        { name: 'gzipFflate1', label: '**`GzipSerializer`**, fflate, level 1' },
        { name: 'zstdWasm1', label: '**`ZstdSerializer`**, WebAssembly, level 1' },
        { name: 'zstdWasm3', label: '**`ZstdSerializer`**, WebAssembly, level 3' },
        { name: 'encryptedNative', label: '**`EncryptedSerializer`**, native' },
        { name: 'encryptedJavascript', label: '**`EncryptedSerializer`**, JavaScript' },
      ],
      reference: 'stringify',
      livesOn: false,
      rounds: rounds(3),
      metric: 'medianMs',
    },
    ...[100, 1_000].map(
      (cycles): Group => ({
        id: `memory-${cycles}`,
        module: 'memory',
        title: `${cycles.toLocaleString('en-US')} cycles of adding 10,000 events and flushing`,
        parameters: { cycles: size(cycles, 2) },
        cases: [
          { name: 'raw', label: 'by hand, one buffer' },
          relay,
          // A thousand cycles of these take minutes and say nothing that a hundred do not.
          ...(cycles === 100
            ? [{ name: 'objectsUntilFlush', label: 'objects kept until the flush, one string' }, pinoSync, pinoAsync]
            : []),
        ],
        reference: 'raw',
        livesOn: false,
        rounds: rounds(cycles === 100 ? 3 : 1),
        metric: 'peakRssGrowthMegabytes',
      }),
    ),
    {
      id: 'growth',
      module: 'written',
      title: '10,000,000 events in one process',
      parameters: { eventCount: size(100_000, 2_000), warmUpRounds: size(15, 1) },
      cases: [raw, relay],
      reference: 'raw',
      livesOn: true,
      rounds: rounds(GROWTH_ROUNDS),
      metric: 'eventsPerSecond',
    },
    {
      id: 'spool',
      module: 'spool',
      title: 'A spool of 10,000 sealed segments',
      parameters: { segments: size(10_000, 20) },
      cases: [
        { name: 'raw', label: '`readdir`' },
        { name: 'relay', label: '**Relaykit**, a segment store' },
        { name: 'writer', label: '**Relaykit**, a writer (it lists nothing: `readdir`)' },
      ],
      reference: 'raw',
      livesOn: false,
      rounds: rounds(3),
      metric: 'listMs',
    },
    {
      id: 'loss',
      module: 'loss',
      title: 'Events missing after the end of the process',
      // The worst for everybody: just short of what starts a write of 250 or of 500.
      parameters: { eventCount: size(20_499, 999) },
      cases: [
        { name: 'relay', label: '**Relaykit**, `createRelay({ directory })`, not waiting' },
        { name: 'relayLifecycle', label: '**Relaykit**, with `nodeLifecycle()`, not waiting' },
        { name: 'relayAcknowledged', label: '**Relaykit**, after `await flush()`' },
        { name: 'createWriteStream', label: '`createWriteStream`' },
        { name: 'pinoSync', label: pinoSync.label },
        { name: 'pinoAsync', label: pinoAsync.label },
        { name: 'pinoWorker', label: 'pino, in its worker' },
        { name: 'winston', label: 'winston File' },
      ],
      reference: 'relay',
      livesOn: false,
      rounds: rounds(3),
      metric: 'lostAtKill',
    },
  ];
}
