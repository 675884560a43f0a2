import { join } from 'node:path';

/** Each resolves to a function that records one event. */
export const recorders = {
  Relaykit: (directory) => relay(directory, true),
  'Relaykit, no lifecycle': (directory) => relay(directory, false),
  'pino, asynchronous': (directory) =>
    pino(({ destination }) => destination({ dest: join(directory, 'log'), sync: false, minLength: 4_096 })),
  'pino, transport': (directory) =>
    pino(({ transport }) => transport({ target: 'pino/file', options: { destination: join(directory, 'log') } })),
  'pino, synchronous': (directory) =>
    pino(({ destination }) => destination({ dest: join(directory, 'log'), sync: true })),
  async winston(directory) {
    const { default: winston } = await import('winston');
    const transport = new winston.transports.File({ filename: join(directory, 'log') });
    const logger = winston.createLogger({ transports: [transport] });
    return (event) => logger.info('event', event);
  },
};

async function relay(directory, hasLifecycle) {
  const { createRelay, nodeLifecycle } = await import('@relaykit/relay');
  const made = createRelay({ directory, ...(hasLifecycle ? { lifecycle: nodeLifecycle() } : {}) });
  return (event) => {
    const { status } = made.add(event);
    if (status !== 'added') throw new Error(`the event was ${status}`);
  };
}

async function pino(makeDestination) {
  const { default: create } = await import('pino');
  const logger = create(makeDestination(create));
  return (event) => logger.info(event);
}
