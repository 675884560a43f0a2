// Question: what does encoding a batch of a thousand events cost, by format and engine, and how small does it become?
import { gzipSync } from 'node:zlib';
import { EncryptedSerializer } from '@relaykit/serializer-encrypted';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { loadZstdWasm, ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { EventSerializer, FrameContext } from '@relaykit/types';
import { type Case, type Cases, type OneShot, parameter } from '../case.ts';
import { type PageView, pageViews } from '../events.ts';
import { percentile } from '../measure.ts';

const BATCH_EVENTS = 1_000;
const WARM_UP_BATCHES = 50;
const PLACE: FrameContext = { spoolId: '0'.repeat(32), segmentId: 'segment', frameIndex: 0 };
const events = pageViews(BATCH_EVENTS);
const keys = { current: { id: 'bench', key: crypto.getRandomValues(new Uint8Array(32)) } };
const plain = new JSONEventSerializer<PageView>();

/** Milliseconds for a batch, and the bytes that come out. */
function encoding(encode: () => Promise<number> | number): OneShot {
  return async (context) => {
    const batches = parameter(context, 'batches');
    const jsonBytes = plain.encode(events).bytes.byteLength;
    const milliseconds: number[] = [];
    let bytes = 0;
    for (let batch = 0; batch < WARM_UP_BATCHES + batches; batch += 1) {
      const startedMs = performance.now();
      bytes = await encode();
      if (batch >= WARM_UP_BATCHES) milliseconds.push(performance.now() - startedMs);
    }
    const medianMs = percentile(milliseconds, 0.5);
    return { megabytesPerSecond: jsonBytes / medianMs / 1_000, medianMs, compression: jsonBytes / bytes };
  };
}

function lines(): string {
  let text = '';
  for (const event of events) text += `${JSON.stringify(event)}\n`;
  return text;
}

function through(make: () => EventSerializer<PageView> | Promise<EventSerializer<PageView>>): Case {
  return async (context) => {
    const serializer = await make();
    const encode = serializer.encodeSync?.bind(serializer);
    if (!encode) throw new Error('the serializer must have encodeSync');
    const encoded = await encoding(() => encode(events, PLACE).bytes.byteLength)(context);
    const { bytes } = encode(events, PLACE);
    const source = {
      sizeBytes: bytes.byteLength,
      read: async (positionBytes: number, lengthBytes: number) =>
        bytes.subarray(positionBytes, positionBytes + lengthBytes),
    };
    const decoded = await encoding(async () => {
      let found = 0;
      for await (const _event of serializer.decode(source, { ...PLACE, isSealed: false })) found += 1;
      if (found !== BATCH_EVENTS) throw new Error(`${BATCH_EVENTS} events went in and ${found} came out`);
      return bytes.byteLength;
    })(context);
    return { ...encoded, decodedMegabytesPerSecond: decoded['megabytesPerSecond'] ?? Number.NaN };
  };
}

export const cases: Cases = {
  stringify: encoding(() => {
    let units = 0;
    for (const event of events) units += JSON.stringify(event).length + 1;
    return units;
  }),
  stringifyToBytes: encoding(() => Buffer.from(lines()).byteLength),
  json: through(() => plain),
  zlibGzip1: encoding(() => gzipSync(plain.encode(events).bytes, { level: 1 }).byteLength),
  gzip1: through(() => new GzipSerializer(plain, { engine: 'native', level: 1 })),
  zlibGzip6: encoding(() => gzipSync(plain.encode(events).bytes, { level: 6 }).byteLength),
  gzip6: through(() => new GzipSerializer(plain, { engine: 'native', level: 6 })),
  gzipFflate1: through(() => new GzipSerializer(plain, { engine: 'fflate', level: 1 })),
  zstdWasm1: through(async () => new ZstdSerializer(plain, { engine: await loadZstdWasm(), level: 1 })),
  zstdWasm3: through(async () => new ZstdSerializer(plain, { engine: await loadZstdWasm(), level: 3 })),
  encryptedNative: through(() => new EncryptedSerializer(plain, { keys, engine: 'native' })),
  encryptedJavascript: through(() => new EncryptedSerializer(plain, { keys, engine: 'javascript' })),
};
