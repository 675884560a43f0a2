import { RelayError } from '@relaykit/types';
import { expect, it } from 'vitest';
import { describeError } from '../src/describe-error.ts';
import { inCommandTerms } from '../src/in-command-terms.ts';

it('joins a message that ends with a full stop to its cause', () => {
  const cause = new Error('ENOSPC: no space left on device, write');
  const error = new Error('Cannot write spool/7: the disk is full; free some space and try again.', { cause });
  expect(describeError(error)).toBe(
    'Cannot write spool/7: the disk is full; free some space and try again: ENOSPC: no space left on device, write',
  );
  expect(describeError(new Error('It ends here.'))).toBe('It ends here.');
});

it.each([
  ['EACCES', 'lstat', /^Cannot look at \/x\/spool; give this user access to it.*: EACCES: not so, lstat$/u],
  ['EPERM', 'open', /^Cannot open \/x\/spool; give this user access to it/u],
  ['ENOTDIR', 'scandir', /^Cannot list \/x\/spool; a part of the path is a file; check the path/u],
  ['ENOTHING', 'open', /^ENOTHING: not so, open$/u],
])('says what to do about a bare %s', (code, syscall, expected) => {
  const error = Object.assign(new Error(`${code}: not so, ${syscall}`), { code, syscall, path: '/x/spool' });
  expect(describeError(inCommandTerms(error))).toMatch(expected);
});

it('says plainly what could not be done to a spool', () => {
  const facts = { operation: 'createDirectory', path: '/x', attempts: 1, systemCode: 'EACCES' } as const;
  const error = new RelayError('RELAY_STORAGE_FAILED', 'Cannot createDirectory /x (EACCES); do this.', facts);
  expect(describeError(inCommandTerms(error))).toBe('Cannot create directory /x (EACCES); do this.');
});
