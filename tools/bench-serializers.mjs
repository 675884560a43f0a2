// Measures every format over real events, and writes the table of packages/serializers/README.md anew:
//   npm run bench:serializers                     with the events that lie beside the repository, where they do
//   npm run bench:serializers -- FILE.ndjson[.gz] with others
// Takes the built packages, as users do. Size, then the median of each rate over rounds in which the formats take turns,
// so that a machine that is busy for a while is so for all of them. RELAY_BENCH=small shows that it runs, and writes nothing.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { EncryptedSerializer } from '@relaykit/serializer-encrypted';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { loadZstdWasm, nativeZstd, ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';

const README = fileURLToPath(new URL('../packages/serializers/README.md', import.meta.url));
const DEFAULT_INPUT = fileURLToPath(new URL('../../shared/data/wikipedia-edits-2015-09-12.ndjson.gz', import.meta.url));
const BEGIN = '<!-- measured by npm run bench:serializers -->';
const END = '<!-- end of what was measured -->';

const isSmall = process.env.RELAY_BENCH === 'small';
const ROUNDS = isSmall ? 1 : 9;
const MAX_EVENTS = isSmall ? 500 : 10_000;
/** A frame as the disk writer makes them. */
const FRAME_EVENTS = 1_000;
const FRAME_BYTES = 256 * 1024;
const MEGABYTE = 1_000_000;

const input = process.argv[2] === undefined ? DEFAULT_INPUT : resolve(process.argv[2]);
if (!existsSync(input)) {
  console.error(`There are no events at ${input}; name a file: npm run bench:serializers -- FILE.ndjson`);
  process.exit(1);
}
const stored = readFileSync(input);
const lines = (input.endsWith('.gz') ? gunzipSync(stored) : stored).toString('utf8').split('\n').filter(Boolean);
const events = lines.slice(0, MAX_EVENTS).map((line) => JSON.parse(line));
const segment = { spoolId: 'bench', segmentId: 'bench', isSealed: false };

const json = new JSONEventSerializer();
const key = { id: 'bench', key: crypto.getRandomValues(new Uint8Array(32)) };
const encrypted = (inner, options) => new EncryptedSerializer(inner, { keys: { current: key }, ...options });
const gzip = new GzipSerializer(json);
const wasm = new ZstdSerializer(json, { engine: await loadZstdWasm() });
const native = nativeZstd() && new ZstdSerializer(json);

const formats = [
  ['plain lines', json],
  ['gzip', gzip],
  ['gzip in browsers (fflate)', new GzipSerializer(json, { engine: 'fflate' })],
  ...(native ? [['zstd, native', native]] : []),
  ['zstd, WebAssembly', wasm],
  ['encrypted', encrypted(json)],
  ['encrypted in browsers', encrypted(json, { engine: 'javascript' })],
  ['gzip, encrypted', encrypted(gzip)],
  ['zstd, encrypted', encrypted(native ?? wasm)],
].map(([name, serializer]) => ({ name, serializer, file: new Uint8Array(0), encodeMs: [], heldMs: [], decodeMs: [] }));

for (let round = 0; round <= ROUNDS; round += 1) {
  for (const format of formats) {
    const encoded = await encode(format);
    const decodeMs = await decode(format);
    // The first round is for the compiler.
    if (round === 0 && !isSmall) continue;
    format.encodeMs.push(encoded.ms);
    format.heldMs.push(encoded.heldMs);
    format.decodeMs.push(decodeMs);
  }
}

const plainBytes = formats[0].file.byteLength;
const perSecond = (times) => `${Math.round(plainBytes / MEGABYTE / (median(times) / 1_000))} MB/s`;
const rows = formats.map(({ name, file, encodeMs, heldMs, decodeMs }) => [
  name,
  (plainBytes / file.byteLength).toFixed(1),
  perSecond(encodeMs),
  perSecond(decodeMs),
  `${((median(heldMs) / events.length) * 1_000).toFixed(1)} ms`,
]);
const header = ['', 'times smaller', 'encoding', 'decoding', 'event loop held, encoding 1,000 events'];
const table = [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`.replace('|  |', '| |'));
const facts = `${events.length.toLocaleString('en')} events of ${Math.round(plainBytes / events.length)} bytes (edits of Wikipedia, the sample data of Apache Druid), default levels, Node ${process.versions.node.split('.')[0]}; medians of ${ROUNDS} rounds. Rates are megabytes of plain lines. Compare within the table, not machines.`;
console.log(table.join('\n'));
if (isSmall) process.exit(0);
const text = readFileSync(README, 'utf8');
const [before, rest] = text.split(`${BEGIN}\n`);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error(`${README} has no place for the table: ${BEGIN} … ${END}`);
writeFileSync(README, `${before}${BEGIN}\n\n${table.join('\n')}\n\n${wrapped(facts)}\n\n${END}${after}`);

/** Every event into frames, one after another, as a writer does; `heldMs` is how long nothing else had its turn. */
async function encode(format) {
  const { serializer } = format;
  const frames = [];
  const builder = serializer.createFrameBuilder();
  await new Promise((done) => setTimeout(done, 1));
  const startedMs = performance.now();
  const loop = performance.eventLoopUtilization();
  for (let index = 0; index < events.length; index += 1) {
    builder.add(events[index]);
    const isLast = index === events.length - 1;
    if (builder.eventCount < FRAME_EVENTS && builder.sizeBytes < FRAME_BYTES && !isLast) continue;
    const frame = await builder.finish({ ...segment, frameIndex: frames.length });
    frames.push(frame.bytes.slice());
    builder.reset();
    // Turns of the loop, so that what waits for another thread does not count as held.
    await new Promise((done) => setImmediate(done));
  }
  const ms = performance.now() - startedMs;
  const heldMs = performance.eventLoopUtilization(loop).active;
  format.file = Buffer.concat(frames);
  return { ms, heldMs };
}

async function decode({ name, serializer, file }) {
  const source = {
    sizeBytes: file.byteLength,
    read: async (positionBytes, lengthBytes) => file.subarray(positionBytes, positionBytes + lengthBytes),
  };
  const startedMs = performance.now();
  let count = 0;
  for await (const _ of serializer.decode(source, segment)) count += 1;
  if (count !== events.length) throw new Error(`${name} gave ${count} events back, not ${events.length}`);
  return performance.now() - startedMs;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Lines of at most 120 characters. */
function wrapped(paragraph) {
  return paragraph.replace(/(.{1,118})(?: |$)/gu, '$1\n').trimEnd();
}
