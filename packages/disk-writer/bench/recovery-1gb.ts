// Question: how long does the recovery of a large unsealed segment take, and how much memory?
// Run by hand: node --conditions=@relaykit/source --import tsx packages/disk-writer/bench/recovery-1gb.ts [megabytes]
import { closeSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FileDiskWriter } from '@relaykit/disk-writer';
import { createWriterId, formatSegmentId } from '@relaykit/segments';
import { benchDirectory, pageViews } from './page-views.ts';

const megabytes = Number(process.argv[2] ?? 1_024);
const directory = join(benchDirectory(), 'spool');
mkdirSync(directory, { mode: 0o700 });
const id = formatSegmentId({ createdAtMs: Date.now(), firstSequence: 0, writerId: createWriterId() });
const path = join(directory, `${id}.ndjson.open`);
const lines = Buffer.from(
  pageViews(4_000)
    .map((event) => `${JSON.stringify(event)}\n`)
    .join(''),
);
const fd = openSync(path, 'w', 0o600);
let events = 0;
for (let bytes = 0; bytes < megabytes * 1024 * 1024; bytes += lines.byteLength) {
  writeSync(fd, lines);
  events += 4_000;
}
writeSync(fd, lines, 0, 100);
closeSync(fd);
const { size } = statSync(path);

let peakRSS = process.memoryUsage.rss();
const before = peakRSS;
const sampling = setInterval(() => {
  peakRSS = Math.max(peakRSS, process.memoryUsage.rss());
}, 5);
const writer = new FileDiskWriter({ directory });
const startedMs = performance.now();
const report = await writer.open();
const seconds = (performance.now() - startedMs) / 1_000;
clearInterval(sampling);
await writer.close();
if (report.eventsSalvaged !== events || report.bytesCut !== 100) throw new Error(JSON.stringify(report));
console.log(
  `${(size / 2 ** 30).toFixed(2)} GiB, ${events} events: recovered in ${seconds.toFixed(1)} s, ` +
    `${(size / 1e6 / seconds).toFixed(0)} MB/s; RSS ${(before / 1e6).toFixed(0)} MB before, ${(peakRSS / 1e6).toFixed(0)} MB at its peak`,
);
