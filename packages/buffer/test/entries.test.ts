// Goal: the main entry runs where there is no Node.js; what needs a process stands apart.
// Method: follow the imports of each entry through the sources.
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Every file that an entry reaches, and every package it names. */
function reach(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const visit = (url: URL): void => {
    if (files.has(url.href)) return;
    files.add(url.href);
    const text = readFileSync(fileURLToPath(url), 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//gu, '');
    for (const [, specifier = ''] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/gu)) {
      if (specifier.startsWith('.')) visit(new URL(specifier, url));
      else packages.add(specifier);
    }
  };
  visit(new URL(`../src/${entry}`, import.meta.url));
  return { files, packages };
}

it.each(['index.ts', 'node.ts'])('%s imports nothing but types', (entry) => {
  const { files, packages } = reach(entry);
  expect(files.size).toBeGreaterThan(2);
  expect([...packages]).toEqual(['@relaykit/types']);
  expect(builtinModules).not.toContain('@relaykit/types');
});

it('keeps the process out of the main entry', () => {
  const names = [...reach('index.ts').files].map((path) => path.split('/').at(-1));
  expect(names).toContain('page-lifecycle.ts');
  expect(names.filter((name) => name === 'process-hooks.ts' || name === 'node-lifecycle.ts')).toEqual([]);
});
