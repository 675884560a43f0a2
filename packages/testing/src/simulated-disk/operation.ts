/** What a process asks of the disk. */
export type DiskOperationName =
  | 'create'
  | 'open'
  | 'lock'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'read'
  | 'rename'
  | 'remove'
  | 'list'
  | 'stat'
  | 'createDirectory'
  | 'syncDirectory'
  | 'freeSpace'
  | 'close';

/** One call, as hooks, gates and faults see it. */
export interface DiskOperation {
  readonly name: DiskOperationName;
  readonly path: string;
  /** The new name, of a rename. */
  readonly to: string | undefined;
  /** Of a write, a read or a truncate. */
  readonly positionBytes: number | undefined;
  /** Of a write or a read. */
  readonly lengthBytes: number | undefined;
  /** Whether the caller gets the result before the call returns. */
  readonly isSync: boolean;
  /** Name of the process that calls. */
  readonly process: string;
}

/** The name of an operation, or a test of it. */
export type OperationMatch = DiskOperationName | ((operation: DiskOperation) => boolean);

export function matches(match: OperationMatch, operation: DiskOperation): boolean {
  return typeof match === 'string' ? match === operation.name : match(operation);
}

export interface FileWrite {
  /** Inode number. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly positionBytes: number;
}

/** What an operation does to the disk. */
export interface Effect<T> {
  readonly operation: DiskOperation;
  /** Whether it changes the disk, and so counts as a step. */
  readonly isMutation: boolean;
  /** Changes what processes see. */
  apply(): T;
  /** The second half of a sync: makes it durable. */
  settle?(): void;
  /** What a sync leaves behind when it fails. */
  fail?(landed: Landed | undefined): void;
  /** Of a write: what it writes, for those that end early. */
  readonly write?: FileWrite;
}

/** How much of a failing operation happened all the same. */
export type Landed = 'none' | 'part' | 'all';

export function describeOperation({ name, path, to, positionBytes, lengthBytes }: DiskOperation): string {
  const target = to === undefined ? '' : ` -> ${to}`;
  const at = positionBytes === undefined ? '' : ` at ${positionBytes}`;
  const length = lengthBytes === undefined ? '' : ` (${lengthBytes} bytes)`;
  return `${name} ${path}${target}${at}${length}`;
}
