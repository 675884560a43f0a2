// Adds events to a relay and ends in the way it is told: arguments are directory or '-' (no relay, the end as it is
// without us), ending, turns of the event loop before it. Each event that was added is named on standard output first.
import { writeSync } from 'node:fs';
import { createRelay, nodeLifecycle } from '../../src/index.ts';

const [directory = '-', ending = '', turns = '0'] = process.argv.slice(2);
const relay =
  directory === '-'
    ? undefined
    : createRelay<{ readonly id: string }>({
        directory,
        lifecycle: nodeLifecycle(),
        buffer: { flushEvents: 5, flushIntervalMs: 3_600_000 },
      });

function add(id: string): void {
  if (relay?.add({ id }).status === 'added') writeSync(1, `${id}\n`);
}
function addMany(name: string): void {
  for (let index = 0; index < 7; index += 1) add(`${name}-${index}`);
}
const keepAlive = (): void => void setInterval(() => undefined, 1_000);

addMany('stored');
await relay?.flush();
addMany('underWay');
// In the middle of a write and its sync, by when the end comes.
void relay?.flush({ durability: 'synced' }).catch(() => undefined);
addMany('behind');
for (let turn = 0; turn < Number(turns); turn += 1) await new Promise((resolve) => setImmediate(resolve));

const endings: Readonly<Record<string, () => unknown>> = {
  exit: () => process.exit(7),
  exitFromListener() {
    process.on('exit', () => addMany('atExit'));
    process.exit(7);
  },
  throwingExitListener() {
    process.prependListener('exit', () => {
      addMany('atExit');
      throw new Error('a listener of the application');
    });
    process.exit(7);
  },
  exception() {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  },
  rejection: () => void Promise.reject(new Error('nobody handles this')),
  handledException() {
    process.on('uncaughtException', () => {
      addMany('handled');
      process.exitCode = 9;
    });
    setImmediate(() => {
      throw new Error('the application handles this');
    });
  },
  endOfScript: () => undefined,
  exitCode() {
    process.exitCode = 3;
  },
  unsettled: () => new Promise(() => undefined),
  ...Object.fromEntries(['SIGTERM', 'SIGINT', 'SIGHUP'].map((signal) => [signal, () => raise(signal)])),
  twice() {
    raise('SIGINT');
    raise('SIGINT');
  },
  othersOnce() {
    process.once('SIGTERM', () => {
      addMany('graceful');
      setTimeout(() => process.exit(42), 20);
    });
    raise('SIGTERM');
  },
  othersGoOn() {
    process.on('SIGTERM', () => {
      addMany('graceful');
      setTimeout(() => process.kill(process.pid, 'SIGHUP'), 20);
    });
    raise('SIGTERM');
  },
  async closed() {
    await relay?.close();
    raise('SIGTERM');
  },
};

function raise(signal: string): void {
  keepAlive();
  process.kill(process.pid, signal);
  addMany('afterSignal');
}

const end = endings[ending];
if (end === undefined) throw new Error(`no ending is called ${ending}`);
await end();
