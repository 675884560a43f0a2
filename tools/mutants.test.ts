// Goal: the list of mistakes fits the code and its documentation. `npm run test:mutants` makes them and runs their tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: a list without types of its own
import { mutants } from './mutants.mjs';

interface Mutant {
  readonly mistake: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly test: { readonly project: string; readonly file: string; readonly name: string };
}

const root = join(import.meta.dirname, '..');
const list: readonly Mutant[] = mutants;
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('mistakes that tests must notice', () => {
  it('are at least thirty, each with a name of its own', () => {
    expect(list.length).toBeGreaterThanOrEqual(30);
    expect(new Set(list.map(({ mistake }) => mistake)).size).toBe(list.length);
  });

  it.for([...list])('$mistake: stands in one place, and changes it', ({ file, from, to }) => {
    expect(read(file).split(from).length - 1, file).toBe(1);
    expect(to).not.toBe(from);
  });

  it('name a test that is there', () => {
    for (const { test, mistake } of list) {
      const title = test.name.replace(/^(keeps every promise(?: of the queue)?: ).*$/, '$1');
      expect(read(join('packages', test.project, test.file)), mistake).toContain(title);
    }
  });

  it('are listed in docs/TESTING.md, in this order', () => {
    const [, listing = ''] = read('docs/TESTING.md').split('## Mutants');
    const listed = listing.match(/^\d+\. .*$/gm);
    expect(listed).toEqual(
      list.map(({ mistake, test }, index) => `${index + 1}. ${mistake} (${test.project}: ${test.name})`),
    );
  });
});
