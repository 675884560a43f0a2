import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { describeEventSerializer } from '@relaykit/testing/conformance';
import { describe, it } from 'vitest';

for (const engine of ['native', 'fflate'] as const) {
  for (const level of [0, 6] as const) {
    describeEventSerializer(
      `GzipSerializer, ${engine}, level ${level}`,
      { create: () => new GzipSerializer(new JSONEventSerializer(), { engine, level }), detects: 'checksum' },
      { describe, it },
    );
  }
}
