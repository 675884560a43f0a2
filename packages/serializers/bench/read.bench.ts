// Question: what do decoding and scanning cost beyond JSON.parse, and what does damage cost?

import { JSONEventSerializer, RawJSONLineSerializer } from '@relaykit/serializers';
import type { ByteSource, SegmentContext } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const segment: SegmentContext = { spoolId: 'bench', segmentId: 'bench', isSealed: true };
let seen = 0; // using every result keeps the engine from skipping the work

for (const eventCount of isSmall ? [100] : [100, 1_000, 10_000]) {
  const json = new JSONEventSerializer<object>();
  const raw = new RawJSONLineSerializer();
  const texts = flights(eventCount).map((event) => JSON.stringify(event));
  const bytes = new TextEncoder().encode(texts.map((text) => `${text}\n`).join(''));
  const damaged = bytes.map((byte, index) => (index % 1_000 === 999 && byte !== 0x0a ? 0xff : byte));

  const bench = new Bench(benchTimes());
  bench.add('JSON.parse of each line alone', () => {
    for (const text of texts) seen += JSON.parse(text) === undefined ? 0 : 1;
  });
  bench.add('decode', async () => {
    for await (const event of json.decode(sourceOf(bytes), segment)) seen += event === undefined ? 0 : 1;
  });
  bench.add('decode, raw', async () => {
    for await (const text of raw.decode(sourceOf(bytes), segment)) seen += text.length;
  });
  bench.add('scan', async () => {
    seen += (await json.scan(sourceOf(bytes))).eventCount;
  });
  bench.add('scan, a damaged byte in every thousand', async () => {
    seen += (await json.scan(sourceOf(damaged))).eventCount;
  });
  await bench.run();
  printComparison(bench, { unit: 'events', perIteration: eventCount, bytesPerIteration: bytes.byteLength, seen });
}

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.subarray(positionBytes, positionBytes + lengthBytes),
  };
}
