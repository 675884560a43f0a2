import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tryKernelLock } from '../src/kernel-lock.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const WAY_OUT =
  'Cannot lock spool/x: kernel file locks do not work here (fs-native-extensions has no binary for this platform, ' +
  "or the file system has no locks). If no other process uses this spool, pass ownership: 'singleProcess'.";

afterEach(() => {
  vi.doUnmock('node:module');
  vi.resetModules();
});

describe('tryKernelLock', () => {
  it('holds against another descriptor, until its own closes', () => {
    const path = join(temporaryDirectory(), 'x');
    const [first, second] = [openSync(path, 'w+'), openSync(path, 'r+')];
    expect([tryKernelLock(first, path), tryKernelLock(second, path), tryKernelLock(first, path)]).toEqual([
      true,
      false,
      true,
    ]);
    closeSync(first);
    expect(tryKernelLock(second, path)).toBe(true);
    closeSync(second);
  });

  it('names the way out where the file system refuses', () => {
    expect(() => tryKernelLock(-1, 'spool/x')).toThrow(
      expect.objectContaining({ code: 'RELAY_LOCK_UNAVAILABLE', message: WAY_OUT, facts: { path: 'spool/x' } }),
    );
  });

  it.for([new Error('no binary for this platform'), 'no binary'])(
    'names the way out where the native module does not load, and tries to load it once: %s',
    async (cause) => {
      const load = vi.fn(() => {
        throw cause;
      });
      vi.resetModules();
      vi.doMock('node:module', () => ({ createRequire: () => load }));
      const { tryKernelLock: withoutBinary } = await import('../src/kernel-lock.ts');
      for (let turn = 0; turn < 2; turn += 1) {
        const failure = catchError(() => withoutBinary(1, 'spool/x'));
        expect(failure).toMatchObject({ code: 'RELAY_LOCK_UNAVAILABLE', message: WAY_OUT, facts: { path: 'spool/x' } });
        expect(String(failure?.cause)).toContain('no binary');
      }
      expect(load).toHaveBeenCalledTimes(1);
    },
  );
});

function catchError(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
