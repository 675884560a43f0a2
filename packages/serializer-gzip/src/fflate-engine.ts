import { deflateSync, inflateSync } from 'fflate';
import { type GzipEngine, requireLength } from './gzip-engine.ts';

type Level = NonNullable<NonNullable<Parameters<typeof deflateSync>[1]>['level']>;

/** Plain JavaScript, for browsers. */
export const fflateEngine: GzipEngine = {
  name: 'fflate',
  deflate: (content, level) => deflateSync(content, { level: level as Level }),
  // Output goes to memory of a fixed size; one byte more shows a stream that is longer than its header says.
  inflate: (deflated, decodedBytes) =>
    requireLength(inflateSync(deflated, { out: new Uint8Array(decodedBytes + 1) }), decodedBytes),
};
