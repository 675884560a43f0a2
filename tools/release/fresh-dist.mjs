// Whether `dist` is what the sources build: both go into a tarball, and only one of them runs.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { listFiles, root } from '../workspace.mjs';

const run = promisify(execFile);
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const built = /\.(?:js|d\.ts)$/u;

/**
 * Builds anew, beside what is there: what a release is packed from stays as it is.
 *
 * @param packages - As `readWorkspace` tells them.
 * @param scratch - An existing directory.
 * @returns What in `dist` is missing, too many, or older than its source.
 */
export async function checkDist(packages, scratch) {
  const problems = [];
  for (const { folder, directory } of packages) {
    const fresh = join(scratch, folder);
    // Types were checked by the build, and no output depends on them.
    const flags = ['--noCheck', '--outDir', fresh, '--tsBuildInfoFile', join(scratch, `${folder}.tsbuildinfo`)];
    await run(process.execPath, [compiler, '-p', join(directory, 'tsconfig.lib.json'), ...flags], { cwd: root });
    problems.push(...compareBuilds(join(directory, 'dist'), fresh).map((problem) => `${folder}: ${problem}`));
  }
  return problems;
}

/** @returns Where the outputs in `dist` differ from those in `fresh`. */
export function compareBuilds(dist, fresh) {
  const paths = new Set([dist, fresh].flatMap((from) => listFiles(from, built).map((path) => relative(from, path))));
  return [...paths].sort().flatMap((path) => {
    const [there, wanted] = [dist, fresh].map((from) => read(join(from, path)));
    if (there === wanted) return [];
    return [`dist/${path.split(sep).join('/')} is not what its source builds; run npm run clean and build`];
  });
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
