import { describe, expect, it } from 'vitest';
import { isRelayError, RelayError } from '../src/index.ts';

const full = new RelayError(
  'RELAY_STORAGE_FULL',
  'Cannot write spool: the disk is full.',
  { path: 'spool', operation: 'write', attempts: 5, systemCode: 'ENOSPC' },
  { cause: new Error('ENOSPC') },
);

describe('RelayError', () => {
  it('carries its code, its facts and its cause', () => {
    expect(full).toBeInstanceOf(Error);
    expect(full).toMatchObject({ name: 'RelayError', code: 'RELAY_STORAGE_FULL', facts: { attempts: 5 } });
    expect(full.cause).toEqual(new Error('ENOSPC'));
  });

  it('narrows its facts by its code', () => {
    const error: unknown = full;
    if (!isRelayError(error) || error.code !== 'RELAY_STORAGE_FULL') throw new Error('not recognised');
    const attempts: number = error.facts.attempts;
    expect(attempts).toBe(5);
  });
});

describe('isRelayError', () => {
  it('recognises the errors of another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), {
      name: 'RelayError',
      code: 'RELAY_CLOSED',
      facts: { operation: 'x' },
    });
    expect(isRelayError(foreign)).toBe(true);
    expect(isRelayError(foreign, 'RELAY_CLOSED')).toBe(true);
    expect(isRelayError(foreign, 'RELAY_LOCK_BUSY')).toBe(false);
  });

  it.for([
    undefined,
    null,
    'RELAY_CLOSED',
    { name: 'RelayError', code: 'RELAY_CLOSED', facts: {} },
    new Error('RELAY_CLOSED'),
    Object.assign(new Error('x'), { code: 'RELAY_CLOSED' }),
    Object.assign(new Error('x'), { name: 'RelayError', code: 5, facts: {} }),
  ])('takes %j for what it is', (value) => {
    expect(isRelayError(value)).toBe(false);
  });
});
