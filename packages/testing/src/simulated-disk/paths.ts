import { type DiskState, ROOT_NUMBER } from './disk-state.ts';
import { systemError } from './errors.ts';
import type { Node } from './nodes.ts';

/** Symbolic links that one path may lead through, as on Linux. */
const MAX_LINKS = 40;
const MAX_NAME_BYTES = 255;

/** A name in a directory, and what has it. */
export interface Place {
  /** Inode number of the directory. */
  readonly directory: number;
  /** Empty for the root. */
  readonly name: string;
  readonly node: Node | undefined;
}

/**
 * Finds the directory of a path and what stands there. Relative paths begin at the root. Symbolic links are followed on
 * the way; at the last part only with `followsLast`.
 */
export function locate(state: DiskState, path: string, syscall: string, followsLast = false): Place {
  if (path.includes('\0')) {
    const message = `The argument 'path' must be a string without null bytes. Received '${path}'`;
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  const parts = path.split('/');
  const trail = [ROOT_NUMBER];
  let links = 0;
  for (let index = 0; index < parts.length; index += 1) {
    const name = parts[index] as string;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (trail.length > 1) trail.pop();
      continue;
    }
    if (name.length * 3 > MAX_NAME_BYTES && new TextEncoder().encode(name).byteLength > MAX_NAME_BYTES) {
      throw systemError('ENAMETOOLONG', syscall, path);
    }
    const directory = trail.at(-1) as number;
    const number = state.directory(directory).entries.numbers.get(name);
    const node = number === undefined ? undefined : state.node(number);
    const isWayPoint = followsLast && node?.kind === 'symbolicLink';
    if (isLast(parts, index) && !isWayPoint) return { directory, name, node };
    if (node === undefined) throw systemError('ENOENT', syscall, path);
    if (node.kind === 'symbolicLink') {
      links += 1;
      if (links > MAX_LINKS) throw systemError('ELOOP', syscall, path);
      parts.splice(0, index + 1, ...node.target.split('/'));
      if (node.target.startsWith('/')) trail.length = 1;
      index = -1;
    } else if (node.kind === 'directory') {
      trail.push(node.number);
    } else {
      throw systemError('ENOTDIR', syscall, path);
    }
  }
  if (path === '') throw systemError('ENOENT', syscall, path);
  const directory = trail.at(-1) as number;
  return { directory, name: '', node: state.node(directory) };
}

function isLast(parts: readonly string[], index: number): boolean {
  for (let rest = index + 1; rest < parts.length; rest += 1) {
    if (parts[rest] !== '' && parts[rest] !== '.') return false;
  }
  return true;
}
