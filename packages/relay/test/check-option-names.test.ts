import { describe, expect, it } from 'vitest';
import { checkOptionNames } from '../src/check-option-names.ts';

const known = { directory: true, maxSegmentBytes: true, maxSegmentEvents: true, url: true } as const;

describe('checkOptionNames', () => {
  it('accepts what is known, also where it is undefined', () => {
    expect(() => checkOptionNames('createRelay', { directory: 'x', url: undefined }, known)).not.toThrow();
  });

  it.each([
    ['maxSegmentByte', 'createRelay has no option maxSegmentByte; did you mean maxSegmentBytes?'],
    ['maxsegmentevents', 'createRelay has no option maxsegmentevents; did you mean maxSegmentEvents?'],
    ['uri', 'createRelay has no option uri; did you mean url?'],
    [
      'compression',
      'createRelay has no option compression; known are directory, maxSegmentBytes, maxSegmentEvents, url',
    ],
    // Names that every object inherits are no options either.
    ['toString', /has no option toString/u],
    ['__proto__', /has no option __proto__/u],
  ])('refuses %s', (name, message) => {
    const options = Object.defineProperty({}, name, { value: 1, enumerable: true });
    expect(() => checkOptionNames('createRelay', options, known)).toThrow(message);
    expect(() => checkOptionNames('createRelay', options, known)).toThrow(TypeError);
  });

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['spool', 'string'],
    [[], 'an array'],
  ])('refuses %j instead of options', (options, word) => {
    expect(() => checkOptionNames('createRelay', options, known)).toThrow(`createRelay must be an object, got ${word}`);
  });
});
