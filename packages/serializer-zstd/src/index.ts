export { nativeZstd } from './native-zstd.ts';
export { type LoadZstdWasmOptions, loadZstdWasm } from './wasm-zstd.ts';
export type { ZstdEngine, ZstdEngineName } from './zstd-engine.ts';
export {
  type CreateZstdSerializerOptions,
  createZstdSerializer,
  DEFAULT_ZSTD_LEVEL,
  ZstdSerializer,
  type ZstdSerializerOptions,
} from './zstd-serializer.ts';
