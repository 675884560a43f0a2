// Goal: what docs/OPERATIONS.md and SECURITY.md point at exists: metrics, tests, headings.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/OPERATIONS.md');

describe('docs/OPERATIONS.md', () => {
  it('explains every metric of docs/METRICS.md, and no other', () => {
    const metricsIn = (text: string) => [...new Set(text.match(/`relaykit\.[a-z_.]+`/gu))].sort();
    const defined = read('docs/METRICS.md').match(/^\| `relaykit\.[^|]+\| (?:counter|gauge|histogram) /gmu) ?? [];
    expect(defined.length).toBeGreaterThan(20);
    expect(metricsIn(page)).toEqual(metricsIn(defined.join('\n')));
  });

  it('alerts on metrics that exist', () => {
    const names = page.match(/(?<=`)(?:events|spool|queue|buffer|storage|sync)\.[a-z_]+(?=`)/gu) ?? [];
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(read('docs/METRICS.md')).toContain(`\`relaykit.${name}\``);
  });

  it('links to headings that it has', () => {
    const headings = [...page.matchAll(/^## (.+)$/gmu)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-'));
    for (const [, anchor] of page.matchAll(/\]\(#([a-z-]+)\)/gu)) expect(headings).toContain(anchor);
  });
});

it('SECURITY.md names tests that exist', () => {
  const paths = read('SECURITY.md').match(/(?<=`)[a-z0-9-]+\/test\/[a-z0-9/.-]+\.ts(?=`)/gu) ?? [];
  expect(paths.length).toBeGreaterThan(15);
  expect(paths.filter((path) => !existsSync(join(root, 'packages', path)))).toEqual([]);
});
