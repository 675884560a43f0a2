import { SEGMENT_ID_SOURCE } from './segment-id.ts';

const count = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const time = {
  type: 'string',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
} as const;
const word = { type: 'string', minLength: 1 } as const;
const segmentId = { type: 'string', pattern: `^${SEGMENT_ID_SOURCE}$` } as const;

/**
 * Contents of `<id>.meta.json`, format version 1, as a JSON Schema (draft 2020-12). Members that it does not name are
 * allowed: later versions of this package may add some.
 */
export const segmentMetadataSchema: Readonly<Record<string, unknown>> = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:relaykit:segment-metadata:1',
  title: 'Relaykit segment metadata, format version 1',
  type: 'object',
  required: [
    'formatVersion',
    'id',
    'spoolId',
    'writerId',
    'firstSequence',
    'eventCount',
    'bytes',
    'sha256',
    'format',
    'createdAt',
    'sealedAt',
    'sealReason',
    'exportReady',
  ],
  properties: {
    formatVersion: { const: 1 },
    id: { ...segmentId, description: 'Name of the segment file, without its extension.' },
    spoolId: { ...word, description: 'Identifier of the spool, from spool.json.' },
    writerId: { type: 'string', description: 'Who wrote the segment.' },
    firstSequence: { ...count, description: 'Number of the first event among those of the writer, from 0.' },
    eventCount: { ...count, description: 'The segment holds firstSequence to firstSequence + eventCount - 1.' },
    bytes: { ...count, description: 'Size of the segment file.' },
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'Of the segment file.' },
    format: {
      type: 'object',
      required: ['name', 'fileExtension', 'mediaType'],
      properties: {
        name: { ...word, description: 'For example jsonl, jsonl+gzip.' },
        fileExtension: { type: 'string', pattern: '^[a-z0-9]+(\\.[a-z0-9]+){0,3}$' },
        mediaType: { ...word, description: 'Of the content once decoded from contentEncoding.' },
        contentEncoding: { ...word, description: 'HTTP content coding of the file as it is.' },
      },
    },
    createdAt: { ...time, description: 'ISO 8601, UTC, milliseconds.' },
    sealedAt: { ...time, description: 'ISO 8601, UTC, milliseconds.' },
    sealReason: {
      type: 'string',
      description: 'For example bytes, age, events, close, recovered, or a policy’s own word.',
    },
    exportReady: { type: 'boolean', description: 'Whether the export queue may take the segment.' },
    heldReason: { type: 'string', description: 'Why it may not.' },
    supersedes: { ...segmentId, description: 'The damaged segment whose intact events this one holds.' },
    continuedIn: { ...segmentId, description: 'The segment that holds the events behind bytes.' },
    keyId: { type: 'string', description: 'Identifier of the key that encrypted the segment. Never the key.' },
    checksum: {
      type: 'string',
      pattern: '^[0-9a-f]{64}$',
      description: 'The last member: SHA-256 of the bytes of this file in front of the comma before it.',
    },
  },
};
