// Runs the benchmarks of the package in the current folder: bench/*.bench.ts, one process each.
// They import the built packages, as users do, so these are built first. RELAY_BENCH=small keeps them short.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readJson, root } from './workspace.mjs';

const folder = process.cwd();
const bench = join(folder, 'bench');
const wanted = process.argv.slice(2);
const files = (existsSync(bench) ? readdirSync(bench) : [])
  .filter((name) => name.endsWith('.bench.ts') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort();

if (files.length === 0) console.log('no benchmarks here');
else main();

function main() {
  const { references } = readJson(join(folder, 'tsconfig.spec.json'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  if (!run([tsc, '-b', ...references.map(({ path }) => path)])) return;
  for (const name of files) {
    console.log(`\n${relative(root, join(bench, name))}`);
    run(['--import', 'tsx', join(bench, name)]);
  }
}

function run(args) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: folder, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exitCode = 1;
  return status === 0;
}
