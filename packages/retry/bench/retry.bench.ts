// Question: what does it cost to run an operation through retry when nothing fails, and what does one decision cost?
import { exponentialBackoff, nextDelayMs, retry } from '@relaykit/retry';
import type { Clock } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, printComparison } from '../../../tools/bench.ts';

const calls = 1_000; // one alone is shorter than the clock can tell
const policy = exponentialBackoff();
const { signal } = new AbortController();
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
let seen = 0; // using every result keeps the engine from skipping the work

const bench = new Bench(benchTimes());
bench.add('await operation()', async () => {
  const operation = async () => 1;
  for (let call = 0; call < calls; call += 1) seen += await operation();
});
bench.add('await retry(operation)', async () => {
  const operation = async () => 1;
  for (let call = 0; call < calls; call += 1) seen += await retry(operation, { policy, clock });
});
bench.add('await retry(operation), with a signal', async () => {
  const operation = async () => 1;
  for (let call = 0; call < calls; call += 1) seen += await retry(operation, { policy, clock, signal });
});
bench.add('nextDelayMs', () => {
  const failure = { attempts: 3, elapsedMs: 30, cause: undefined };
  for (let call = 0; call < calls; call += 1) seen += nextDelayMs(policy, failure) ?? 0;
});
await bench.run();
printComparison(bench, { unit: 'calls', perIteration: calls, seen: Math.round(seen) });
