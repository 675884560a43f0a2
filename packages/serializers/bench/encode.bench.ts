// Question: what does encoding an event at the moment it is added cost beyond JSON.stringify, and does joining lines pay?

import { JSONEventSerializer, RawJSONLineSerializer } from '@relaykit/serializers';
import type { FrameBuilder, FrameContext } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const place: FrameContext = { spoolId: 'bench', segmentId: 'bench', frameIndex: 0 };
const encoder = new TextEncoder();
let seenBytes = 0; // using every result keeps the engine from skipping the work

for (const eventCount of isSmall ? [100] : [100, 1_000, 10_000]) {
  const flightEvents = flights(eventCount);
  await compare('flights', flightEvents);
  await compare('page views', flightEvents.map(pageView));
}

async function compare(name: string, events: readonly object[]): Promise<void> {
  const texts = events.map((event) => JSON.stringify(event));
  const bytes = texts.map((text) => encoder.encode(text));
  const json = new JSONEventSerializer<object>();
  const jsonBuilder = json.createFrameBuilder({ maxEventBytes: 1_048_576 });
  const raw = new RawJSONLineSerializer();
  const rawBuilder = raw.createFrameBuilder({ maxEventBytes: 1_048_576 });
  const memory = new Uint8Array(texts.join('\n').length * 3 + 1);

  const bench = new Bench(benchTimes());
  bench.add('JSON.stringify alone', () => {
    for (const event of events) seenBytes += JSON.stringify(event).length;
  });
  bench.add('builder', () => addAll(jsonBuilder, events));
  bench.add('builder, sizeBytes asked for after every event', () => {
    for (const event of events) {
      jsonBuilder.add(event);
      seenBytes += jsonBuilder.sizeBytes;
    }
    jsonBuilder.reset();
  });
  bench.add('encode', () => {
    seenBytes += json.encode(events, place).bytes.byteLength;
  });
  bench.add('by hand: encodeInto for each event', () => {
    let sizeBytes = 0;
    for (const event of events) {
      sizeBytes += encoder.encodeInto(JSON.stringify(event), memory.subarray(sizeBytes)).written;
      memory[sizeBytes++] = 0x0a;
    }
    seenBytes += sizeBytes;
  });
  bench.add('by hand: map, join, encode', () => {
    seenBytes += encoder.encode(events.map((event) => `${JSON.stringify(event)}\n`).join('')).byteLength;
  });
  bench.add('JSON.parse alone', () => {
    for (const text of texts) seenBytes += JSON.parse(text) === undefined ? 0 : 1;
  });
  bench.add('raw builder, strings', () => addAll(rawBuilder, texts));
  bench.add('raw builder, bytes', () => addAll(rawBuilder, bytes));
  await bench.run();
  const bytesPerIteration = bytes.reduce((sum, line) => sum + line.byteLength + 1, 0);
  printComparison(bench, { unit: 'events', perIteration: events.length, bytesPerIteration, input: name, seenBytes });
}

function addAll<TEvent>(builder: FrameBuilder<TEvent>, events: readonly TEvent[]): void {
  for (const event of events) builder.add(event);
  seenBytes += builder.sizeBytes;
  builder.reset();
}

/** About 300 bytes, as analytics events are. */
function pageView(flight: object, index: number): object {
  return {
    id: `evt-${index}-4f1c9a`,
    type: 'page_view',
    userId: `user-${index % 97}`,
    timestampMs: 1_700_000_000_000 + index * 37,
    url: `https://example.com/flights/${index}?ref=home`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    properties: flight,
  };
}
