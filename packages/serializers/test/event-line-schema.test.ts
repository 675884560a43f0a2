import { eventLineSchema, JSONEventSerializer } from '@relaykit/serializers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { flights } from '../../../tools/bench.ts';
import { place, textOf } from './source.ts';

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const serializer = new JSONEventSerializer<unknown>();

function linesOf(events: readonly unknown[]): unknown[] {
  const text = textOf(serializer.encode(events, place).bytes);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

it('takes every line that is written', () => {
  const validate = ajv.compile(eventLineSchema);
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (events) => {
      for (const line of linesOf(events)) expect(validate(line)).toBe(true);
    }),
  );
});

it('can be narrowed to events of one’s own', () => {
  const flight = {
    type: 'object',
    required: ['delay', 'distance'],
    properties: { delay: { type: 'integer' }, distance: { type: 'number', minimum: 0 } },
  };
  const validate = ajv.compile({ $id: 'urn:example:flight', allOf: [{ $ref: eventLineSchema.$id }, flight] });
  for (const line of linesOf(flights(1_000))) expect(validate(line), ajv.errorsText(validate.errors)).toBe(true);
  expect(validate({ date: 'today' })).toBe(false);
});

it('is plain JSON, so that any validator takes it', () => {
  expect(JSON.parse(JSON.stringify(eventLineSchema))).toEqual(eventLineSchema);
});

it('describes lines that stay as they are', async () => {
  const events = [
    { type: 'opened', atMs: 1_763_829_658_107, at: new Date(1_763_829_658_107), user: 'Zoë 👋' },
    ['a "quoted" line\nbreak', -0, 1e21, Number.NaN, undefined, '\u2028', '\ud83d'],
    'text',
    null,
  ];
  const text = textOf(serializer.encode(events, place).bytes);
  await expect(text).toMatchFileSnapshot('./fixtures/format-v1.ndjson');
});
