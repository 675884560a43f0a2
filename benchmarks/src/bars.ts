// What the pipeline is asked to reach, as ratios within one run, and whether it did.
import type { ResultReader } from './results.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface Bar {
  readonly work: string;
  readonly bar: string;
  /** `undefined` where it was not measured, which no bar allows. */
  readonly measured: Spread | undefined;
  readonly holds: boolean;
}

interface Wanted {
  readonly work: string;
  readonly measured: Spread | undefined;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit?: string;
}

const PIPELINE = 'relay';

export function judge(reader: ResultReader): Bar[] {
  return wanted(reader).map(({ work, measured, atLeast, atMost, unit = '×' }) => {
    const bar = atLeast === undefined ? `at most ${atMost} ${unit}` : `at least ${atLeast} ${unit}`;
    if (!measured) return { work, bar, measured, holds: false };
    const holds = atLeast === undefined ? measured.median <= (atMost ?? 0) : measured.median >= atLeast;
    return { work, bar, measured, holds };
  });
}

function wanted(reader: ResultReader): Wanted[] {
  const beside = (group: string, metric: string, ...references: string[]): Spread | undefined =>
    reader.ratio(group, metric, PIPELINE, references);
  const rate = 'eventsPerSecond';
  return [
    {
      work: 'not synced: events/s beside the best by hand',
      measured: beside('written', rate, 'raw', 'rawAsynchronous'),
      atLeast: 0.85,
    },
    { work: 'not synced: events/s beside pino, sync', measured: beside('written', rate, 'pinoSync'), atLeast: 2 },
    { work: 'not synced: events/s beside pino-roll', measured: beside('written', rate, 'pinoRoll'), atLeast: 1.8 },
    {
      work: 'not synced: events/s beside winston with rotation',
      measured: beside('written', rate, 'winston'),
      atLeast: 4,
    },
    {
      work: 'not synced: processor time an event beside by hand',
      measured: beside('written', 'cpuMicrosecondsPerEvent', 'raw'),
      atMost: 1.25,
    },
    {
      work: 'not synced: event loop held, p99, beside pino, sync',
      measured: beside('written', 'holdP99Ms', 'pinoSync'),
      atMost: 1,
    },
    ...['written', 'synced'].map(
      (durability): Wanted => ({
        work: `a flush of 10,000, ${durability}: longest hold of the event loop in all rounds`,
        measured: longest(reader, `flush-10000-${durability}`),
        atMost: 10,
        unit: 'ms',
      }),
    ),
    ...[100, 1_000].flatMap((batch): Wanted[] => {
      const group = `synced-${batch}`;
      const work = `synced, batches of ${batch.toLocaleString('en-US')}:`;
      return [
        {
          work: `${work} events/s beside by hand, asynchronous`,
          measured: beside(group, rate, 'rawAsynchronous'),
          atLeast: 0.85,
        },
        { work: `${work} events/s beside better-sqlite3`, measured: beside(group, rate, 'betterSqlite3'), atLeast: 1 },
        { work: `${work} events/s beside lmdb`, measured: beside(group, rate, 'lmdb'), atLeast: 1 },
        { work: `${work} events/s beside classic-level`, measured: beside(group, rate, 'classicLevel'), atLeast: 1 },
        {
          work: `${work} event loop held, p99, beside better-sqlite3`,
          measured: beside(group, 'holdP99Ms', 'betterSqlite3'),
          atMost: 0.33,
        },
      ];
    }),
    {
      work: '64 producers: events/s beside group commit by hand',
      measured: beside('producers', rate, 'rawGroup'),
      atLeast: 0.85,
    },
    {
      work: '64 producers: events/s beside better-sqlite3, a transaction an event',
      measured: beside('producers', rate, 'betterSqlite3'),
      atLeast: 15,
    },
    {
      work: '64 producers: event loop held, p99, beside better-sqlite3, coalesced',
      measured: beside('producers', 'holdP99Ms', 'betterSqlite3Coalesced'),
      atMost: 0.33,
    },
    ...[1_000, 5_000, 10_000].flatMap((count) =>
      ['written', 'synced'].flatMap((durability): Wanted[] => {
        const group = `flush-${count}-${durability}`;
        const work = `a flush of ${count.toLocaleString('en-US')}, ${durability}:`;
        return [
          { work: `${work} p50 beside bytes by hand`, measured: beside(group, 'p50Ms', 'raw'), atMost: 1.3 },
          {
            work: `${work} event loop held, p50, beside the write by hand`,
            measured: beside(group, 'holdP50Ms', 'raw'),
            atMost: 1,
          },
        ];
      }),
    ),
    {
      work: '`add` beside `JSON.stringify`',
      measured: beside('enqueue', 'nanosecondsPerEvent', 'stringify'),
      atMost: 1.25,
    },
    {
      work: "`add` with `encode: 'onFlush'`",
      measured: reader.spread('enqueue', 'relayOnFlush', 'nanosecondsPerEvent'),
      atMost: 150,
      unit: 'ns',
    },
    {
      work: '`add` beside the fastest logger or SDK',
      measured: beside(
        'enqueue',
        'nanosecondsPerEvent',
        'pinoSync',
        'pinoAsync',
        'openTelemetry',
        'posthogNode',
        'segmentAnalyticsNode',
      ),
      atMost: 1,
    },
    {
      work: 'JSON encode beside `JSON.stringify` of each',
      measured: reader.ratio('encode', 'medianMs', 'json', ['stringify']),
      atMost: 1.25,
    },
    ...[1, 6].map(
      (level): Wanted => ({
        work: `gzip, native, level ${level}, beside \`node:zlib\` called directly`,
        measured: reader.ratio('encode', 'medianMs', `gzip${level}`, [`zlibGzip${level}`]),
        atMost: 1.1,
      }),
    ),
    ...[100, 1_000].flatMap((cycles): Wanted[] => {
      const work = `${cycles.toLocaleString('en-US')} cycles of 10,000:`;
      return [
        {
          work: `${work} growth of peak RSS after ten of warm-up`,
          measured: reader.spread(`memory-${cycles}`, PIPELINE, 'peakRssGrowthMegabytes'),
          atMost: 10,
          unit: 'MB',
        },
        {
          work: `${work} heap slope`,
          measured: reader.spread(`memory-${cycles}`, PIPELINE, 'heapSlopeBytesPerCycle'),
          atMost: 1_000,
          unit: 'bytes a cycle',
        },
      ];
    }),
    {
      work: '10,000 sealed segments: opening the spool',
      measured: reader.spread('spool', PIPELINE, 'openMs'),
      atMost: 100,
      unit: 'ms',
    },
    {
      work: '10,000 sealed segments: listing their names',
      measured: reader.spread('spool', PIPELINE, 'listMs'),
      atMost: 50,
      unit: 'ms',
    },
    { work: '10,000,000 events: events/s of the last tenth beside the first', measured: grown(reader), atLeast: 0.9 },
  ];
}

function longest(reader: ResultReader, group: string): Spread | undefined {
  const values = reader.values(group, PIPELINE, 'holdMaxMs');
  return values.length > 0 ? spreadOf([Math.max(...values)]) : undefined;
}

/** The last tenth of a long run beside its first, each beside the raw technique in the same rounds. */
function grown(reader: ResultReader): Spread | undefined {
  const ratios = reader.ratios('growth', 'eventsPerSecond', PIPELINE, ['raw']);
  const tenth = Math.ceil(ratios.length / 10);
  if (tenth === 0) return undefined;
  const { median } = spreadOf(ratios.slice(0, tenth));
  return spreadOf(ratios.slice(-tenth).map((ratio) => ratio / median));
}
