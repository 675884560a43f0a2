// Goal: what we agreed on for the whole repository stays true.
// Method: read the files as they are; each rule is one test per package, so that a failure names its package.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly [key: string]: unknown;
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** What a package may pull in at run time beside packages of this repository. Think twice before adding one. */
const thirdParty: Readonly<Record<string, readonly string[]>> = {
  segments: ['fs-native-extensions'],
  'serializer-encrypted': ['@noble/ciphers'],
  'serializer-gzip': ['fflate'],
  'serializer-zstd': ['xxhash-wasm'],
  'uploader-nats': ['@nats-io/jetstream', '@nats-io/transport-node'],
  'uploader-s3': ['aws4fetch'],
  cli: ['@bokuweb/zstd-wasm', 'cli-progress', 'cli-table3', 'commander', 'tar-stream', 'uplot'],
};

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
);
const manifests = new Map(folders.map((folder) => [folder, readManifest(folder)]));

describe.each(folders)('packages/%s', (folder) => {
  const directory = join(root, 'packages', folder);
  const manifest = readManifest(folder);

  it('is named after its folder', () => {
    expect(manifest.name).toBe(`@relaykit/${folder}`);
  });

  it('has a README that starts with its name, and says what it is for', () => {
    const [heading, ...rest] = read(join(directory, 'README.md')).split('\n');
    expect(heading).toBe(`# ${manifest.name}`);
    expect(rest.join(' ').trim().length).toBeGreaterThan(40);
  });

  it('carries the licence', () => {
    expect(read(join(directory, 'LICENSE'))).toBe(read(join(root, 'LICENSE')));
  });

  it('is published the way all are', () => {
    expect(manifest).toMatchObject({
      type: 'module',
      license: 'Apache-2.0',
      engines: { node: '>=20.19' },
      publishConfig: { access: 'public', provenance: true },
      description: expect.stringMatching(/.{20,}/u),
      files: expect.arrayContaining(['dist', 'src', '!**/*.tsbuildinfo']),
    });
    expect(manifest['private'], 'private').toBeUndefined();
    // Only a program may have side effects, and then by name.
    expect(manifest['sideEffects'], 'sideEffects').toEqual(manifest['bin'] ? expect.any(Array) : false);
    // 0.0.0 is a package that was never released; its first release is 0.1.0 or later, for `^0.0.x` pins exactly.
    expect(manifest.version).toMatch(/^(?!0\.0\.[1-9])\d+\.\d+\.\d+$/u);
  });

  it('has a script for each of the chores', () => {
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['build', 'test', 'typecheck', 'bench']));
  });

  it('offers its sources first, and types before anything else', () => {
    expect(manifest.exports).toHaveProperty(['.']);
    for (const [entry, conditions] of Object.entries(manifest.exports)) {
      if (typeof conditions === 'string') continue;
      expect(Object.keys(conditions as object), entry).toEqual(['@relaykit/source', 'default']);
      for (const files of Object.values(conditions as object)) {
        expect(Object.keys(files), entry).toEqual(['types', 'default']);
      }
    }
  });

  it('asks for its siblings by a range that the versions here satisfy', () => {
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      const sibling = manifests.get(name.replace('@relaykit/', ''));
      if (name.startsWith('@relaykit/')) expect(range, name).toBe(`^${sibling?.version}`);
      expect(range, name).not.toMatch(/^(?:workspace|file|link|git|https?):/u);
    }
  });

  it('pulls in nothing that was not agreed on', () => {
    const names = Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith('@relaykit/'));
    expect(names).toEqual(thirdParty[folder] ?? []);
  });
});

describe('every file', () => {
  const mark = new RegExp(
    `\\b(?:${['TO', 'FIX'].map((start) => start + (start === 'TO' ? 'DO' : 'ME')).join('|')})\\b`,
    'u',
  );

  it('leaves no work for later in a comment', () => {
    const found = listTexts(root).filter((path) => mark.test(read(path)));
    expect(found.map((path) => relative(root, path))).toEqual([]);
  });

  it('ends with one line break and has no trailing spaces', () => {
    const found = listTexts(root).filter((path) => {
      const text = read(path);
      return text !== '' && (!/[^\n]\n$/u.test(text) || (!path.endsWith('.md') && /[ \t]+$/mu.test(text)));
    });
    expect(found.map((path) => relative(root, path))).toEqual([]);
  });
});

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function readManifest(folder: string): Manifest {
  return JSON.parse(read(join(root, 'packages', folder, 'package.json'))) as Manifest;
}

function listTexts(directory: string): string[] {
  const skipped = new Set(['node_modules', 'dist', 'fixtures', 'coverage']);
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    const isHidden = entry.name.startsWith('.') && entry.name !== '.ci' && entry.name !== '.changeset';
    if (isHidden || skipped.has(entry.name)) return [];
    if (entry.isDirectory()) return listTexts(path);
    return /\.(?:[cm]?[jt]s|json|md|sh|ya?ml)$/u.test(path) || basename(path) === 'run' ? [path] : [];
  });
}
