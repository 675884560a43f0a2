// The report as Markdown, with a chart for each group that compares rates.
import { judge } from './bars.ts';
import { barChart, figure } from './chart.ts';
import { type GroupResult, ResultReader, type Results } from './results.ts';
import type { Spread } from './statistics.ts';

/** What a metric is called in a table. */
const columns: Readonly<Record<string, string>> = {
  eventsPerSecond: 'events/s',
  cpuMicrosecondsPerEvent: 'CPU µs an event',
  p50Ms: 'p50 ms',
  worstMs: 'worst of 20, ms',
  openMs: 'open ms',
  listMs: 'list ms',
  coldP50Ms: 'p50 ms of the first 50',
  p99Ms: 'p99 ms',
  holdP99Ms: 'loop held p99 ms',
  holdP50Ms: 'loop held p50 ms',
  peakRssMegabytes: 'peak RSS MB',
  nanosecondsPerEvent: 'ns an event',
  settledNanosecondsPerEvent: 'ns, all of its work included',
  megabytesPerSecond: 'MB/s',
  medianMs: 'ms a batch',
  compression: 'times smaller',
  decodedMegabytesPerSecond: 'MB/s back',
  wholeRssGrowthMegabytes: 'RSS growth MB',
  peakRssGrowthMegabytes: 'after ten cycles MB',
  heapSlopeBytesPerCycle: 'heap slope, bytes a cycle',
  lostAtExit: 'lost at `process.exit()`',
  lostAtKill: 'lost at SIGKILL',
};

interface Section {
  readonly title: string;
  readonly words: string;
  readonly groups: readonly string[];
  readonly metrics: readonly string[];
}

const sections: readonly Section[] = [
  {
    title: 'Into a file, not synced',
    words:
      'The producer lets the event loop turn after every 1,000 events. The pipeline writes rotated segments with metadata and SHA-256, which are synced when they are sealed; the others sync nothing.',
    groups: ['written'],
    metrics: ['eventsPerSecond', 'cpuMicrosecondsPerEvent', 'holdP99Ms', 'peakRssMegabytes'],
  },
  {
    title: 'Synced before it is acknowledged',
    words: 'One batch after the other; p50 and p99 are of its acknowledgement.',
    groups: ['synced-1', 'synced-10', 'synced-100', 'synced-1000'],
    metrics: ['eventsPerSecond', 'p50Ms', 'p99Ms', 'holdP99Ms'],
  },
  {
    title: '64 producers, each waiting for its own event',
    words: 'Each sends its next event in a turn of its own, once the last one survives a power cut.',
    groups: ['producers'],
    metrics: ['eventsPerSecond', 'p50Ms', 'p99Ms', 'holdP99Ms'],
  },
  {
    title: 'One flush of many events',
    words:
      'The events are in memory and encoded when the clock starts. The first 50 flushes of a process run before most code is compiled; the other columns are of what goes on for days, after 3,000 more. A spool at its limit gives up its oldest segment, with a record of it, for each new one.',
    groups: [1_000, 5_000, 10_000].flatMap((count) => [`flush-${count}-written`, `flush-${count}-synced`]),
    metrics: ['p50Ms', 'worstMs', 'coldP50Ms', 'holdP50Ms'],
  },
  {
    title: 'Handing over one event',
    words:
      'A thousand calls in one turn. Some only take note and do their work behind the turn: the second column has all of it, up to a receiver in the process that answers at once.',
    groups: ['enqueue'],
    metrics: ['nanosecondsPerEvent', 'settledNanosecondsPerEvent'],
  },
  {
    title: 'Encoding',
    words: 'MB/s are of the JSON that goes in, and that comes back.',
    groups: ['encode'],
    metrics: ['megabytesPerSecond', 'medianMs', 'compression', 'decodedMegabytesPerSecond'],
  },
  {
    title: 'Memory',
    words:
      'Growth of the peak, from the first cycle and after ten of warm-up, while memory is collected when the engine likes to; then the heap after collections, in as many cycles more. The spool is at a limit of 32 MiB: until then, each segment that it holds is remembered.',
    groups: ['memory-100', 'memory-1000'],
    metrics: ['wholeRssGrowthMegabytes', 'peakRssGrowthMegabytes', 'heapSlopeBytesPerCycle', 'eventsPerSecond'],
  },
  {
    title: 'As the work grows',
    words: 'The run of section one, going on.',
    groups: ['growth'],
    metrics: ['eventsPerSecond', 'cpuMicrosecondsPerEvent', 'peakRssMegabytes'],
  },
  {
    title: 'A spool of many segments',
    words: 'Opening recovers what is unfinished; nothing sealed is read for it.',
    groups: ['spool'],
    metrics: ['openMs', 'listMs'],
  },
  {
    title: 'Losses',
    words:
      'A process hands over 20,499 events and ends behind the last one: just short of what starts a write. What a call to `flush()` has acknowledged is never lost; what nobody waited for, SIGKILL takes.',
    groups: ['loss'],
    metrics: ['lostAtExit', 'lostAtKill'],
  },
];

/** What keeps the pipeline from a bar, for whoever wonders at a "no". */
function limits(reader: ResultReader): string[] {
  const times = (group: string, metric: string, name: string, reference: string): string =>
    figure(reader.ratio(group, metric, name, [reference])?.median ?? Number.NaN);
  const rate = (name: string, reference: string): string => times('written', 'eventsPerSecond', name, reference);
  const cpu = times('written', 'cpuMicrosecondsPerEvent', 'relay', 'rawSegments');
  return [
    `**Not synced.** By hand, lines go into one file and that is all. The pipeline makes segments: each is hashed, synced, described by metadata that is synced, and renamed. The row "files of 10,000 lines, hashed and synced" is a plain version of that work: the pipeline does ${rate('relay', 'rawSegments')} times as many events a second as it, with ${cpu} times its processor time.`,
    `**Beside loggers.** By hand is itself ${rate('raw', 'pinoSync')} times as fast as pino, sync, and ${rate('raw', 'winston')} times as fast as winston with rotation: where that is hardly more than a bar asks of the pipeline, it asks for all that \`JSON.stringify\` and one copy leave.`,
    '**Where the disk is busy** with the work of others, a run that syncs slows down and one that does not fills memory instead: figures that are synced spread widely then, and so does what is written beside seals that wait.',
    '**A flush.** By hand it is one call, from one piece of memory into a file that stays open. The pipeline writes 500 events with each call, since that many start a write and one is in flight at a time; and after 10,000 events it begins another file while the one before is being synced. ext4 takes longer to create a file then than to take a batch, and of the flushes of 5,000 every second one pays for it: their median lies between two kinds.',
    '**Synced.** Each seal, once in 10,000 events, takes three more syncs. The sync itself holds nobody: where better-sqlite3 holds the event loop little, it is because the disk answers it in less than a millisecond.',
    `**Adding an event.** \`JSON.stringify\` returns a string in pieces; putting these into bytes takes ${times('encode', 'medianMs', 'stringifyToBytes', 'stringify')} times as long as making them alone.`,
    '**zstd, native**, is not compared: Node 20 has none.',
  ];
}

export interface Report {
  readonly markdown: string;
  /** By file name. */
  readonly charts: ReadonlyMap<string, string>;
}

/** @param tables - Of what other scripts measure. */
export function writeReport(results: Results, chartFolder: string, tables: readonly string[]): Report {
  const reader = new ResultReader(results);
  const charts = new Map<string, string>();
  const { machine, versions, measuredOn } = results;
  const parts = [
    '# Benchmarks',
    `Written by \`npm run bench:compare\`; how it measures is in [benchmarks/README.md](../benchmarks/README.md). Measured on ${measuredOn} with Node ${machine.node} on ${machine.processors} × ${machine.processor}, ${machine.memoryGibibytes} GiB, ${machine.system}, ${machine.fileSystem}.`,
    'Every case is a process of its own with the same seeded events of about 300 bytes; what stores events is checked for every one of them, except where memory is measured. Cases take turns, round by round. A figure is the median of its rounds; a ratio is that of ratios within each round, with the middle half of them in brackets (all of them where they are fewer than eight). The machine is shared: trust ratios, not absolutes.',
    `Peers: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    ...(results.isSmall ? ['**A short run, which shows only that everything works.**'] : []),
    '## What the pipeline is asked to reach',
    table(
      ['work', 'bar', 'measured', 'reached'],
      judge(reader).map(({ work, bar, measured, holds }) => [
        work,
        bar,
        measured ? withSpread(measured) : 'not measured',
        holds ? 'yes' : '**no**',
      ]),
    ),
  ];
  parts.push('## Where the limits are', ...limits(reader));
  for (const { title, words, groups, metrics } of sections) {
    const found = groups.flatMap((id) => reader.group(id) ?? []);
    if (found.length === 0) continue;
    parts.push(`## ${title}`, words);
    for (const group of found) {
      if (found.length > 1) parts.push(`### ${capitalised(group.title)}`);
      const shown = metrics.filter((metric) => group.cases.some(({ samples }) => samples[0]?.[metric] !== undefined));
      parts.push(groupTable(reader, group, shown));
      const chart = `${group.id}.svg`;
      charts.set(chart, chartOf(reader, group));
      parts.push(`![${group.title}](${chartFolder}/${chart})`);
    }
  }
  parts.push(...tables);
  return { markdown: `${parts.join('\n\n')}\n`, charts };
}

function groupTable(reader: ResultReader, group: GroupResult, metrics: readonly string[]): string {
  const hasRatio = !['loss', 'memory'].includes(group.module);
  const reference = group.cases.find(({ name }) => name === group.reference)?.label ?? group.reference;
  const head = ['way', ...metrics.map((metric) => columns[metric] ?? metric), ...(hasRatio ? [`÷ ${reference}`] : [])];
  const rows = group.cases.map(({ name, label, samples }) => {
    if (samples.length === 0) return [label, 'not installed', ...head.slice(2).map(() => '')];
    const values = metrics.map((metric) => figure(reader.spread(group.id, name, metric)?.median ?? Number.NaN));
    const ratio = reader.ratio(group.id, group.metric, name, [group.reference]);
    return [label, ...values, ...(hasRatio ? [ratio ? withSpread(ratio) : '–'] : [])];
  });
  return table(head, rows);
}

function chartOf(reader: ResultReader, group: GroupResult): string {
  const bars = group.cases.flatMap(({ name, label }) => {
    const value = reader.spread(group.id, name, group.metric);
    return value ? [{ label, value, isOurs: label.includes('**') }] : [];
  });
  const unit = (columns[group.metric] ?? group.metric).replaceAll('`', '');
  return barChart({ title: capitalised(group.title).replaceAll('`', ''), unit, bars });
}

function withSpread({ median, lowest, highest }: Spread): string {
  return lowest === highest ? figure(median) : `${figure(median)} (${figure(lowest)}–${figure(highest)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
