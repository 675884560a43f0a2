// Question: how long does each command of `relay` take on a spool of a million events, and how much memory?
// Method: the built command as a process of its own, on real files; time and peak memory as the kernel counts them.
// RELAY_BENCH=small takes 20,000 events. Needs a build. Prints a table; nothing is left behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import Table from 'cli-table3';
import { root } from './workspace.mjs';

const isSmall = process.env.RELAY_BENCH === 'small';
const eventCount = isSmall ? 20_000 : 1_000_000;
const command = join(root, 'packages/cli/bin/relay.js');
/** Says at the end what cannot be asked for afterwards: the peak memory of the process, in KiB, as the kernel has it. */
const probe = `data:text/javascript,process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.error('usage=' + maxRSS + ',' + (userCPUTime + systemCPUTime));
})`;

const folder = mkdtempSync(join(tmpdir(), 'relay-bench-cli-'));
const rows = [];

try {
  if (!existsSync(join(root, 'packages/cli/dist/bin.js'))) throw new Error('run npm run build first');
  const input = join(folder, 'events.ndjson');
  await writeEvents(input);
  const packed = `${input}.gz`;
  await pipeline(createReadStream(input), createGzip({ level: 1 }), createWriteStream(packed));
  const keys = join(folder, 'keys');
  writeFileSync(keys, `a ${'0a'.repeat(32)}\n`, { mode: 0o600 });
  const rotated = join(folder, 'rotated');
  writeFileSync(rotated, `b ${'0b'.repeat(32)}\na ${'0a'.repeat(32)}\n`, { mode: 0o600 });
  const big = ['--max-spool-bytes', '8G'];
  const plain = ['--dir', join(folder, 'plain')];
  const sealed = ['--dir', join(folder, 'encrypted')];

  await measure(['record', ...plain, ...big], { stdin: input });
  await measure(['record', '--dir', join(folder, 'gzip'), ...big, '--gzip'], {
    stdin: packed,
    note: 'from gzip input',
  });
  await measure(['record', '--dir', join(folder, 'zstd'), ...big, '--zstd'], { stdin: input });
  await measure(['record', ...sealed, ...big, '--zstd', '--key-file', keys], { stdin: input });
  for (const name of ['ls', 'stat', 'doctor']) await measure([name, ...plain]);
  await measure(['cat', ...plain], { lines: eventCount });
  await measure(['cat', ...sealed, '--key-file', keys], { lines: eventCount, note: 'zstd, encrypted' });
  await measure(['verify', ...plain]);
  await measure(['verify', ...sealed, '--key-file', keys], { note: 'zstd, encrypted' });
  await measure(['repair', ...plain, '--dry-run']);
  await measure(['repair', ...plain]);
  await measure(['repair', ...plain], { prepare: damage, note: 'one segment damaged' });
  await measure(['bundle', ...plain, '--output', join(folder, 'bundle.tar.gz')]);
  await measure(['bundle', ...plain, '--output', join(folder, 'all.tar'), '--with-events'], { note: 'with events' });
  await measure(['rekey', ...sealed, '--key-file', rotated]);
  await exportAll(['--dir', join(folder, 'zstd')]);
  await measure(['stat', '--dir', join(folder, 'zstd')], { note: 'after the export' });
  report();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function writeEvents(path) {
  const out = createWriteStream(path);
  for (let n = 0; n < eventCount; n += 1) {
    const line = `{"id":${n},"at":"2026-11-22T16:40:${String(n % 60).padStart(2, '0')}Z","name":"page viewed","user":"u${(n * 7919) % 10_007}","path":"/articles/${n % 997}","ms":${(n * 31) % 1_000}}\n`;
    if (!out.write(line)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

async function measure(args, { stdin, lines, note = '', prepare = () => undefined } = {}) {
  prepare();
  const fd = stdin === undefined ? 'ignore' : openSync(stdin, 'r');
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--import', probe, command, ...args], { stdio: [fd, 'pipe', 'pipe'] });
  if (stdin !== undefined) closeSync(fd);
  let printed = 0;
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    if (lines !== undefined) for (const byte of chunk) if (byte === 0x0a) printed += 1;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  const ms = performance.now() - startedMs;
  if (code !== 0) throw new Error(`relay ${args.join(' ')} ended with ${code}: ${stderr}`);
  if (lines !== undefined && printed !== lines)
    throw new Error(`relay ${args[0]} printed ${printed} lines, not ${lines}`);
  const [, peakKiB, cpuMicros] = /usage=(\d+),(\d+)/u.exec(stderr) ?? [];
  const peakBytes = Number(peakKiB) * 1024;
  const cpuMs = Number(cpuMicros) / 1_000;
  rows.push({ name: nameOf(args, note), ms, cpuMs, peakBytes });
  console.error(`${rows.at(-1).name}: ${Math.round(ms)} ms`);
}

function nameOf([name, ...options], note) {
  const shown = options.filter((option) => /^--(?:gzip|zstd|key-file|dry-run)$/u.test(option));
  return `${[name, ...shown].join(' ')}${note === '' ? '' : ` (${note})`}`;
}

/** A byte in the middle of the first segment. */
function damage() {
  const spool = join(folder, 'plain');
  const file = readdirSync(spool)
    .filter((name) => /^\d.*\.ndjson$/u.test(name))
    .toSorted()[0];
  const bytes = readFileSync(join(spool, file));
  bytes[Math.floor(bytes.length / 2)] ^= 0xff;
  writeFileSync(join(spool, file), bytes);
}

async function exportAll(options) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200).end());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await measure(['export', ...options, '--to', `http://127.0.0.1:${server.address().port}/`], {
    note: 'over HTTP, zstd',
  });
  server.close();
}

function report() {
  const table = new Table({
    head: ['command', 'time', 'of a core', 'events/s', 'peak memory'],
    style: { head: [], border: [] },
  });
  for (const { name, ms, cpuMs, peakBytes } of rows) {
    const rate = Math.round(eventCount / (ms / 1_000)).toLocaleString('en-US');
    table.push([
      name,
      `${(ms / 1_000).toFixed(2)} s`,
      `${(cpuMs / 1_000).toFixed(2)} s`,
      rate,
      `${Math.round(peakBytes / 1e6)} MB`,
    ]);
  }
  console.log(`${eventCount.toLocaleString('en-US')} events, Node ${process.versions.node}`);
  console.log(table.toString());
  // What others do on the machine meanwhile is not the command's.
  const slow = rows.filter(({ name, cpuMs }) => /^(?:ls|stat)/u.test(name) && cpuMs >= 500);
  for (const { name, cpuMs } of slow) {
    console.log(`${name} took ${Math.round(cpuMs)} ms of a core; it should take less than half a second`);
    process.exitCode = 1;
  }
}
