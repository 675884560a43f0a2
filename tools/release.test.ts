// Goal: the checks of a release that a green repository never shows red can fail.
import { expect, it } from 'vitest';
// @ts-expect-error -- plain JavaScript
import { checkSizes } from './release/sizes.mjs';
// @ts-expect-error -- plain JavaScript
import { judgeAudit } from './release/supply-chain.mjs';

const advisory = { title: 'reads too far', url: 'https://advisories.example.com/1' };
const found = JSON.stringify({ vulnerabilities: { dependency: { severity: 'high', via: [advisory, 'another'] } } });

it('names a vulnerability that nobody has explained, and no other', () => {
  expect(judgeAudit(found, '').problems).toEqual(['dependency: high: reads too far https://advisories.example.com/1']);
  expect(judgeAudit(found, '', { [advisory.url]: 'is never called' })).toEqual({ problems: [] });
  expect(judgeAudit('{"vulnerabilities":{}}', '')).toEqual({ problems: [] });
});

it.each([
  ['{"message":"405 Method Not Allowed"}', '405 Method Not Allowed'],
  ['', 'npm failed'],
])('takes an audit without an answer for none: %j', (stdout, reason) => {
  expect(judgeAudit(stdout, 'npm failed')).toEqual({ notChecked: expect.stringContaining(reason) });
});

it('names what exceeds its budget, has none, or has far too much', () => {
  const table = { it: { reason: 'the least that works', packedBytes: 10_000, entries: { '.': 5_000 } } };
  expect(checkSizes('it', 10_000, { '.': 5_000 }, table)).toEqual([]);
  expect(checkSizes('it', 10_001, { '.': 5_001 }, table)).toHaveLength(2);
  expect(checkSizes('it', 10_000, { '.': 5_000, './more': 1 }, table)).toEqual([expect.stringContaining('./more')]);
  expect(checkSizes('it', 10_000, {}, table)).toEqual([expect.stringContaining('which is no entry')]);
  expect(checkSizes('it', 1_000, { '.': 5_000 }, table)).toEqual([expect.stringContaining('lower its budget')]);
  expect(checkSizes('other', 1, {}, table)).toEqual([expect.stringContaining('other has no line')]);
});
