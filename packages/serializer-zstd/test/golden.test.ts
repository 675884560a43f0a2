// Goal: files that were written once stay readable. Fixtures are kept for ever; a new format adds its own.
import { readFileSync } from 'node:fs';
import { ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import { expect, it } from 'vitest';
import { engines } from './engines.ts';
import { decodeAll, frameOf, scanAll } from './files.ts';

const events = [
  { type: 'opened', atMs: 1_763_829_658_107, user: 'Zoë' },
  { type: 'scrolled', depth: 0.5 },
  { type: 'closed', note: 'line\nbreak 👋' },
];

it.for(['native', 'wasm', 'wasm-checksum'])('reads version 1, written with %s', async (writer) => {
  const bytes = new Uint8Array(readFileSync(new URL(`./fixtures/format-v1-${writer}.ndjson.zst`, import.meta.url)));
  for (const engine of await engines()) {
    const serializer = new ZstdSerializer<unknown>(new JSONEventSerializer(), { engine });
    expect(await decodeAll(serializer, bytes)).toEqual({ events, error: undefined });
    expect(await scanAll(serializer, bytes)).toMatchObject({ eventCount: 3, damaged: [], tornTailBytes: 0 });
  }
});

it('still writes version 1', async () => {
  // How well a library compresses is its own affair, so the bodies are stand-ins.
  const [engine] = await engines();
  if (!engine) return;
  const compress = (): Uint8Array => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0);
  const serializer = new ZstdSerializer<unknown>(new JSONEventSerializer(), {
    engine: { name: engine.name, compress, decompress: compress },
  });
  const hex = Buffer.from(await frameOf(serializer, events))
    .toString('hex')
    .replace(/.{64}/gu, '$&\n');
  await expect(`${hex}\n`).toMatchFileSnapshot('./fixtures/format-v1-stored.hex');
});
