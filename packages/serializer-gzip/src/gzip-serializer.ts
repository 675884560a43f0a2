import { FramedSerializer } from '@relaykit/serializers/framed';
import type { EventSerializer } from '@relaykit/types';
import { fflateEngine } from './fflate-engine.ts';
import { gzipCodec } from './gzip-codec.ts';
import type { GzipEngine, GzipEngineName } from './gzip-engine.ts';
import { nativeEngine } from './native-engine.ts';

/** Level and engine of a `GzipSerializer`. */
export interface GzipSerializerOptions {
  /** 0, stored, to 9, smallest. Defaults to `DEFAULT_GZIP_LEVEL`. */
  readonly level?: number;
  /** Defaults to `native`, `node:zlib`, where there is one, and to `fflate` elsewhere. */
  readonly engine?: GzipEngineName;
}

/**
 * 1: on real events an eighth of level 6's work in Node, a third of what making the lines costs, for files a fifth larger
 * (bench/encode.bench.ts).
 */
export const DEFAULT_GZIP_LEVEL = 1;

const MAX_LEVEL = 9;

/**
 * Gzip over another serializer: each frame is one gzip member, so a file opens with `gzip`, `zcat` and whatever reads
 * concatenated members. An extra field carries what a scan needs to walk them without guessing; members of other
 * programs, which have none, are decoded one by one, each holding whole events.
 *
 * Every flipped bit of a member written here is noticed.
 */
export class GzipSerializer<TEvent> extends FramedSerializer<TEvent> {
  readonly engine: GzipEngineName;

  /**
   * @throws RangeError - `level` is no whole number from 0 to 9.
   * @throws TypeError - `engine` is unknown or not to be had here, or `inner` is compressed or encrypted.
   */
  constructor(inner: EventSerializer<TEvent>, { level = DEFAULT_GZIP_LEVEL, engine }: GzipSerializerOptions = {}) {
    if (!Number.isInteger(level) || level < 0 || level > MAX_LEVEL) {
      throw new RangeError(`level must be a whole number from 0 to ${MAX_LEVEL}, got ${String(level)}`);
    }
    const chosen = chooseEngine(engine);
    super(inner, gzipCodec(chosen, level), { contentEncoding: 'gzip', fileExtension: 'gz' });
    this.engine = chosen.name;
  }
}

function chooseEngine(name: GzipEngineName | undefined): GzipEngine {
  if (name === 'fflate') return fflateEngine;
  if (name === undefined) return nativeEngine() ?? fflateEngine;
  if (name !== 'native') throw new TypeError(`engine must be 'native' or 'fflate', got ${JSON.stringify(name)}`);
  const native = nativeEngine();
  if (!native) throw new TypeError("engine 'native' needs Node 20.16 or later; leave it out, or take 'fflate'");
  return native;
}
