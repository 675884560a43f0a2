import { type FileHandle, isRelayError } from '@relaykit/types';
import { check, checkEqual, errorOf } from './check.ts';
import type { FileSystemTest } from './file-system-fixture.ts';

/** What a lock promises between handles; between processes takes processes, and is not tested here. */
export function describeFileLock(test: FileSystemTest, locks: 'kernel' | 'unavailable'): void {
  if (locks === 'unavailable') {
    test('says that locks do not work', async ({ fileSystem, directory }) => {
      const handle = fileSystem.createFileSync(`${directory}/file`);
      const error = errorOf(() => handle.tryLock(), 'locking');
      check(isRelayError(error, 'RELAY_LOCK_UNAVAILABLE'), `expected RELAY_LOCK_UNAVAILABLE, got ${String(error)}`);
      handle.closeSync();
    });
    return;
  }
  describeLocking(test);
}

function describeLocking(test: FileSystemTest): void {
  for (const isSync of [false, true]) {
    const close = async (handle: FileHandle): Promise<void> => (isSync ? handle.closeSync() : handle.close());
    test(`one handle has the lock until ${isSync ? 'closeSync' : 'close'}`, async ({ fileSystem, directory }) => {
      const first = fileSystem.createFileSync(`${directory}/file`);
      const second = fileSystem.openFileSync(`${directory}/file`, 'readWrite');
      checkEqual(first.tryLock(), true, 'first asks');
      checkEqual(second.tryLock(), false, 'second asks');
      await close(first);
      checkEqual(second.tryLock(), true, 'second asks after the first closed');
      await close(second);
      const third = fileSystem.openFileSync(`${directory}/file`, 'readWrite');
      checkEqual(third.tryLock(), true, 'third asks after the second closed');
      await close(third);
    });
  }

  test('the holder may ask again, and still gives the lock back when it closes', async ({ fileSystem, directory }) => {
    const first = fileSystem.createFileSync(`${directory}/file`);
    checkEqual([first.tryLock(), first.tryLock()], [true, true], 'first asks twice');
    first.closeSync();
    const second = fileSystem.openFileSync(`${directory}/file`, 'readWrite');
    checkEqual(second.tryLock(), true, 'second asks after the first closed');
    second.closeSync();
  });

  test('closing another handle on the file leaves the lock alone', async ({ fileSystem, directory }) => {
    const holder = fileSystem.createFileSync(`${directory}/file`);
    checkEqual(holder.tryLock(), true, 'holder asks');
    fileSystem.openFileSync(`${directory}/file`, 'readWrite').closeSync();
    const other = fileSystem.openFileSync(`${directory}/file`, 'readWrite');
    checkEqual(other.tryLock(), false, 'another asks');
    other.closeSync();
    holder.closeSync();
  });

  test('the lock is on the file and not on its name', async ({ fileSystem, directory }) => {
    const holder = fileSystem.createFileSync(`${directory}/file`);
    checkEqual(holder.tryLock(), true, 'holder asks');
    await fileSystem.rename(`${directory}/file`, `${directory}/moved`);
    const moved = fileSystem.openFileSync(`${directory}/moved`, 'readWrite');
    checkEqual(moved.tryLock(), false, 'another asks under the new name');
    const fresh = fileSystem.createFileSync(`${directory}/file`);
    checkEqual(fresh.tryLock(), true, 'a new file under the old name');
    await fileSystem.remove(`${directory}/moved`);
    checkEqual(moved.tryLock(), false, 'another asks after the name is gone');
    for (const handle of [holder, moved, fresh]) handle.closeSync();
  });

  test('two files have two locks', async ({ fileSystem, directory }) => {
    const first = fileSystem.createFileSync(`${directory}/first`);
    const second = fileSystem.createFileSync(`${directory}/second`);
    checkEqual([first.tryLock(), second.tryLock()], [true, true], 'both ask');
    first.closeSync();
    second.closeSync();
  });
}
