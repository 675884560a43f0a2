// Goal: the checks of a release that a green repository never shows red can fail.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
// @ts-expect-error -- plain JavaScript
import { compareBuilds } from './release/fresh-dist.mjs';
// @ts-expect-error -- plain JavaScript
import { quickStartOf, tryScript } from './release/readme-examples.mjs';
// @ts-expect-error -- plain JavaScript
import { checkSizes } from './release/sizes.mjs';
// @ts-expect-error -- plain JavaScript
import { judgeAudit } from './release/supply-chain.mjs';
// @ts-expect-error -- plain JavaScript
import { checkFiles, readTracked } from './release/tarball.mjs';

const advisory = { title: 'reads too far', url: 'https://advisories.example.com/1' };
const found = JSON.stringify({ vulnerabilities: { dependency: { severity: 'high', via: [advisory, 'another'] } } });

it('names a vulnerability that nobody has explained, and no other', () => {
  expect(judgeAudit(found, '').problems).toEqual(['dependency: high: reads too far https://advisories.example.com/1']);
  expect(judgeAudit(found, '', { [advisory.url]: 'is never called' })).toEqual({ problems: [] });
  expect(judgeAudit('{"vulnerabilities":{}}', '')).toEqual({ problems: [] });
});

it.each([
  ['{"message":"405 Method Not Allowed"}', '405 Method Not Allowed'],
  ['', 'npm failed'],
])('takes an audit without an answer for none: %j', (stdout, reason) => {
  expect(judgeAudit(stdout, 'npm failed')).toEqual({ notChecked: expect.stringContaining(reason) });
});

it('names what exceeds its budget, has none, or has far too much', () => {
  const table = { it: { reason: 'the least that works', packedBytes: 10_000, entries: { '.': 5_000 } } };
  expect(checkSizes('it', 10_000, { '.': 5_000 }, table)).toEqual([]);
  expect(checkSizes('it', 10_001, { '.': 5_001 }, table)).toHaveLength(2);
  expect(checkSizes('it', 10_000, { '.': 5_000, './more': 1 }, table)).toEqual([expect.stringContaining('./more')]);
  expect(checkSizes('it', 10_000, {}, table)).toEqual([expect.stringContaining('which is no entry')]);
  expect(checkSizes('it', 1_000, { '.': 5_000 }, table)).toEqual([expect.stringContaining('lower its budget')]);
  expect(checkSizes('other', 1, {}, table)).toEqual([expect.stringContaining('other has no line')]);
});

const outputs = ['js', 'js.map', 'd.ts', 'd.ts.map'].map((extension) => `dist/index.${extension}`);
const needed = ['package.json', 'README.md', 'LICENSE', 'src/index.ts', ...outputs];
const tracked = new Set(['packages/it/src/index.ts', 'packages/it/src/customers.csv']);
const problemsOf = (...more: string[]): string[] =>
  checkFiles(
    { folder: 'packages/it', manifest: { exports: { '.': './dist/index.js' } } },
    { files: [...needed, ...more].map((path) => ({ path })) },
    tracked,
  );

it('lets a tarball hold what git knows to be source, and what is built of it', () => {
  expect(problemsOf()).toEqual([]);
});

it.each([
  'src/.env',
  'src/customers.csv',
  'src/notes.ts',
  'src/page/index.html',
  'bin/private.js',
  'dist/notes.js',
  'dist/notes.d.ts',
  'dist/notes.js.map',
  'dist/index.test.js',
  'spool/1.ndjson',
])('names %s in a tarball', (path) => {
  expect(problemsOf(path)).toContainEqual(expect.stringContaining(path));
});

it('knows the sources of this repository', async () => {
  const known: Set<string> = await readTracked();
  expect(known).toContain('packages/cli/src/page/page.js');
  expect(known).toContain('packages/types/src/index.ts');
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'relaykit-release-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it.each(['example.mjs', 'example.cjs'])('takes an example that never settles for one that failed: %s', async (file) => {
  const folder = newFolder();
  expect(await tryScript(folder, file, "console.log(await 'done');", /^done\n$/u)).toEqual([]);
  expect(await tryScript(folder, file, 'await new Promise(() => undefined);')).toHaveLength(1);
  expect(await tryScript(folder, file, "console.log('another');", /^done/u)).toEqual([
    expect.stringContaining('another'),
  ]);
});

it('takes no later example for a quick start that went', () => {
  const block = (text: string): string => `\`\`\`ts\n${text}\n\`\`\`\n`;
  expect(quickStartOf(`# It\n\n${block('start();')}\n## More\n\n${block('more();')}`)).toBe('start();\n');
  expect(quickStartOf(`# It\n\n## Quick start\n\n${block('start();')}`)).toBe('start();\n');
  expect(quickStartOf(`# It\n\n## Quick start\n\nNothing.\n\n## More\n\n${block('more();')}`)).toBeUndefined();
});

it('names outputs that their sources no longer build, and no other', () => {
  const [dist, fresh] = [join(newFolder(), 'dist'), newFolder()];
  mkdirSync(dist);
  for (const folder of [dist, fresh]) writeFileSync(join(folder, 'same.js'), 'same();\n');
  expect(compareBuilds(dist, fresh)).toEqual([]);
  writeFileSync(join(dist, 'stale.js'), 'once();\n');
  writeFileSync(join(fresh, 'stale.js'), 'now();\n');
  writeFileSync(join(dist, 'gone.d.ts'), 'export {};\n');
  writeFileSync(join(fresh, 'added.js'), 'added();\n');
  expect(compareBuilds(dist, fresh)).toEqual([
    expect.stringContaining('dist/added.js'),
    expect.stringContaining('dist/gone.d.ts'),
    expect.stringContaining('dist/stale.js'),
  ]);
});
