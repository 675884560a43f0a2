// Goal: encrypting keeps the contract of EventSerializer, by each engine and whichever of them reads.
import { JSONEventSerializer } from '@relaykit/serializers';
import { describeEventSerializer } from '@relaykit/testing/conformance';
import { describe, it } from 'vitest';
import { EncryptedSerializer } from '../src/index.ts';
import { keyOf } from './scene.ts';

for (const engine of ['native', 'javascript'] as const) {
  describeEventSerializer(
    `EncryptedSerializer over JSON, ${engine}`,
    {
      create: () => new EncryptedSerializer(new JSONEventSerializer(), { keys: { current: keyOf('k1') }, engine }),
      detects: 'authentication',
    },
    { describe, it },
  );
}
