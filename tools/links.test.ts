// Goal: whoever follows a link of a page arrives: a claim whose test was renamed is no claim.
// Method: each link that is no address of the web leads to a file or a folder, and its anchor to a heading there.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { readPages, root } from './markdown-blocks.ts';

for (const { path } of readPages()) {
  it(`${path} leads nowhere else`, () => {
    const text = readFileSync(join(root, path), 'utf8').replaceAll(/^```.*?^```/gmsu, '');
    const links = [...text.matchAll(/\]\((?<link>[^)\s]+)\)/gu)].map(({ groups }) => groups?.['link'] ?? '');
    const broken = links.filter((link) => !/^[a-z]+:/u.test(link) && !leadsSomewhere(join(root, path), link));
    expect(broken).toEqual([]);
  });
}

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : join(dirname(page), decodeURIComponent(file));
  if (!existsSync(target) || relative(root, target).startsWith('..')) return false;
  if (anchor === undefined) return true;
  return anchorsOf(statSync(target).isDirectory() ? join(target, 'README.md') : target).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...readFileSync(page, 'utf8').matchAll(/^#+ (?<heading>.*)$/gmu)];
  return new Set(
    headings.map(({ groups }) =>
      (groups?.['heading'] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
