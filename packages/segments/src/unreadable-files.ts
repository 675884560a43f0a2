import { systemCodeOf } from './system-error.ts';

/**
 * Recoveries in a row, some ten seconds apart, in which the disk has to refuse a file before it counts as unreadable. A
 * path to a disk that fails over, or a cable that is put back, takes less.
 */
export const UNREADABLE_AFTER_RECOVERIES = 3;

/** What a disk says of sectors, blocks and checksums that it lost. Everything else passes: memory, handles, signals. */
const LOST_BY_THE_DISK: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EILSEQ', 'EUCLEAN', 'ENODATA']);

/** The unfinished files that could not be read, as far as this process has tried. */
export class UnreadableFiles {
  readonly #failures = new Map<string, number>();

  /** Counts a failure. Returns whether the file is to be given up: until then the next recovery tries again. */
  note(fileName: string, error: unknown): boolean {
    if (!LOST_BY_THE_DISK.has(systemCodeOf(error) ?? '')) return false;
    const failures = (this.#failures.get(fileName) ?? 0) + 1;
    this.#failures.set(fileName, failures);
    return failures >= UNREADABLE_AFTER_RECOVERIES;
  }

  /** The file was read, or is gone. */
  forget(fileName: string): void {
    this.#failures.delete(fileName);
  }
}
