import { isTransientStorageError } from '@relaykit/retry';
import { expect, it } from 'vitest';

const withCode = (code: unknown) => Object.assign(new Error('failed'), { code });

it.each(['EAGAIN', 'EBUSY', 'EDQUOT', 'EINTR', 'EMFILE', 'ENFILE', 'ENOSPC'])('%s may pass', (code) => {
  expect(isTransientStorageError(withCode(code))).toBe(true);
});

it.each(['EIO', 'EACCES', 'ENOENT', 'EROFS', 'EEXIST', 28, undefined])('%s does not', (code) => {
  expect(isTransientStorageError(withCode(code))).toBe(false);
});

it.each([[undefined], [null], ['ENOSPC'], [7], [{}], [new Error('ENOSPC')]])('neither does %o', (thrown) => {
  expect(isTransientStorageError(thrown)).toBe(false);
});
