import type { Content } from './content.ts';

/** A write or a change of size that no sync has covered; newest first. */
export interface DataChange {
  /** Position among all changes of the disk. */
  readonly order: number;
  readonly positionBytes: number;
  /** `undefined` for a change of size alone. */
  readonly bytes: Uint8Array | undefined;
  readonly sizeBeforeBytes: number;
  readonly sizeAfterBytes: number;
  readonly previous: DataChange | undefined;
}

interface Attributes {
  /** The inode number. */
  readonly number: number;
  readonly mode: number;
  readonly ownerId: number;
  readonly modifiedAtMs: number;
  /** 0 once the last name is gone. */
  readonly linkCount: number;
}

/** Records are values: a change makes a new record, so that snapshots can share the old one. */
export interface FileNode extends Attributes {
  readonly kind: 'file';
  /** What processes read. */
  readonly content: Content;
  /** What the last successful sync left on the disk. */
  readonly durable: Content;
  readonly unsynced: DataChange | undefined;
  /** A failed sync dropped changes: `content` is more than `durable` and `unsynced` together. */
  readonly hasDropped: boolean;
}

/** A name table that one state may change in place, and that every other must copy first. */
export interface NameTable {
  readonly numbers: Map<string, number>;
  readonly owner: object | undefined;
}

export interface DirectoryNode extends Attributes {
  readonly kind: 'directory';
  readonly entries: NameTable;
  readonly durable: NameTable;
}

export interface LinkNode extends Attributes {
  readonly kind: 'symbolicLink';
  readonly target: string;
}

export interface OtherNode extends Attributes {
  readonly kind: 'other';
}

export type Node = FileNode | DirectoryNode | LinkNode | OtherNode;

/** What a name becomes. */
export interface NameSlot {
  readonly directory: number;
  readonly name: string;
  /** `undefined`: the name is gone. */
  readonly number: number | undefined;
}

/** A creation, a removal or a rename that no directory sync has covered: all of its slots change or none. */
export interface NameChange {
  readonly order: number;
  readonly slots: readonly NameSlot[];
  /** Of a rename between two directories, the one that was synced already. */
  readonly syncedDirectory: number | undefined;
}

/** Oldest first. */
export function dataChanges(newest: DataChange | undefined): DataChange[] {
  const changes: DataChange[] = [];
  for (let change = newest; change !== undefined; change = change.previous) changes.push(change);
  return changes.reverse();
}

export function storedBytes(node: Node): number {
  return node.kind === 'file' ? node.content.sizeBytes : 0;
}
