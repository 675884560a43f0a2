import { basename, dirname, resolve } from 'node:path';
import type { DiskUsage, FileHandle, FileStat, FileSystem } from '@relaykit/types';
import { DryRunHandle } from './dry-run-handle.ts';
import { DryRunNode } from './dry-run-node.ts';

/** What a run would have done to one file. Paths are absolute. */
export type PlannedChange =
  | { readonly kind: 'create'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly cutBytes: number }
  | { readonly kind: 'change'; readonly path: string; readonly cutBytes: number }
  | { readonly kind: 'remove'; readonly path: string };

/**
 * A file system over another one that changes nothing: what is written, renamed and removed stays in memory, and reads
 * see it. The code that mends a spool runs on it unchanged, so what it would do is what it does. A file that is named now from
 * the working directory and now from the root is one.
 */
export class DryRunFileSystem implements FileSystem {
  readonly userId: number | undefined;
  readonly #real: FileSystem;
  /** What differs from the real one, by path; `undefined` where a name is gone. */
  readonly #nodes = new Map<string, DryRunNode | undefined>();
  readonly #directories = new Set<string>();
  #inodes = 0n;

  constructor(real: FileSystem) {
    this.#real = real;
    this.userId = real.userId;
  }

  /** What would be different, in order of the paths. */
  changes(): readonly PlannedChange[] {
    const nodes = [...this.#nodes].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const moved = new Set(
      nodes.flatMap(([path, node]) => (node?.realPath && node.realPath !== path ? [node.realPath] : [])),
    );
    return nodes.flatMap(([path, node]): PlannedChange[] => {
      const isReal = this.#real.statSync(path) !== undefined;
      if (!node) return isReal && !moved.has(path) ? [{ kind: 'remove', path }] : [];
      const { realPath, changed } = node;
      if (realPath === undefined) return [{ kind: 'create', path, sizeBytes: node.stat().sizeBytes }];
      const cutBytes = Math.max(0, (this.#real.statSync(realPath)?.sizeBytes ?? 0) - node.stat().sizeBytes);
      if (realPath !== path) return [{ kind: 'rename', path: realPath, to: path, cutBytes }];
      return changed ? [{ kind: 'change', path, cutBytes }] : [];
    });
  }

  createFileSync(name: string): FileHandle {
    const path = resolve(name);
    if (this.statSync(path)) throw systemError('EEXIST', path);
    this.#inodes += 1n;
    const node = new DryRunNode(this.#real, undefined, this.#inodes);
    this.#nodes.set(path, node);
    return new DryRunHandle(path, node, undefined);
  }

  async openFile(path: string, mode: 'read' | 'readWrite'): Promise<FileHandle> {
    return this.openFileSync(path, mode);
  }

  openFileSync(name: string, mode: 'read' | 'readWrite'): FileHandle {
    const path = resolve(name);
    const node = this.#nodeAt(path);
    if (!node) throw systemError('ENOENT', path);
    const real = node.realPath === undefined ? undefined : this.#real.openFileSync(node.realPath, mode);
    return new DryRunHandle(path, node, real);
  }

  async rename(from: string, to: string): Promise<void> {
    this.renameSync(from, to);
  }

  renameSync(from: string, to: string): void {
    const node = this.#nodeAt(resolve(from));
    if (!node) throw systemError('ENOENT', from);
    if (this.statSync(to)?.kind === 'directory') throw systemError('EISDIR', to);
    this.#nodes.set(resolve(to), node);
    this.#nodes.set(resolve(from), undefined);
  }

  async remove(path: string): Promise<void> {
    this.removeSync(path);
  }

  removeSync(path: string): void {
    this.#nodes.set(resolve(path), undefined);
  }

  async list(directory: string): Promise<readonly string[]> {
    const isReal = this.#real.statSync(directory) !== undefined;
    const names = new Set(isReal ? await this.#real.list(directory) : []);
    for (const [path, node] of this.#nodes) {
      if (dirname(path) !== resolve(directory)) continue;
      if (node) names.add(basename(path));
      else names.delete(basename(path));
    }
    return [...names];
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.statSync(path);
  }

  statSync(name: string): FileStat | undefined {
    const path = resolve(name);
    const parent = dirname(path);
    if (this.#directories.has(path)) return this.#real.statSync(parent);
    return this.#nodes.has(path) ? this.#nodes.get(path)?.stat() : this.#real.statSync(path);
  }

  createDirectorySync(path: string): boolean {
    if (this.statSync(path)) return false;
    this.#directories.add(resolve(path));
    return true;
  }

  async syncDirectory(): Promise<void> {
    // Nothing was written.
  }

  syncDirectorySync(): void {
    // Nothing was written.
  }

  freeSpace(directory: string): Promise<DiskUsage> {
    return this.#real.freeSpace(directory);
  }

  #nodeAt(path: string): DryRunNode | undefined {
    if (this.#nodes.has(path)) return this.#nodes.get(path);
    if (!this.#real.statSync(path)) return undefined;
    // Kept, so that two handles of a file see the same.
    const node = new DryRunNode(this.#real, path, 0n);
    this.#nodes.set(path, node);
    return node;
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code, path });
}
