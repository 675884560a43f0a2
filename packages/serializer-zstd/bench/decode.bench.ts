// Question: what does reading compressed frames cost beyond reading plain lines, and what does a scan save by not decoding?

import { loadZstdWasm, nativeZstd, ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { ByteSource, EventSerializer, SegmentContext } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, type Flight, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const segment: SegmentContext = { spoolId: 'bench', segmentId: 'bench', isSealed: true };
const json = new JSONEventSerializer<Flight>();
const native = nativeZstd();
const engines = [...(native ? [native] : []), await loadZstdWasm()];
let seen = 0; // using every result keeps the engine from skipping the work

for (const eventCount of isSmall ? [100] : [100, 1_000, 10_000]) {
  const events = flights(eventCount);
  const plain = json.encode(events).bytes;
  const bench = new Bench(benchTimes());
  const addDecode = (name: string, serializer: EventSerializer<Flight>, bytes: Uint8Array): void => {
    bench.add(name, async () => {
      for await (const event of serializer.decode(sourceOf(bytes), segment)) seen += event.delay;
    });
  };

  addDecode('plain lines, decode', json, plain);
  for (const engine of engines) {
    const serializer = new ZstdSerializer(json, { engine });
    const bytes = (await serializer.encode(events, { ...segment, frameIndex: 0 })).bytes;
    addDecode(`${engine.name}, decode`, serializer, bytes);
    bench.add(`${engine.name}, scan`, async () => {
      seen += (await serializer.scan(sourceOf(bytes), segment)).eventCount;
    });
  }
  await bench.run();
  printComparison(bench, { unit: 'events', perIteration: eventCount, bytesPerIteration: plain.byteLength, seen });
}

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.subarray(positionBytes, positionBytes + lengthBytes),
  };
}
