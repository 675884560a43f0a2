import { FramedSerializer } from '@relaykit/serializers/framed';
import type { EventSerializer } from '@relaykit/types';
import { nativeZstd } from './native-zstd.ts';
import { type LoadZstdWasmOptions, loadZstdWasm } from './wasm-zstd.ts';
import { zstdCodec } from './zstd-codec.ts';
import type { ZstdEngine, ZstdEngineName } from './zstd-engine.ts';

/** Level and engine of a `ZstdSerializer`. */
export interface ZstdSerializerOptions {
  /** 1, fastest, to 19, smallest. Defaults to `DEFAULT_ZSTD_LEVEL`. */
  readonly level?: number;
  /** Defaults to `node:zlib` where it has Zstandard. Elsewhere, what `loadZstdWasm` resolves to. */
  readonly engine?: ZstdEngine;
}

/** 3, as zstd itself has it: smaller than gzip at its default and several times faster. */
export const DEFAULT_ZSTD_LEVEL = 3;

/** Levels 20 to 22 take hundreds of megabytes for each frame. */
const MAX_LEVEL = 19;

/**
 * Zstandard over another serializer: each frame is one Zstandard frame behind a skippable one, which carries what a scan
 * needs to walk them without guessing. The file opens with `zstd`, `zstdcat` and whatever reads frames one after another;
 * frames of other programs are decoded one by one, each holding whole events.
 *
 * Every flipped bit of a frame written here is noticed.
 */
export class ZstdSerializer<TEvent> extends FramedSerializer<TEvent> {
  readonly engine: ZstdEngineName;

  /**
   * @throws RangeError - `level` is no whole number from 1 to 19.
   * @throws TypeError - there is no `engine` and this platform has none of its own, or `inner` is compressed or encrypted.
   */
  constructor(inner: EventSerializer<TEvent>, { level = DEFAULT_ZSTD_LEVEL, engine }: ZstdSerializerOptions = {}) {
    if (!Number.isInteger(level) || level < 1 || level > MAX_LEVEL) {
      throw new RangeError(`level must be a whole number from 1 to ${MAX_LEVEL}, got ${String(level)}`);
    }
    const chosen = engine ?? nativeZstd();
    if (!chosen) {
      throw new TypeError(
        'engine must be given where node:zlib has no Zstandard (Node before 22.15, browsers): await createZstdSerializer(inner) instead, or pass { engine: await loadZstdWasm() }',
      );
    }
    super(inner, zstdCodec(chosen, level), { contentEncoding: 'zstd', fileExtension: 'zst' });
    this.engine = chosen.name;
  }
}

/** Level of the serializer, and where its WebAssembly is. */
export interface CreateZstdSerializerOptions extends LoadZstdWasmOptions {
  /** As `ZstdSerializerOptions.level`. */
  readonly level?: number;
}

/**
 * A serializer with the engine of this platform: `node:zlib`, or WebAssembly, which has to be loaded first.
 *
 * @throws Error - the optional dependency `@bokuweb/zstd-wasm` is needed and not installed.
 */
export async function createZstdSerializer<TEvent>(
  inner: EventSerializer<TEvent>,
  { wasmUrl, ...options }: CreateZstdSerializerOptions = {},
): Promise<ZstdSerializer<TEvent>> {
  const engine = nativeZstd() ?? (await loadZstdWasm(wasmUrl === undefined ? {} : { wasmUrl }));
  return new ZstdSerializer(inner, { ...options, engine });
}
