import createXxHash from 'xxhash-wasm';
import type { ZstdEngine } from './zstd-engine.ts';
import { parseZstdFrame, withChecksum } from './zstd-frame.ts';

/** As much of `@bokuweb/zstd-wasm` as is used here. */
interface ZstdWasm {
  init(url?: string): Promise<void>;
  compress(content: Uint8Array, level: number): Uint8Array;
  decompress(frame: Uint8Array, options: { readonly defaultHeapSize: number }): Uint8Array;
}

/** Where the WebAssembly is. */
export interface LoadZstdWasmOptions {
  /** Address of `zstd.wasm`, where a bundler does not find it by itself. Browsers only. */
  readonly wasmUrl?: string;
}

let loading: Promise<ZstdEngine> | undefined;

/**
 * Zstandard as WebAssembly, for Node before 22.15 and for browsers. Loaded once; the engine itself never waits, so that
 * events can be stored at exit.
 *
 * @throws Error - the optional dependency `@bokuweb/zstd-wasm` is not installed.
 */
export function loadZstdWasm(options: LoadZstdWasmOptions = {}): Promise<ZstdEngine> {
  loading ??= load(options).catch((error: unknown) => {
    loading = undefined; // It may be installed, or reachable, the next time.
    throw error;
  });
  return loading;
}

async function load({ wasmUrl }: LoadZstdWasmOptions): Promise<ZstdEngine> {
  let wasm: ZstdWasm;
  try {
    wasm = (await import('@bokuweb/zstd-wasm')) as ZstdWasm;
  } catch (cause) {
    const message =
      'Cannot load @bokuweb/zstd-wasm, which @relaykit/serializer-zstd needs where node:zlib has no Zstandard (Node before 22.15, browsers); install it: npm install @bokuweb/zstd-wasm';
    throw new Error(message, { cause });
  }
  await initOnce(wasm, wasmUrl);
  const { h64Raw } = await createXxHash();
  return {
    name: 'wasm',
    // The module's own interface cannot ask for a checksum.
    compress: (content, level) => withChecksum(compress(wasm, content, level), h64Raw(content)),
    decompress: (frame, maxContentBytes) => decompress(wasm, frame, maxContentBytes),
  };
}

/** Shared by every copy of this package in the process, as the module is. */
const INITIALISING: unique symbol = Symbol.for('@relaykit/serializer-zstd initialising') as never;

/** A second `init` leaves the module half in its old memory and half in a new one, for good. */
function initOnce(wasm: ZstdWasm, wasmUrl: string | undefined): Promise<void> {
  if (isInitialised(wasm)) return Promise.resolve();
  const shared = globalThis as { [INITIALISING]?: Promise<void> | undefined };
  shared[INITIALISING] ??= wasm.init(wasmUrl).finally(() => {
    shared[INITIALISING] = undefined;
  });
  return shared[INITIALISING];
}

function isInitialised(wasm: ZstdWasm): boolean {
  try {
    return wasm.compress(new Uint8Array(1), 1).byteLength > 0;
  } catch {
    return false;
  }
}

function compress(wasm: ZstdWasm, content: Uint8Array, level: number): Uint8Array {
  const frame = wasm.compress(content, level);
  const parsed = parseZstdFrame(frame);
  if (parsed.kind === 'data' && parsed.lengthBytes === frame.byteLength && parsed.contentBytes === content.byteLength) {
    return frame;
  }
  throw new Error(
    '@bokuweb/zstd-wasm made no Zstandard frame: other code has called its init() again, which breaks it; call it once',
  );
}

function decompress(wasm: ZstdWasm, frame: Uint8Array, maxContentBytes: number): Uint8Array {
  // The module allocates whatever a frame says that it holds.
  const parsed = parseZstdFrame(frame);
  if (parsed.kind !== 'data' || (parsed.contentBytes ?? 0) > maxContentBytes) {
    throw new Error(`the frame is damaged, or holds more than ${maxContentBytes} bytes`);
  }
  return wasm.decompress(frame, { defaultHeapSize: Math.min(parsed.maxContentBytes, maxContentBytes) });
}
