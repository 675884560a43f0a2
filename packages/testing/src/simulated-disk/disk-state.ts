import { type Content, contentOf, EMPTY_CONTENT, resizeContent, viewContent, writeContent } from './content.ts';
import {
  type DataChange,
  type DirectoryNode,
  dataChanges,
  type FileNode,
  type NameChange,
  type NameSlot,
  type NameTable,
  type Node,
  storedBytes,
} from './nodes.ts';

export const ROOT_NUMBER = 1;

/** What a sync that begins now has to make durable. */
export interface SyncPoint {
  readonly content: Content;
  readonly order: number;
}

export interface NewNode {
  readonly mode: number;
  readonly ownerId: number;
  readonly modifiedAtMs: number;
}

/** How many names may be gone before numbers that nobody refers to are looked for. */
const MIN_GONE_BEFORE_COLLECT = 64;

/**
 * Everything a disk and its kernel hold, apart from open handles and locks: the volatile state that processes see, the
 * durable one, and the changes in between. A fork shares everything; whoever changes a part first copies that part.
 */
export class DiskState {
  /** By inode number. */
  #nodes: (Node | undefined)[];
  #freeNumbers: number[];
  #nameChanges: NameChange[];
  /** Parts that carry this object may be changed in place. */
  #owner: object = {};
  #partsOwner: object | undefined;
  #order: number;
  #goneCount: number;
  /** Bytes of all files that have a name or a handle. */
  usedBytes: number;
  /** Files, directories and links that have a name or a handle. */
  nodeCount: number;

  private constructor(from?: DiskState) {
    this.#nodes = from ? from.#nodes : [];
    this.#freeNumbers = from ? from.#freeNumbers : [];
    this.#nameChanges = from ? from.#nameChanges : [];
    this.#order = from ? from.#order : 0;
    this.#goneCount = from ? from.#goneCount : 0;
    this.usedBytes = from ? from.usedBytes : 0;
    this.nodeCount = from ? from.nodeCount : 0;
  }

  static empty(root: NewNode): DiskState {
    const state = new DiskState();
    state.#nodes[ROOT_NUMBER] = newDirectory(ROOT_NUMBER, root, new Map(), new Map());
    state.nodeCount = 1;
    return state;
  }

  /** A state in which everything is durable. `nodes` is taken over. */
  static settled(nodes: (Node | undefined)[]): DiskState {
    const state = new DiskState();
    for (let number = 1; number < nodes.length; number += 1) {
      const node = nodes[number];
      if (node === undefined) {
        state.#freeNumbers.push(number);
      } else {
        state.usedBytes += storedBytes(node);
        state.nodeCount += 1;
      }
    }
    state.#nodes = nodes;
    state.#partsOwner = state.#owner;
    return state;
  }

  fork(): DiskState {
    this.#owner = {};
    return new DiskState(this);
  }

  get order(): number {
    return this.#order;
  }

  get nodes(): readonly (Node | undefined)[] {
    return this.#nodes;
  }

  /** Oldest first. */
  get nameChanges(): readonly NameChange[] {
    return this.#nameChanges;
  }

  node(number: number): Node | undefined {
    return this.#nodes[number];
  }

  file(number: number): FileNode {
    const node = this.#nodes[number];
    if (node?.kind !== 'file') throw new Error(`inode ${number} is not a file of this disk`);
    return node;
  }

  directory(number: number): DirectoryNode {
    const node = this.#nodes[number];
    if (node?.kind !== 'directory') throw new Error(`inode ${number} is not a directory of this disk`);
    return node;
  }

  update(node: Node): void {
    this.#ownParts();
    this.#nodes[node.number] = node;
  }

  createFile(directory: number, name: string, made: NewNode, content: Content = EMPTY_CONTENT): number {
    const number = this.#newNumber();
    const file = { content, durable: content, unsynced: undefined, hasDropped: false };
    this.update({ kind: 'file', number, ...made, linkCount: 1, ...file });
    this.usedBytes += content.sizeBytes;
    this.#change([{ directory, name, number }]);
    return number;
  }

  createDirectory(directory: number, name: string, made: NewNode): number {
    const number = this.#newNumber();
    this.update(newDirectory(number, made, new Map(), new Map()));
    this.#change([{ directory, name, number }]);
    return number;
  }

  createLink(directory: number, name: string, made: NewNode, target: string): number {
    const number = this.#newNumber();
    this.update({ kind: 'symbolicLink', number, ...made, linkCount: 1, target });
    this.#change([{ directory, name, number }]);
    return number;
  }

  createOther(directory: number, name: string, made: NewNode): number {
    const number = this.#newNumber();
    this.update({ kind: 'other', number, ...made, linkCount: 1 });
    this.#change([{ directory, name, number }]);
    return number;
  }

  /** Returns the inode that lost its name. */
  removeName(directory: number, name: string): number {
    const number = this.#numberOf(directory, name);
    this.#unlink(number);
    this.#change([{ directory, name, number: undefined }]);
    return number;
  }

  /** Returns the inode that stood at the new name, if one did. */
  rename(from: Omit<NameSlot, 'number'>, to: Omit<NameSlot, 'number'>): number | undefined {
    const number = this.#numberOf(from.directory, from.name);
    const replaced = this.directory(to.directory).entries.numbers.get(to.name);
    if (replaced !== undefined) this.#unlink(replaced);
    this.#change([
      { ...from, number: undefined },
      { ...to, number },
    ]);
    return replaced;
  }

  write(number: number, bytes: Uint8Array, positionBytes: number, modifiedAtMs: number): void {
    if (bytes.byteLength === 0) return;
    const node = this.file(number);
    const content = writeContent(node.content, bytes, positionBytes);
    // The bytes are kept as the content holds them: the caller may use its buffer again.
    const kept = content.backing.bytes.subarray(positionBytes, positionBytes + bytes.byteLength);
    this.#replaceContent(node, content, positionBytes, kept, modifiedAtMs);
  }

  resize(number: number, sizeBytes: number, modifiedAtMs: number): void {
    const node = this.file(number);
    if (sizeBytes === node.content.sizeBytes) return;
    const content = resizeContent(node.content, sizeBytes);
    this.#replaceContent(node, content, Math.min(sizeBytes, node.content.sizeBytes), undefined, modifiedAtMs);
  }

  syncPoint(number: number): SyncPoint {
    return { content: this.file(number).content, order: this.#order };
  }

  /** Makes durable what had been written by then; what came later stays undecided. */
  syncFile(number: number, point: SyncPoint): void {
    const node = this.file(number);
    const changes = dataChanges(node.unsynced);
    const covered = changes.filter((change) => change.order <= point.order);
    if (covered.length === 0) return;
    const durable = node.hasDropped ? applyChanges(node.durable, covered) : point.content;
    let unsynced: DataChange | undefined;
    for (const change of changes.slice(covered.length)) unsynced = { ...change, previous: unsynced };
    this.update({ ...node, durable, unsynced });
  }

  /** A sync that failed: the disk has `durable`, the kernel thinks nothing is left to write. */
  dropUnsynced(number: number, durable: Content, staysReadable: boolean): void {
    const node = this.file(number);
    const sizeBytes = node.content.sizeBytes;
    // Pages that were dropped and evicted are read from the disk again; the size lives in the inode and stays.
    const content = staysReadable ? node.content : resizeContent(durable, sizeBytes);
    const unsynced = durable.sizeBytes === sizeBytes ? undefined : this.#sizeChange(durable.sizeBytes, sizeBytes);
    this.update({ ...node, content, durable, unsynced, hasDropped: true });
  }

  /** Makes the names of a directory durable that had changed by then, and whatever those changes build on. */
  syncNames(directory: number, order: number): void {
    this.#settleNames((change) => {
      if (change.order > order || !change.slots.some((slot) => slot.directory === directory)) return 'open';
      const needsOther = change.slots.some((slot) => slot.directory !== directory);
      if (!needsOther || (change.syncedDirectory !== undefined && change.syncedDirectory !== directory))
        return 'settled';
      return { ...change, syncedDirectory: directory };
    });
  }

  /** Makes name changes durable that were made after `order`; for what a test places on the disk. */
  settleNamesAfter(order: number): void {
    this.#settleNames((change) => (change.order > order ? 'settled' : 'open'));
  }

  /** A file that has neither name nor handle gives its room back. */
  release(number: number): void {
    const node = this.#nodes[number];
    if (node === undefined || node.linkCount > 0) return;
    this.usedBytes -= storedBytes(node);
    this.nodeCount -= 1;
    this.#goneCount += 1;
  }

  /** Forgets inodes that nothing refers to any more, now and then; their numbers are used again, as on real disks. */
  collect(isOpen: (number: number) => boolean): void {
    if (this.#goneCount < MIN_GONE_BEFORE_COLLECT || this.#goneCount * 2 < this.#nodes.length) return;
    const used = new Set<number>();
    for (const change of this.#nameChanges) {
      for (const slot of change.slots) if (slot.number !== undefined) used.add(slot.number);
    }
    for (const node of this.#nodes) {
      if (node?.kind !== 'directory') continue;
      used.add(node.number);
      for (const number of node.entries.numbers.values()) used.add(number);
      for (const number of node.durable.numbers.values()) used.add(number);
    }
    this.#ownParts();
    for (let number = this.#nodes.length - 1; number >= 1; number -= 1) {
      if (this.#nodes[number] === undefined || used.has(number) || isOpen(number)) continue;
      this.#nodes[number] = undefined;
      this.#freeNumbers.push(number);
    }
    this.#goneCount = 0;
  }

  /** After all handles are gone: files without a name give their room back. */
  releaseUnlinked(): void {
    this.usedBytes = 0;
    this.nodeCount = 0;
    for (const node of this.#nodes) {
      if (node === undefined || node.linkCount === 0) continue;
      this.usedBytes += storedBytes(node);
      this.nodeCount += 1;
    }
  }

  /** A settled change takes along what it builds on: earlier changes of the same names. */
  #settleNames(decide: (change: NameChange) => 'settled' | 'open' | NameChange): void {
    const changes = this.#nameChanges;
    if (changes.length === 0) return;
    const left: NameChange[] = [];
    const settled: NameChange[] = [];
    const needed = new Set<string>();
    for (let index = changes.length - 1; index >= 0; index -= 1) {
      const change = changes[index] as NameChange;
      const decision = change.slots.some((slot) => needed.has(slotKey(slot))) ? 'settled' : decide(change);
      if (decision === 'settled') {
        settled.push(change);
        for (const slot of change.slots) needed.add(slotKey(slot));
      } else {
        left.push(decision === 'open' ? change : decision);
      }
    }
    this.#ownParts();
    for (const change of settled.reverse()) this.#makeDurable(change);
    this.#nameChanges = left.reverse();
  }

  #replaceContent(
    node: FileNode,
    content: Content,
    positionBytes: number,
    bytes: Uint8Array | undefined,
    modifiedAtMs: number,
  ): void {
    this.#order += 1;
    const unsynced: DataChange = {
      order: this.#order,
      positionBytes,
      bytes,
      sizeBeforeBytes: node.content.sizeBytes,
      sizeAfterBytes: content.sizeBytes,
      previous: node.unsynced,
    };
    this.usedBytes += content.sizeBytes - node.content.sizeBytes;
    this.update({ ...node, content, unsynced, modifiedAtMs });
  }

  #sizeChange(sizeBeforeBytes: number, sizeAfterBytes: number): DataChange {
    this.#order += 1;
    const positionBytes = Math.min(sizeBeforeBytes, sizeAfterBytes);
    const sizes = { sizeBeforeBytes, sizeAfterBytes };
    return { order: this.#order, positionBytes, bytes: undefined, ...sizes, previous: undefined };
  }

  #numberOf(directory: number, name: string): number {
    const number = this.directory(directory).entries.numbers.get(name);
    if (number === undefined) throw new Error(`no name ${name} in directory ${directory}`);
    return number;
  }

  #unlink(number: number): void {
    const node = this.#nodes[number] as Node;
    this.update({ ...node, linkCount: 0 });
  }

  #change(slots: readonly NameSlot[]): void {
    this.#order += 1;
    this.#ownParts();
    this.#nameChanges.push({ order: this.#order, slots, syncedDirectory: undefined });
    for (const { directory, name, number } of slots) {
      const node = this.directory(directory);
      const entries = this.#ownTable(node.entries);
      if (entries !== node.entries) this.update({ ...node, entries });
      setName(entries.numbers, name, number);
    }
  }

  #makeDurable(change: NameChange): void {
    for (const { directory, name, number } of change.slots) {
      const node = this.directory(directory);
      const durable = this.#ownTable(node.durable);
      if (durable !== node.durable) this.update({ ...node, durable });
      setName(durable.numbers, name, number);
    }
  }

  #ownTable(table: NameTable): NameTable {
    return table.owner === this.#owner ? table : { numbers: new Map(table.numbers), owner: this.#owner };
  }

  #ownParts(): void {
    if (this.#partsOwner === this.#owner) return;
    this.#nodes = this.#nodes.slice();
    this.#freeNumbers = this.#freeNumbers.slice();
    this.#nameChanges = this.#nameChanges.slice();
    this.#partsOwner = this.#owner;
  }

  #newNumber(): number {
    this.#ownParts();
    this.nodeCount += 1;
    return this.#freeNumbers.pop() ?? this.#nodes.length;
  }
}

/** The content after changes, oldest first. */
export function applyChanges(content: Content, changes: readonly DataChange[]): Content {
  let result = contentOf(viewContent(content).slice());
  for (const { bytes, positionBytes, sizeAfterBytes } of changes) {
    if (bytes === undefined) result = resizeContent(result, sizeAfterBytes);
    else result = writeContent(result, bytes, positionBytes);
  }
  return result;
}

export function setName(numbers: Map<string, number>, name: string, number: number | undefined): void {
  if (number === undefined) numbers.delete(name);
  else numbers.set(name, number);
}

export function slotKey({ directory, name }: NameSlot): string {
  return `${directory}/${name}`;
}

export function newDirectory(
  number: number,
  made: NewNode,
  entries: Map<string, number>,
  durable: Map<string, number>,
): DirectoryNode {
  const tables = { entries: { numbers: entries, owner: undefined }, durable: { numbers: durable, owner: undefined } };
  return { kind: 'directory', number, ...made, linkCount: 2, ...tables };
}
