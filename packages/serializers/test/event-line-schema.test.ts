import { eventLineSchema, JSONEventSerializer } from '@relaykit/serializers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAll } from './source.ts';

it('names the type of every value that is read back', async () => {
  const serializer = new JSONEventSerializer<unknown>();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      const { events } = await decodeAll(serializer, serializer.encode([value]).bytes);
      const type = events[0] === null ? 'null' : Array.isArray(events[0]) ? 'array' : typeof events[0];
      expect(eventLineSchema.type).toContain(type);
    }),
  );
});

it('is plain JSON, so that any validator takes it', () => {
  expect(JSON.parse(JSON.stringify(eventLineSchema))).toEqual(eventLineSchema);
});
