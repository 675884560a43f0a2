import { ZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import { describeEventSerializer } from '@relaykit/testing/conformance';
import { describe, it } from 'vitest';
import { engines } from './engines.ts';

for (const engine of await engines()) {
  describeEventSerializer(
    `ZstdSerializer, ${engine.name}`,
    { create: () => new ZstdSerializer(new JSONEventSerializer(), { engine }), detects: 'checksum' },
    { describe, it },
  );
}
