import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { nodeFileSystem } from '@relaykit/segments';

/** One file that the page is made of. */
export interface PageFile {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Beside the sources, whether they are run or built ones are. */
const page = new URL('../../src/page/', import.meta.url);
const { resolve } = createRequire(import.meta.url);

const maxFileBytes = 1024 * 1024;

/** By their paths. Read once: nothing that a request says becomes a path. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = [
    ['/', 'text/html; charset=utf-8', inPage('index.html')],
    ['/page.css', 'text/css; charset=utf-8', inPage('page.css')],
    ['/page.js', 'text/javascript; charset=utf-8', inPage('page.js')],
    ['/icon.svg', 'image/svg+xml', inPage('icon.svg')],
    ['/uplot.css', 'text/css; charset=utf-8', resolve('uplot/dist/uPlot.min.css')],
    ['/uplot.js', 'text/javascript; charset=utf-8', resolve('uplot/dist/uPlot.esm.js')],
  ] as const;
  return new Map(
    await Promise.all(
      files.map(async ([path, mediaType, file]) => [path, { mediaType, bytes: await read(file) }] as const),
    ),
  );
}

function inPage(name: string): string {
  return fileURLToPath(new URL(name, page));
}

async function read(path: string): Promise<Uint8Array> {
  const handle = await nodeFileSystem().openFile(path, 'read');
  try {
    return await handle.read(0, maxFileBytes);
  } finally {
    await handle.close();
  }
}
