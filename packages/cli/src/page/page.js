// The page of `relay serve`: asks for what is new every now and then, and draws it. Runs in the browser as it is.
import uPlot from '/uplot.js';

const pollMs = 2_000;
const keptSamples = 3_600;
const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
const samples = [];

// Steps of axes: half an event is none, and a minute has no tenths.
const wholeSteps = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const ageSteps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 21_600, 43_200];
ageSteps.push(...wholeSteps.map((days) => days * 86_400));

/** `leastTop`: where an axis ends at least, so that nothing looks like much. */
const charts = [
  {
    title: 'Pending',
    value: ({ pending }) => pending,
    format: (value) => `${formatCount(value)} events`,
    steps: wholeSteps,
    leastTop: 10,
  },
  {
    title: 'Recorded',
    rateOf: ({ recordedBytes }) => recordedBytes,
    format: (value) => `${formatBytes(value)}/s`,
    steps: wholeSteps,
    leastTop: 100,
  },
  {
    title: 'Delivered',
    rateOf: ({ delivered }) => delivered,
    format: (value) => `${formatCount(value)} events/s`,
    leastTop: 1,
  },
  {
    title: 'Oldest',
    value: ({ oldestAgeMs }) => oldestAgeMs / 1_000,
    format: (value) => formatAge(value * 1_000),
    formatTick: formatSeconds,
    steps: ageSteps,
    leastTop: 10,
  },
];

for (const chart of charts) addChart(chart);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const { plot } of charts) plot.redraw(false, true);
});
new ResizeObserver(() => {
  for (const { plot, place } of charts) plot.setSize(sizeOf(place));
}).observe(document.body);
await poll();

async function poll() {
  const state = document.querySelector('#state');
  try {
    const response = await fetch(`/samples.json?after=${samples.at(-1)?.atMs ?? 0}`);
    if (!response.ok) throw new Error(String(response.status));
    const { latest, samples: added } = await response.json();
    samples.push(...added);
    samples.splice(0, samples.length - keptSamples);
    show(latest);
    state.textContent = `at ${formatTime(latest.at)}`;
    state.classList.remove('lost');
  } catch {
    state.textContent = 'relay serve does not answer';
    state.classList.add('lost');
  }
  setTimeout(poll, pollMs);
}

function show(latest) {
  document.querySelector('#directory').textContent = latest.directory;
  document.title = `relay: ${formatCount(latest.pending)} pending`;
  showTiles(latest);
  showUploads(latest);
  const times = samples.map(({ atMs }) => atMs / 1_000);
  for (const { plot, output, value, rateOf, format } of charts) {
    const values = rateOf ? ratesOf(rateOf) : samples.map(value);
    plot.setData([times, values]);
    output.textContent = format(values.at(-1) ?? 0);
  }
}

function ratesOf(countOf) {
  return samples.map((sample, index) => {
    const before = samples[index - 1];
    if (!before || sample.atMs <= before.atMs) return null;
    return Math.max(0, ((countOf(sample) - countOf(before)) / (sample.atMs - before.atMs)) * 1_000);
  });
}

function showTiles({
  at,
  pending,
  delivered,
  quarantined,
  dropped,
  lost,
  segments,
  bytes,
  oldestPendingAt,
  retrying,
  disk,
}) {
  const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const sealed = segments.ready + segments.held + segments.unknown;
  const tiles = [
    ['Pending', formatCount(pending), `${formatNoun(sealed, 'segment')}, ${formatBytes(bytes.pending)}`],
    [
      'Oldest',
      oldestPendingAt ? formatAge(Date.parse(at) - Date.parse(oldestPendingAt)) : '–',
      'since its segment began',
    ],
    ['Open', formatBytes(bytes.open), `${formatNoun(segments.open, 'file')} being written`],
    ['Delivered', formatCount(delivered), 'events'],
    ['Retrying', formatCount(retrying.length), `${formatCount(segments.held)} held back`, retrying.length > 0],
    [
      'Quarantine',
      formatCount(segments.quarantined),
      `${segments.quarantined === 1 ? 'segment' : 'segments'}, ${formatNoun(quarantined, 'event')}`,
      segments.quarantined > 0,
    ],
    ['Dropped', formatCount(drops), Object.keys(dropped).join(', ') || 'events', drops > 0],
    ['Lost', formatCount(lost), 'events', lost > 0],
    ['Disk', formatBytes(disk.freeBytes), `free of ${formatBytes(disk.totalBytes)}`],
  ];
  document.querySelector('#tiles').replaceChildren(
    ...tiles.map(([name, value, detail, isTrouble]) => {
      const tile = element('div', '', isTrouble ? 'trouble' : '');
      tile.append(element('dt', name), element('dd', value));
      tile.lastChild.append(element('small', detail));
      return tile;
    }),
  );
}

function showUploads({ retrying, recent }) {
  const rows = [
    ...retrying.slice(0, 5).map(({ id, attempts, lastError = '' }) => {
      return ['', `retry, ${formatCount(attempts)} failed`, id, '', '', lastError];
    }),
    ...recent.map(({ at, outcome, id, eventCount, bytes, reason = '' }) => [
      formatTime(at),
      outcome,
      id,
      formatCount(eventCount),
      formatBytes(bytes),
      reason,
    ]),
  ];
  document.querySelector('#uploads').replaceChildren(
    ...rows.map((cells) => {
      const row = element('tr', '', cells[1] === 'delivered' ? '' : 'trouble');
      row.append(...cells.map((cell, index) => element('td', cell, index === 3 || index === 4 ? 'number' : '')));
      return row;
    }),
  );
}

function addChart(chart) {
  const figure = element('figure');
  const caption = element('figcaption', chart.title);
  chart.output = element('output');
  caption.append(chart.output);
  chart.place = element('div');
  figure.append(caption, chart.place);
  document.querySelector('#charts').append(figure);
  const axis = {
    stroke: () => colour('--faint'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { stroke: () => colour('--line'), width: 1 },
  };
  const series = { stroke: () => colour('--series'), fill: () => colour('--fill'), width: 2, points: { show: false } };
  const options = {
    ...sizeOf(chart.place),
    // On the right, room for half of the last time.
    padding: [null, 30, null, null],
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(chart.leastTop, most * 1.1)] } },
    series: [{}, series],
    axes: [
      { ...axis, size: 32, space: 64, values: (_plot, ticks) => ticks.map((tick) => formatTime(tick * 1_000)) },
      {
        ...axis,
        size: 88,
        ...(chart.steps ? { incrs: chart.steps } : {}),
        values: (_plot, ticks) => ticks.map(chart.formatTick ?? ((tick) => chart.format(tick).replace(' events', ''))),
      },
    ],
  };
  chart.plot = new uPlot(options, [[], []], chart.place);
}

function sizeOf(place) {
  return { width: Math.max(220, place.clientWidth), height: 190 };
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function element(name, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function formatTime(at) {
  return new Date(at).toLocaleTimeString('en-GB');
}

function formatCount(count) {
  const digits = count < 10 ? 2 : count < 100 ? 1 : 0;
  return count.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function formatNoun(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function formatBytes(bytes) {
  const unit = Math.min(units.length - 1, bytes < 1_000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** unit).toLocaleString('en-US', { maximumSignificantDigits: 3 })} ${units[unit]}`;
}

function formatAge(ageMs) {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Exact, unlike an age: `1 min 20 s`. */
function formatSeconds(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ].filter(([count]) => count > 0);
  return parts.length === 0 ? '0 s' : parts.map(([count, unit]) => `${count} ${unit}`).join(' ');
}
