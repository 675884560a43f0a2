// Goal: compress, then encrypt: every sensible nesting keeps the contract of EventSerializer, and the writer stores it.
import { EncryptedSerializer } from '@relaykit/serializer-encrypted';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { createZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import { SimulatedDisk } from '@relaykit/testing';
import { describeEventSerializer } from '@relaykit/testing/conformance';
import type { EventSerializer } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { keyOf, metadataIn, type Numbered, numbersIn, writerOn } from './encrypted-scene.ts';

const compressors = {
  gzip: () => new GzipSerializer<Numbered>(new JSONEventSerializer()),
  'gzip, fflate': () => new GzipSerializer<Numbered>(new JSONEventSerializer(), { engine: 'fflate' }),
  zstd: () => createZstdSerializer<Numbered>(new JSONEventSerializer()),
};

async function nested(compressor: () => EventSerializer<Numbered> | Promise<EventSerializer<Numbered>>) {
  return new EncryptedSerializer(await compressor(), { keys: { current: keyOf('k1') } });
}

for (const [name, compressor] of Object.entries(compressors)) {
  describeEventSerializer(
    `EncryptedSerializer over ${name}`,
    {
      create: async () => (await nested(compressor)) as EventSerializer<unknown> as never,
      detects: 'authentication',
    },
    { describe, it },
  );

  describe(`FileDiskWriter with EncryptedSerializer over ${name}`, () => {
    it('seals segments that read back, and says in the metadata what they are', async () => {
      const serializer = await nested(compressor);
      const disk = new SimulatedDisk();
      const writer = writerOn(disk, { serializer });
      await writer.write([{ n: 0 }, { n: 1 }]);
      await writer.close();
      expect(await numbersIn(disk, serializer)).toEqual([0, 1]);
      const [method, extension] = name.startsWith('gzip') ? ['gzip', 'gz'] : ['zstd', 'zst'];
      expect(metadataIn(disk)).toMatchObject([
        {
          keyId: 'k1',
          format: {
            name: `jsonl+${method}+encrypted`,
            fileExtension: `ndjson.${extension}.enc`,
            mediaType: 'application/octet-stream',
          },
        },
      ]);
      expect(metadataIn(disk)[0]?.format).not.toHaveProperty('contentEncoding');
    });
  });
}
