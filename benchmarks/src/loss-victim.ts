// A process that hands over events and ends without warning, for cases/loss.ts.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { nodeLifecycle } from '@relaykit/buffer/node';
import { type PageView, pageViews } from './events.ts';
import { nextTurn } from './measure.ts';
import { addTo, makeRelay } from './relay.ts';

const TURN_EVENTS = 250;

interface Taker {
  take(event: PageView): undefined | Promise<unknown>;
  /** Waits until everything is acknowledged, where the case says that somebody waits. */
  acknowledged?(): Promise<unknown>;
}

const { name, ending, eventCount, directory } = JSON.parse(process.argv[2] ?? '{}') as {
  name: string;
  ending: 'exit' | 'kill';
  eventCount: number;
  directory: string;
};

const takers: Readonly<Record<string, () => Taker | Promise<Taker>>> = {
  relay: () => {
    const relay = makeRelay(directory);
    return { take: (event) => addTo(relay, event) };
  },
  relayLifecycle: () => {
    const relay = makeRelay(directory, { lifecycle: nodeLifecycle() });
    return { take: (event) => addTo(relay, event) };
  },
  relayAcknowledged: () => {
    const relay = makeRelay(directory);
    return { take: (event) => addTo(relay, event), acknowledged: () => relay.flush() };
  },
  createWriteStream: () => {
    const stream = createWriteStream(join(directory, 'lines'));
    return {
      take: (event) => {
        stream.write(`${JSON.stringify(event)}\n`);
        return undefined;
      },
    };
  },
  pinoSync: () => pino(true),
  pinoAsync: () => pino(false),
  pinoWorker: async () => {
    const { pino: createPino } = await import('pino');
    const options = { destination: join(directory, 'lines') };
    const logger = createPino(createPino.transport({ target: 'pino/file', options }));
    return { take: (event) => void logger.info(event) };
  },
  winston: async () => {
    const { createLogger, transports } = await import('winston');
    const logger = createLogger({ transports: [new transports.File({ dirname: directory, filename: 'lines' })] });
    return { take: (event) => void logger.info('event', event) };
  },
};

async function pino(sync: boolean): Promise<Taker> {
  const { pino: createPino } = await import('pino');
  const logger = createPino(createPino.destination({ dest: join(directory, 'lines'), sync, minLength: 4_096 }));
  return { take: (event) => void logger.info(event) };
}

const events = pageViews(eventCount);
const taker = await takers[name]?.();
if (!taker) throw new Error(`there is nothing called ${name}`);
// Files are open by the time a program has worked for a while.
await new Promise((resolve) => setTimeout(resolve, 500));
for (let index = 0; index < eventCount; ) {
  const waiting = taker.take(events[index] as PageView);
  if (waiting) await waiting;
  index += 1;
  if (index % TURN_EVENTS === 0 && index < eventCount) await nextTurn();
}
await taker.acknowledged?.();
if (ending === 'kill') process.kill(process.pid, 'SIGKILL');
process.exit(0);
