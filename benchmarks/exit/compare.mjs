// Ends processes in six ways in the middle of recording, and counts what is not in their files. Needs built packages.
// RELAY_BENCH=small makes one run of each with few events.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recorders } from './recorders.mjs';

const isSmall = process.env.RELAY_BENCH === 'small';
const runs = isSmall ? 1 : 5;
const count = isSmall ? 200 : 5_000;
/** What a process without any recorder ends with: exit code, or signal. */
const endings = {
  SIGTERM: 'SIGTERM',
  SIGINT: 'SIGINT',
  'process.exit()': 7,
  'uncaught exception': 1,
  'unhandled rejection': 1,
  'end of script': 0,
};
const child = fileURLToPath(new URL('./child.mjs', import.meta.url));

console.log(`Events lost of ${count}, least to most of ${runs} runs. Node.js ${process.versions.node}.\n`);
console.log(`| | ${Object.keys(endings).join(' | ')} |`);
console.log(`| --- |${' ---: |'.repeat(Object.keys(endings).length)}`);
for (const recorder of Object.keys(recorders)) {
  const cells = Object.entries(endings).map(([ending, expected]) => {
    const lost = Array.from({ length: runs }, () => lostIn(recorder, ending, expected));
    const [least, most] = [Math.min(...lost), Math.max(...lost)];
    return least === most ? String(least) : `${least} to ${most}`;
  });
  console.log(`| ${recorder} | ${cells.join(' | ')} |`);
  if (recorder === 'Relaykit' && cells.some((cell) => cell !== '0')) process.exitCode = 1;
}

function lostIn(recorder, ending, expected) {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-exit-'));
  try {
    const { status, signal, stderr } = spawnSync(process.execPath, [child, recorder, ending, directory, String(count)]);
    if ((signal ?? status) !== expected) {
      throw new Error(`${recorder}, ${ending}: ended with ${signal ?? status}, not ${expected}\n${stderr}`);
    }
    return count - numbersIn(directory).size;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The numbers of all events that stand, whole, in files of this directory. */
function numbersIn(directory) {
  const files = readdirSync(directory).filter((name) => name === 'log' || /^\d.*\.ndjson(?:\.open)?$/u.test(name));
  const lines = files.flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'));
  return new Set(lines.map(numberOf).filter((number) => number !== undefined));
}

function numberOf(line) {
  try {
    return JSON.parse(line).n;
  } catch {
    return undefined;
  }
}
