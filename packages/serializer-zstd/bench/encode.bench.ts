// Question: what does compressing a frame cost by engine and level, what does it save, and how much of it holds the event loop?

import { loadZstdWasm, nativeZstd, ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { EventSerializer, FrameBuilder, FrameContext } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, type Flight, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const place: FrameContext = { spoolId: 'bench', segmentId: 'bench', frameIndex: 0 };
const json = new JSONEventSerializer<Flight>();
const native = nativeZstd();
const engines = [...(native ? [native] : []), await loadZstdWasm()];
let seenBytes = 0; // using every result keeps the engine from skipping the work

for (const eventCount of isSmall ? [100] : [100, 1_000, 10_000]) {
  const events = flights(eventCount);
  const plainBytes = json.encode(events).bytes.byteLength;
  const facts: Record<string, string> = {};
  const bench = new Bench(benchTimes());

  const add = (name: string, serializer: EventSerializer<Flight>): void => {
    const builder = filled(serializer, events);
    const sizeBytes = builder.finishSync?.(place).bytes.byteLength ?? 0;
    facts[name] = `${(plainBytes / sizeBytes).toFixed(2)} times smaller, loop held ${loopMs(builder).toFixed(2)} ms`;
    bench.add(`${name}, finishSync`, () => {
      seenBytes += builder.finishSync?.(place).bytes.byteLength ?? 0;
    });
    if (!name.includes('native')) return;
    bench.add(`${name}, finish`, async () => {
      seenBytes += (await builder.finish(place)).bytes.byteLength;
    });
  };

  bench.add('JSON lines alone, encode', () => {
    seenBytes += json.encode(events).bytes.byteLength;
  });
  for (const engine of engines) {
    for (const level of [1, 3, 9]) add(`${engine.name} ${level}`, new ZstdSerializer(json, { engine, level }));
  }
  await bench.run();
  const bytesPerIteration = plainBytes;
  printComparison(bench, { unit: 'events', perIteration: eventCount, bytesPerIteration, ...facts, seenBytes });
}

function filled(serializer: EventSerializer<Flight>, events: readonly Flight[]): FrameBuilder<Flight> {
  const builder = serializer.createFrameBuilder?.();
  if (!builder) throw new Error('the serializer must offer a builder');
  for (const event of events) builder.add(event);
  return builder;
}

/** How long a call of `finish` keeps the thread, whatever it resolves to later; the median of a few. */
function loopMs(builder: FrameBuilder<Flight>): number {
  const times = Array.from({ length: 9 }, () => {
    const startedMs = performance.now();
    void builder.finish(place);
    return performance.now() - startedMs;
  });
  return times.toSorted((a, b) => a - b)[4] ?? 0;
}
