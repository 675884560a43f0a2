// Question: what does encryption add to JSON, by engine and by the number of events in a frame?

import { EncryptedSerializer } from '@relaykit/serializer-encrypted';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { ByteSource, EventSerializer, FrameContext } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const place: FrameContext = { spoolId: 'bench', segmentId: 'bench', frameIndex: 0 };
const context = { ...place, isSealed: false };
const keys = { current: { id: 'bench', key: crypto.getRandomValues(new Uint8Array(32)) } };
let seen = 0; // using every result keeps the engine from skipping the work

type Flight = ReturnType<typeof flights>[number];

const serializers: Readonly<Record<string, EventSerializer<Flight>>> = {
  'JSON alone': new JSONEventSerializer<Flight>(),
  'encrypted, native': new EncryptedSerializer<Flight>(new JSONEventSerializer(), { keys, engine: 'native' }),
  'encrypted, javascript': new EncryptedSerializer<Flight>(new JSONEventSerializer(), { keys, engine: 'javascript' }),
};

for (const eventCount of isSmall ? [100] : [100, 1_000, 10_000]) {
  const events = flights(eventCount);
  const plain = await new JSONEventSerializer<Flight>().encode(events);
  const facts = { unit: 'events', perIteration: eventCount, bytesPerIteration: plain.bytes.byteLength };

  const encoding = new Bench(benchTimes());
  for (const [name, serializer] of Object.entries(serializers)) {
    encoding.add(`encode, ${name}`, () => {
      seen += serializer.encodeSync?.(events, place).bytes.byteLength ?? 0;
    });
    if (!(serializer instanceof EncryptedSerializer)) continue;
    const builder = serializer.createFrameBuilder();
    for (const event of events) builder.add(event);
    encoding.add(`only the encryption of it, ${serializer.engine}`, () => {
      seen += builder.finishSync?.(place).bytes.byteLength ?? 0;
    });
  }
  await encoding.run();
  printComparison(encoding, facts);

  const decoding = new Bench(benchTimes());
  for (const [name, serializer] of Object.entries(serializers)) {
    const source = sourceOf((await serializer.encode(events, place)).bytes);
    decoding.add(`decode, ${name}`, async () => {
      for await (const { delay } of serializer.decode(source, context)) seen += delay;
    });
    decoding.add(`scan, ${name}`, async () => {
      seen += (await serializer.scan(source, context)).eventCount;
    });
  }
  await decoding.run();
  printComparison(decoding, { ...facts, seen });
}

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.subarray(positionBytes, positionBytes + lengthBytes),
  };
}
