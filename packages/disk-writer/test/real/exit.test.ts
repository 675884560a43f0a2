// Goal: what is under way or in memory when a process ends is stored, once, however it ends.
// Method: processes that end in the middle of a write, at several moments of it; their spools are recovered and read.
import { expect, it } from 'vitest';
import { startChild, temporaryDirectory } from './child-process.ts';
import { recoverAndRead } from './recovered.ts';

const cases = ['exit', 'exception', 'endOfScript'].flatMap((ending) =>
  ['append', 'atomic'].flatMap((flushMode) => [0, 1, 3].map((turns) => ({ ending, flushMode, turns }))),
);
const names = ['acknowledged', 'underWay', 'batch', 'inMemory'];
const everything = names.flatMap((name) => [0, 1, 2, 3, 4].map((index) => `${name}-${index}`));

it.concurrent.for(cases)(
  'stores everything once: $ending, $flushMode, after $turns turns',
  async ({ ending, flushMode, turns }, { expect, onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const child = startChild('end-of-process.ts', directory, ending, flushMode, String(turns));
    const code = await child.ended;
    expect(code).toBe(ending === 'exception' ? 1 : 0);
    const { ids, accounts } = await recoverAndRead(directory);
    expect(ids.toSorted()).toEqual(everything.toSorted());
    expect(accounts).toMatchObject({ lost: 0, repeated: 0, pending: everything.length });
  },
);

it('has cases', () => {
  expect(cases).toHaveLength(18);
});
