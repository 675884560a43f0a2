// Goal: files that were written once stay readable. Fixtures are kept for ever; a new format adds its own.
import { readFileSync } from 'node:fs';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { expect, it } from 'vitest';
import { decodeAll, frameOf, joined, scanAll } from './files.ts';

const events = [
  { type: 'opened', atMs: 1_763_829_658_107, user: 'Zoë' },
  { type: 'scrolled', depth: 0.5 },
  { type: 'closed', note: 'line\nbreak 👋' },
];

it.for(['native', 'fflate'] as const)('reads version 1, written with %s', async (engine) => {
  const bytes = new Uint8Array(readFileSync(new URL(`./fixtures/format-v1-${engine}.ndjson.gz`, import.meta.url)));
  for (const reader of ['native', 'fflate'] as const) {
    const serializer = new GzipSerializer<unknown>(new JSONEventSerializer(), { engine: reader });
    expect(await decodeAll(serializer, bytes)).toEqual({ events, error: undefined });
    expect(await scanAll(serializer, bytes)).toMatchObject({ eventCount: 3, damaged: [], tornTailBytes: 0 });
  }
});

it('still writes version 1', async () => {
  // Stored, since how well a library compresses is its own affair.
  const serializer = new GzipSerializer<unknown>(new JSONEventSerializer(), { level: 0 });
  const file = joined(await frameOf(serializer, events.slice(0, 2)), await frameOf(serializer, events.slice(2)));
  const lines = Buffer.from(file).toString('hex').replace(/.{64}/gu, '$&\n');
  await expect(`${lines}\n`).toMatchFileSnapshot('./fixtures/format-v1-stored.hex');
});
