// Question: what does handing over one event cost the caller? A thousand in one turn; what becomes of them is done
// between the turns and not part of it. Nothing goes over a network: SDKs get an answer at once.
import { join } from 'node:path';
import { type Case, type Cases, parameter } from '../case.ts';
import { type PageView, pageViews } from '../events.ts';
import { nextTurn, percentile } from '../measure.ts';
import { closeRelay, makeRelay } from '../relay.ts';

const TURN_EVENTS = 1_000;
const WARM_UP_TURNS = 30;

interface Taker {
  take(event: PageView): void;
  /** Brings away what was taken. */
  settle(): Promise<unknown>;
  close?(): Promise<unknown>;
  /** How many events arrived, where that can be asked. */
  arrived?(): number;
}

function taking(open: (directory: string) => Taker | Promise<Taker>): Case {
  return async (context) => {
    const turns = parameter(context, 'turns');
    const events = pageViews(TURN_EVENTS);
    const taker = await open(context.directory);
    const nanoseconds: number[] = [];
    const settledNanoseconds: number[] = [];
    for (let turn = 0; turn < WARM_UP_TURNS + turns; turn += 1) {
      const startedMs = performance.now();
      for (const event of events) taker.take(event);
      const elapsedMs = performance.now() - startedMs;
      await taker.settle();
      const settledMs = performance.now() - startedMs;
      await nextTurn();
      if (turn < WARM_UP_TURNS) continue;
      nanoseconds.push((elapsedMs * 1e6) / TURN_EVENTS);
      settledNanoseconds.push((settledMs * 1e6) / TURN_EVENTS);
    }
    await taker.close?.();
    const expected = (WARM_UP_TURNS + turns) * TURN_EVENTS;
    const arrived = taker.arrived?.() ?? expected;
    if (arrived !== expected) throw new Error(`${expected} events were handed over and ${arrived} arrived`);
    return {
      nanosecondsPerEvent: percentile(nanoseconds, 0.5),
      settledNanosecondsPerEvent: percentile(settledNanoseconds, 0.5),
    };
  };
}

function relay(encode: 'onAdd' | 'onFlush'): Case {
  return taking((directory) => {
    const pipeline = makeRelay(directory, { buffer: { encode } });
    return {
      take: (event) => void pipeline.add(event),
      settle: () => pipeline.flush(),
      close: () => closeRelay(pipeline),
      arrived: () => pipeline.counts().persisted,
    };
  });
}

function pino(sync: boolean): Case {
  return taking(async (directory) => {
    const { pino: createPino } = await import('pino');
    const destination = createPino.destination({ dest: join(directory, 'lines'), sync, minLength: 4_096 });
    const logger = createPino({ base: null, timestamp: false }, destination);
    const flushed = (): Promise<void> =>
      new Promise((resolve, reject) => destination.flush((error) => (error ? reject(error) : resolve())));
    return { take: (event) => logger.info(event), settle: flushed };
  });
}

export const cases: Cases = {
  arrayPush: taking(() => {
    let array: PageView[] = [];
    let arrived = 0;
    return {
      take: (event) => void array.push(event),
      async settle() {
        arrived += array.length;
        array = [];
      },
      arrived: () => arrived,
    };
  }),
  stringify: taking(() => {
    let units = 0;
    return {
      take(event) {
        units += JSON.stringify(event).length;
      },
      async settle() {
        if (units === 0) throw new Error('nothing was encoded');
      },
    };
  }),
  relay: relay('onAdd'),
  relayOnFlush: relay('onFlush'),
  pinoSync: pino(true),
  pinoAsync: pino(false),
  openTelemetry: taking(async () => {
    const { BatchLogRecordProcessor, LoggerProvider } = await import('@opentelemetry/sdk-logs');
    let arrived = 0;
    const exporter = {
      export(records: readonly unknown[], done: (result: { code: number }) => void) {
        arrived += records.length;
        done({ code: 0 });
      },
      async forceFlush() {},
      async shutdown() {},
    };
    const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: 10 * TURN_EVENTS });
    const provider = new LoggerProvider({ processors: [processor] });
    const logger = provider.getLogger('benchmark');
    return {
      take(event) {
        const { type, timestampMs, properties, ...attributes } = event;
        logger.emit({ eventName: type, timestamp: timestampMs, attributes: { ...attributes, ...properties } });
      },
      settle: () => provider.forceFlush(),
      close: () => provider.shutdown(),
      arrived: () => arrived,
    };
  }),
  posthogNode: taking(async () => {
    const { PostHog } = await import('posthog-node');
    const answer = { status: 200, text: async () => 'ok', json: async () => ({}), headers: { get: () => null } };
    const client = new PostHog('key', {
      host: 'http://127.0.0.1:9',
      flushAt: TURN_EVENTS,
      maxQueueSize: 10 * TURN_EVENTS,
      fetch: async () => answer,
    });
    return {
      take: ({ type, userId, ...properties }) =>
        client.capture({ distinctId: userId, event: type, properties, disableGeoip: true }),
      settle: () => client.flush(),
      close: () => client.shutdown(),
    };
  }),
  segmentAnalyticsNode: taking(async () => {
    const { Analytics } = await import('@segment/analytics-node');
    const client = new Analytics({
      writeKey: 'key',
      flushAt: TURN_EVENTS,
      httpClient: async () => new Response('{"success":true}', { status: 200 }),
    });
    return {
      take: ({ type, userId, ...properties }) => client.track({ userId, event: type, properties }),
      settle: () => client.flush(),
      close: () => client.closeAndFlush(),
    };
  }),
};
