import { RelayError } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { isDiskFull, systemCodeOf, toStorageError } from '../src/index.ts';
import { messageOf } from '../src/system-error.ts';

const failure = (code: string): Error => Object.assign(new Error(`${code}: failed`), { code });

describe('toStorageError', () => {
  it.for([
    ['EACCES', 'give this user access to it'],
    ['EPERM', 'give this user access to it'],
    ['EROFS', 'the file system is read-only; remount it or choose another directory'],
    ['ENOTDIR', 'a part of the path is a file; choose another directory'],
    ['ENOENT', 'the spool directory is not there; check its path, and where it was removed, create the writer again'],
    ['EMFILE', 'too many files are open; raise the limit (ulimit -n)'],
    ['ENFILE', 'too many files are open on this machine'],
    ['EIO', 'the disk reports an error; check it'],
    ['EWHATEVER', 'see the cause, and try again'],
  ] as const)('says what to do next about %s', ([code, next]) => {
    const cause = failure(code);
    const error = toStorageError(cause, { operation: 'sync', path: 'spool/7', attempts: 3 });
    expect(error).toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      message: `Cannot sync spool/7 after 3 attempts (${code}); ${next}.`,
      facts: { path: 'spool/7', operation: 'sync', attempts: 3, systemCode: code },
      cause,
    });
  });

  it.for([
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'the quota is used up'],
  ] as const)('says that there is no room: %s', ([code, what]) => {
    expect(toStorageError(failure(code), { operation: 'write', path: 'spool/7' })).toMatchObject({
      code: 'RELAY_STORAGE_FULL',
      message: `Cannot write spool/7: ${what}, nothing of this call was acknowledged; free some space and try again.`,
      facts: { path: 'spool/7', operation: 'write', attempts: 1, systemCode: code },
    });
  });

  it.for([new Error('odd'), 'odd', Object.assign(new Error('odd'), { code: 7 })])(
    'takes what has no code: %s',
    (cause) => {
      expect(toStorageError(cause, { operation: 'read', path: 'x' })).toMatchObject({
        code: 'RELAY_STORAGE_FAILED',
        message: 'Cannot read x; see the cause, and try again.',
        facts: { systemCode: undefined },
        cause,
      });
    },
  );

  it('passes our own errors on as they are', () => {
    const ours = new RelayError('RELAY_LOCK_UNAVAILABLE', 'no locks', { path: 'x' });
    expect(toStorageError(ours, { operation: 'read', path: 'y' })).toBe(ours);
  });
});

describe('messageOf', () => {
  it('takes an error at its word, and anything else as text', () => {
    expect([new Error('odd'), 'odd', undefined, 7].map(messageOf)).toEqual(['odd', 'odd', 'undefined', '7']);
  });
});

describe('codes', () => {
  it('are told where there are some', () => {
    expect(systemCodeOf(failure('EIO'))).toBe('EIO');
    for (const odd of [undefined, 'EIO', { code: 'EIO' }, new Error('x')]) expect(systemCodeOf(odd)).toBeUndefined();
  });

  it('of a full disk are three', () => {
    const facts = { path: 'x', operation: 'write', attempts: 1, systemCode: 'RELAY_RETENTION' } as const;
    const ours = new RelayError('RELAY_STORAGE_FULL', 'full', facts);
    expect([failure('ENOSPC'), failure('EDQUOT'), ours, failure('EIO'), undefined].map(isDiskFull)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
