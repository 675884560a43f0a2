import { JSONEventSerializer, type RawJSONLine, RawJSONLineSerializer } from '@relaykit/serializers';
import { describeEventSerializer } from '@relaykit/testing/conformance';
import type { EventSerializer } from '@relaykit/types';
import { describe, it } from 'vitest';

describeEventSerializer(
  'JSONEventSerializer',
  { create: () => new JSONEventSerializer<unknown>(), detects: 'syntax' },
  { describe, it },
);

for (const [kind, toEvent] of Object.entries<(text: string) => RawJSONLine>({
  strings: (text) => text,
  bytes: (text) => new TextEncoder().encode(text),
})) {
  describeEventSerializer(
    `RawJSONLineSerializer of ${kind}`,
    {
      create: () => new RawJSONLineSerializer() as EventSerializer<unknown>,
      detects: 'syntax',
      events: {
        toEvent: (value) => toEvent(JSON.stringify(value)),
        toValue: (event) => JSON.parse(String(event)) as unknown,
      },
    },
    { describe, it },
  );
}
