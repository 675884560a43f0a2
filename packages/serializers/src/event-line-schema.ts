/**
 * What is true of every line of every `.ndjson` segment, as a JSON Schema (draft 2020-12): any JSON value. Events have no
 * envelope; what your own lines look like is yours to narrow: `{ allOf: [eventLineSchema, yours] }`.
 */
export const eventLineSchema: {
  readonly $schema: string;
  readonly $id: string;
  readonly title: string;
  readonly description: string;
  readonly type: readonly string[];
} = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:relaykit:event-line:1',
  title: 'Relaykit event line, format version 1',
  description: 'One event: exactly one JSON value on one line of UTF-8, ended by a line feed (U+000A).',
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
};
