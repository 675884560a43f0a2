// Question: a spool holds many sealed segments: how long does a process take to open it, and to list their names?
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileDiskWriter } from '@relaykit/disk-writer';
import { formatSegmentId, openSegmentStore } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { type Case, type Cases, parameter } from '../case.ts';
import { pageViews } from '../events.ts';
import { percentile } from '../measure.ts';
import { segmentsIn } from '../relay.ts';

const TIMES = 15;

interface Opened {
  /** How many segments it lists. */
  list(): Promise<number>;
  close(): Promise<unknown>;
}

/** One segment made by the writer, and copies of it under other names. */
async function placeSegments(directory: string, count: number): Promise<void> {
  const writer = new FileDiskWriter({ directory });
  await writer.write(pageViews(1));
  const metadata = await writer.rotate();
  await writer.close();
  const [original = ''] = segmentsIn(directory);
  if (!metadata) throw new Error('there is no segment to copy');
  const { id: firstId, createdAt, writerId } = metadata;
  const words = readFileSync(join(directory, `${firstId}.meta.json`), 'utf8');
  for (let index = 1; index < count; index += 1) {
    const createdAtMs = Date.parse(createdAt) + index;
    const id = formatSegmentId({ createdAtMs, firstSequence: index, writerId });
    const copy = words
      .replace(firstId, id)
      .replace(createdAt, new Date(createdAtMs).toISOString())
      .replace('"firstSequence":0', `"firstSequence":${index}`);
    writeFileSync(join(directory, `${id}.meta.json`), copy, { mode: 0o600 });
    copyFileSync(original, original.replace(firstId, id));
  }
}

function opening(open: (directory: string) => Promise<Opened>): Case {
  return async ({ directory: parent, ...context }) => {
    const directory = join(parent, 'spool');
    const segments = parameter({ directory, ...context }, 'segments');
    await placeSegments(directory, segments);
    const openMs: number[] = [];
    const listMs: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      const startedMs = performance.now();
      const opened = await open(directory);
      const openedMs = performance.now();
      const found = await opened.list();
      openMs.push(openedMs - startedMs);
      listMs.push(performance.now() - openedMs);
      await opened.close();
      if (found !== segments) throw new Error(`${segments} segments are there and ${found} were listed`);
    }
    return { openMs: percentile(openMs, 0.5), listMs: percentile(listMs, 0.5) };
  };
}

export const cases: Cases = {
  raw: opening(async (directory) => ({
    list: async () => readdirSync(directory).filter((name) => name.startsWith('2') && name.endsWith('.ndjson')).length,
    close: async () => undefined,
  })),
  relay: opening(async (directory) => {
    const store = await openSegmentStore({ directory, serializers: [new JSONEventSerializer()] });
    return {
      async list() {
        let found = 0;
        for await (const { id } of store.list()) found += id.length > 0 ? 1 : 0;
        return found;
      },
      close: () => store.close(),
    };
  }),
  writer: opening(async (directory) => {
    const writer = new FileDiskWriter({ directory });
    await writer.open();
    return { list: async () => segmentsIn(directory).length, close: () => writer.close() };
  }),
};
