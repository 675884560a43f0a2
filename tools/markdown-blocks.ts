// The code blocks of every page that somebody may copy from.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

export interface Block {
  /** Counts the blocks of its page from 1. */
  readonly number: number;
  /** The page and the line at which the block begins. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly blocks: readonly Block[];
}

/** Every README, what stands beside the one at the root, and the documentation with its guides. */
export function readPages(): readonly Page[] {
  const folders = [...namesIn('packages'), 'demo', 'benchmarks', ...namesIn('examples')];
  const readmes = folders.map((folder) => `${folder}/README.md`).filter((path) => existsSync(join(root, path)));
  const documents = ['', 'docs', 'docs/guides'].flatMap(namesIn).filter((path) => path.endsWith('.md'));
  return [...documents, ...readmes].map((path) => ({ path, blocks: blocksOf(path) }));
}

function namesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder)).map((name) => (folder === '' ? name : `${folder}/${name}`));
}

function blocksOf(path: string): readonly Block[] {
  const page = readFileSync(join(root, path), 'utf8');
  return [...page.matchAll(/^```(?<language>\w*)\n(?<text>.*?)^```$/gmsu)].map(({ groups, index }, at) => ({
    number: at + 1,
    place: `${path}:${page.slice(0, index).split('\n').length}`,
    language: groups?.['language'] ?? '',
    text: groups?.['text'] ?? '',
  }));
}
