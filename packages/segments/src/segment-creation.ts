import type { FileHandle } from '@relaykit/types';
import { isNamed } from './exclusive-file.ts';
import { formatSegmentId } from './segment-id.ts';
import type { Spool } from './spool.ts';
import { activeFileName, atomicFileName, heldFileName } from './spool-names.ts';
import { systemCodeOf } from './system-error.ts';

/** What the name of a new segment is made of. */
export interface NewSegment {
  readonly writerId: string;
  readonly firstSequence: number;
  /** Later than every name this writer used or saw. */
  readonly createdAtMs: number;
  readonly fileExtension: string;
  /** Whether a crash leaves nothing of it rather than a prefix. */
  readonly isAtomic: boolean;
  /** Whether it is held back from export until it is released. Defaults to `false`. */
  readonly isHeld?: boolean;
}

export interface CreatedSegment {
  readonly id: string;
  readonly createdAtMs: number;
  /** Holds the lock. */
  readonly handle: FileHandle;
}

/** Each turn moves the name by a millisecond, so a hundred collisions in a row mean that something else is wrong. */
const MAX_TURNS = 100;

/**
 * Creates a segment file and takes its lock. Between the two another process may have found the empty file and begun to
 * recover it; then that one is left to it and another name is taken.
 */
export function createSegmentFileSync(spool: Spool, segment: NewSegment): CreatedSegment {
  const { fileSystem } = spool;
  const nameOf = segment.isAtomic ? atomicFileName : segment.isHeld ? heldFileName : activeFileName;
  for (let turn = 0; ; turn += 1) {
    const createdAtMs = segment.createdAtMs + turn;
    const id = formatSegmentId({ ...segment, createdAtMs });
    const path = spool.pathOf(nameOf(id, segment.fileExtension));
    let handle: FileHandle;
    try {
      handle = fileSystem.createFileSync(path);
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST' || turn >= MAX_TURNS) throw error;
      continue;
    }
    let isOurs = false;
    try {
      isOurs = handle.tryLock() && isNamed(fileSystem, path, handle);
      if (isOurs) return { id, createdAtMs, handle };
      if (turn >= MAX_TURNS) throw new Error(`every new file in ${spool.directory} is taken away at once`);
    } catch (error) {
      fileSystem.removeSync(path);
      throw error;
    } finally {
      if (!isOurs) handle.closeSync();
    }
  }
}
