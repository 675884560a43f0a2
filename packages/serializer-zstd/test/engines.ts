import { loadZstdWasm, nativeZstd, type ZstdEngine } from '@relaykit/serializer-zstd';

/** Those that this platform has: WebAssembly always, `node:zlib` from Node 22.15 on. */
export async function engines(): Promise<readonly ZstdEngine[]> {
  const native = nativeZstd();
  return [await loadZstdWasm(), ...(native ? [native] : [])];
}
