// What stands on disk when a case is done.
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const READ_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Every file below a directory whose name matches, in the order of their names. */
export function filesBelow(directory: string, matches: RegExp): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && matches.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
}

export interface LinesOnDisk {
  readonly lines: number;
  readonly bytes: number;
}

export function readLines(paths: readonly string[]): LinesOnDisk {
  const memory = Buffer.allocUnsafe(READ_BYTES);
  let lines = 0;
  let bytes = 0;
  for (const path of paths) {
    const fd = openSync(path, 'r');
    for (let taken = readSync(fd, memory); taken > 0; taken = readSync(fd, memory)) {
      const piece = memory.subarray(0, taken);
      bytes += taken;
      for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, at + 1)) lines += 1;
    }
    closeSync(fd);
  }
  return { lines, bytes };
}

/** @throws Error - lines are missing, or there are too many. */
export function requireLines(paths: readonly string[], expected: number): LinesOnDisk {
  const found = readLines(paths);
  if (found.lines !== expected) throw new Error(`${expected} lines were written and ${found.lines} are on disk`);
  return found;
}

export function totalBytes(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}
