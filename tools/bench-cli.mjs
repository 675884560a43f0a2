// Question: how long does each command of `relay` take on a spool of a million events, and how much memory?
// Method: the built command as a process of its own, on real files; time and peak memory as the kernel counts them.
// Prints a table, and writes the one of packages/cli/README.md anew. RELAY_BENCH=small takes 20,000 events and writes
// nothing. Needs a build; nothing else is left behind. `top` needs a terminal, and reads what `stat` and `serve` read.
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
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import Table from 'cli-table3';
import { root } from './workspace.mjs';

const isSmall = process.env.RELAY_BENCH === 'small';
const eventCount = isSmall ? 20_000 : 1_000_000;
const command = join(root, 'packages/cli/bin/relay.js');
const README = join(root, 'packages/cli/README.md');
const BEGIN = '<!-- measured by npm run bench:cli -->';
const END = '<!-- end of what was measured -->';
/** Says at the end what cannot be asked for afterwards: the peak memory of the process, in KiB, as the kernel has it. */
const probe = `data:text/javascript,process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.error('usage=' + maxRSS + ',' + (userCPUTime + systemCPUTime));
})`;

const folder = mkdtempSync(join(tmpdir(), 'relay-bench-cli-'));
const rows = [];
const [loadBefore = 0] = loadavg();
let inputBytes = 0;

try {
  if (!existsSync(join(root, 'packages/cli/dist/bin.js'))) throw new Error('run npm run build first');
  const input = join(folder, 'events.ndjson');
  await writeEvents(input);
  inputBytes = statSync(input).size;
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
  await measure(['quarantine', 'ls', ...plain]);
  await measure(['quarantine', 'discard', ...plain, '--all']);
  await measure(['bundle', ...plain, '--output', join(folder, 'bundle.tar.gz')]);
  await measure(['bundle', ...plain, '--output', join(folder, 'all.tar'), '--with-events'], { note: 'with events' });
  await measure(['rekey', ...sealed, '--key-file', rotated]);
  await measureStart(['serve', ...plain, '--port', '0']);
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

/** Of a command that runs until it is stopped: the time to its first line. */
async function measureStart(args) {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const ms = performance.now() - startedMs;
  const usage = usageOf(child.pid);
  child.kill('SIGTERM');
  const [, signal] = await once(child, 'close');
  if (signal !== 'SIGTERM') throw new Error(`relay ${args.join(' ')} did not end by the signal`);
  rows.push({ name: nameOf(args, 'until it answers'), ms, ...usage });
  console.error(`${rows.at(-1).name}: ${Math.round(ms)} ms`);
}

/** What a process has taken so far, as Linux tells it; nothing elsewhere. */
function usageOf(pid) {
  if (!existsSync(`/proc/${pid}/status`)) return {};
  const peakKiB = /^VmHWM:\s+(\d+)/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  // Behind the name, which may hold spaces: user and system time are the 12th and 13th, in hundredths of a second.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, peakBytes: Number(peakKiB) * 1024 };
}

function nameOf([name, ...options], note) {
  const shown = options.filter((option) => /^(?:--(?:gzip|zstd|key-file|dry-run|all)|ls|discard)$/u.test(option));
  return `\`${[name, ...shown].join(' ')}\`${note === '' ? '' : `, ${note}`}`;
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
  const head = ['command', 'time', 'of a core', 'events/s', 'peak memory'];
  const seconds = (ms) => (ms === undefined ? '' : `${(ms / 1_000).toFixed(2)} s`);
  const cells = rows.map(({ name, ms, cpuMs, peakBytes }) => [
    name,
    seconds(ms),
    seconds(cpuMs),
    Math.round(eventCount / (ms / 1_000)).toLocaleString('en-US'),
    peakBytes === undefined ? '' : `${Math.round(peakBytes / 1e6)} MB`,
  ]);
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...cells);
  const load = loadBefore.toFixed(1);
  const facts = `${eventCount.toLocaleString('en-US')} events of ${Math.round(inputBytes / eventCount)} bytes; ${availableParallelism()} cores, load ${load} before it began; Node ${process.versions.node}.`;
  console.log(`${table.toString()}\n${facts}`);
  // What others do on the machine meanwhile is not the command's.
  const slow = rows.filter(({ name, cpuMs }) => /^`(?:ls|stat)/u.test(name) && cpuMs >= 500);
  for (const { name, cpuMs } of slow) {
    console.log(`${name} took ${Math.round(cpuMs)} ms of a core; it should take less than half a second`);
    process.exitCode = 1;
  }
  if (!isSmall) write([head, head.map(() => '---'), ...cells], facts);
}

function write(lines, facts) {
  const text = readFileSync(README, 'utf8');
  const [before, rest] = text.split(`${BEGIN}\n`);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${README} has no place for the table: ${BEGIN} … ${END}`);
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  writeFileSync(README, `${before}${BEGIN}\n\n${table}\n\n${facts}\n\n${END}${after}`);
}
