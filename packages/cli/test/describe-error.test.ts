import { expect, it } from 'vitest';
import { describeError } from '../src/describe-error.ts';

it('joins a message that ends with a full stop to its cause', () => {
  const cause = new Error('ENOSPC: no space left on device, write');
  const error = new Error('Cannot write spool/7: the disk is full; free some space and try again.', { cause });
  expect(describeError(error)).toBe(
    'Cannot write spool/7: the disk is full; free some space and try again: ENOSPC: no space left on device, write',
  );
  expect(describeError(new Error('It ends here.'))).toBe('It ends here.');
});
