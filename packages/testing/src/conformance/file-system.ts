import type { FileSystemFixture, FileSystemTest } from './file-system-fixture.ts';
import { describeFileHandle } from './file-system-handle.ts';
import { describeFileLock } from './file-system-lock.ts';
import { describeLookup } from './file-system-lookup.ts';
import { describeNames } from './file-system-names.ts';
import { describeOpening } from './file-system-opening.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

export type { FileSystemFixture } from './file-system-fixture.ts';

/** How the suite gets at an implementation. */
export interface FileSystemHarness {
  /** A file system and an empty directory on it that belongs to this test. Called once a test. */
  create(): FileSystemFixture | Promise<FileSystemFixture>;
  /** `unavailable`: `tryLock` has to throw `RELAY_LOCK_UNAVAILABLE`. Defaults to `kernel`. */
  readonly locks?: 'kernel' | 'unavailable';
}

/**
 * Tests what `FileSystem` and `FileHandle` promise to a process that lives on: names, handles, positions, locks, kinds and
 * error codes. What survives a crash takes a disk that can lose something, and is not tested here.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeFileSystem(name: string, harness: FileSystemHarness, testApi?: TestApi): void {
  const { describe, it } = resolveTestApi(testApi);
  const test: FileSystemTest = (title, run) =>
    it(title, async () => {
      const fixture = await harness.create();
      try {
        await run(fixture);
      } finally {
        await fixture.dispose?.();
      }
    });
  describe(`${name} is a FileSystem`, () => {
    describeOpening(test);
    describeNames(test);
    describeLookup(test);
    describeFileHandle(test);
    describeFileLock(test, harness.locks ?? 'kernel');
  });
}
