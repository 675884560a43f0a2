// Records events with one of the recorders and ends in one of the ways; compare.mjs starts it.
import { recorders } from './recorders.mjs';

const [recorder, ending, directory, count] = process.argv.slice(2);
const record = await recorders[recorder](directory);
const keepAlive = () => setInterval(() => undefined, 1_000);
const raise = (signal) => {
  keepAlive();
  process.kill(process.pid, signal);
};
const endings = {
  SIGTERM: () => raise('SIGTERM'),
  SIGINT: () => raise('SIGINT'),
  'process.exit()': () => process.exit(7),
  'uncaught exception': () =>
    setImmediate(() => {
      throw new Error('nobody catches this');
    }),
  'unhandled rejection': () => void Promise.reject(new Error('nobody handles this')),
  'end of script': () => undefined,
};

for (let n = 0; n < Number(count); n += 1) {
  // Time for files to be opened and for threads to start: what is compared is the end, not the beginning.
  if (n === Number(count) / 2) await new Promise((resolve) => setTimeout(resolve, 200));
  record({ n, text: 'a line of some length, as they are' });
}
endings[ending]();
