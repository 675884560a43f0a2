// How large a package may be: the tarball, and each public entry bundled with all that it imports and minified.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { readJson, root } from '../workspace.mjs';

/** Optional peers are the application's own. */
const external = [/^node:/u, '@bokuweb/zstd-wasm', '@opentelemetry/api', 'prom-client'];

/** The table: one budget a package and one an entry, each with its reason. */
export const budgets = readJson(join(root, 'tools/release/size-budgets.json'));

/** @returns Bytes of the entry with everything that it imports, minified; gzipped as a browser would get it. */
export async function bundledBytes(project, specifier) {
  const entry = join(project, `bundle-${specifier.replace(/\W/gu, '-')}.mjs`);
  writeFileSync(entry, `export * from ${JSON.stringify(specifier)};\n`);
  const { output } = await build({
    configFile: false,
    root: project,
    logLevel: 'silent',
    ssr: { noExternal: true },
    build: { ssr: entry, write: false, minify: true, target: 'node20', rollupOptions: { external } },
  });
  const text = output.map((chunk) => chunk.code ?? chunk.source).join('\n');
  return { minified: Buffer.byteLength(text), gzipped: gzipSync(text).length };
}

/** @returns What exceeds its budget, has none, or has one far too large to notice anything. */
export function checkSizes(name, packedBytes, entries, table = budgets) {
  const budget = table[name];
  if (budget === undefined) return [`${name} has no line in tools/release/size-budgets.json`];
  const problems = [];
  if (!/\w{3}/u.test(budget.reason ?? '')) problems.push(`${name}: its budget has no reason`);
  const compare = (what, bytes, most) => {
    if (most === undefined) problems.push(`${name}: ${what} has no budget in tools/release/size-budgets.json`);
    else if (bytes > most) problems.push(`${name}: ${what} has ${bytes} bytes, its budget is ${most}`);
    else if (most > 2 * bytes + 1_000)
      problems.push(`${name}: ${what} has ${bytes} bytes, lower its budget of ${most}`);
  };
  compare('the tarball', packedBytes, budget.packedBytes);
  for (const [entry, bytes] of Object.entries(entries)) compare(`the entry ${entry}`, bytes, budget.entries[entry]);
  for (const entry of Object.keys(budget.entries))
    if (!(entry in entries)) problems.push(`${name}: there is a budget for ${entry}, which is no entry`);
  return problems;
}

/** @returns What in the installed files leads nowhere, or tells of the machine that built them. */
export function checkInstalledFiles(directory, files, machinePaths) {
  const problems = [];
  const packed = new Set(files.map(({ path }) => path));
  for (const { path } of files) {
    const text = readFileSync(join(directory, path), 'utf8');
    for (const place of machinePaths)
      if (text.includes(place)) problems.push(`${path} names a path of the machine: ${place}`);
    if (!path.endsWith('.map')) continue;
    const { sources, sourceRoot = '' } = JSON.parse(text);
    for (const source of sources) {
      const target = join(path, '..', sourceRoot, source).replaceAll('\\', '/');
      if (!packed.has(target)) problems.push(`${path} leads to ${target}, which is not in the tarball`);
    }
  }
  if (readFileSync(join(directory, 'LICENSE'), 'utf8') !== readFileSync(join(root, 'LICENSE'), 'utf8'))
    problems.push('its LICENSE is not that of the repository');
  return problems;
}
