import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SegmentMetadata } from '@relaykit/types';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { decodeMetadata, encodeMetadata, segmentMetadataSchema } from '../src/index.ts';
import { goldenDirectory } from './golden-spools.ts';
import { idOf, serializer, WRITER } from './scene.ts';

const ajv = new Ajv2020({ allErrors: true, strict: true });
const validate = ajv.compile(segmentMetadataSchema);

const metadata: SegmentMetadata = {
  formatVersion: 1,
  id: idOf({ first: 5 }),
  spoolId: 'ab'.repeat(16),
  writerId: WRITER,
  firstSequence: 5,
  eventCount: 3,
  bytes: 24,
  sha256: '0f'.repeat(32),
  format: { ...serializer.format, contentEncoding: 'gzip' },
  createdAt: '2026-01-01T00:00:00.005Z',
  sealedAt: '2026-01-01T00:00:01.000Z',
  sealReason: 'bytes',
  exportReady: false,
  heldReason: 'metadataLost',
  supersedes: idOf(),
  continuedIn: idOf({ first: 8 }),
  keyId: 'k1',
};

describe('segmentMetadataSchema', () => {
  it('accepts all metadata that was ever written', () => {
    const files = readdirSync(goldenDirectory, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.meta.json'),
    );
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const text = readFileSync(join(goldenDirectory, file), 'utf8');
      // Some spools show a crash that left metadata cut off.
      if (!text.endsWith('}\n')) continue;
      expect(validate(JSON.parse(text)), `${file}: ${ajv.errorsText(validate.errors)}`).toBe(true);
    }
  });

  it('accepts what is written', () => {
    const written = JSON.parse(new TextDecoder().decode(encodeMetadata(metadata))) as unknown;
    expect(validate(written), ajv.errorsText(validate.errors)).toBe(true);
    expect(validate({ ...metadata, checksum: 'x' })).toBe(false);
  });

  it('accepts every member at once, and those of later versions', () => {
    expect(validate({ ...metadata, later: { x: 1 } }), ajv.errorsText(validate.errors)).toBe(true);
  });

  const mistakes: readonly (readonly [string, unknown])[] = [
    ['formatVersion', 2],
    ['id', '../../etc/passwd'],
    ['spoolId', 7],
    ['firstSequence', '5'],
    ['eventCount', -1],
    ['eventCount', 0.5],
    ['bytes', 2 ** 60],
    ['sha256', 'x'.repeat(64)],
    ['format', undefined],
    ['format', { ...metadata.format, name: 7 }],
    ['format', { ...metadata.format, fileExtension: '../x' }],
    ['format', { ...metadata.format, contentEncoding: 7 }],
    ['createdAt', undefined],
    ['sealedAt', 7],
    ['sealReason', null],
    ['exportReady', 'yes'],
    ['heldReason', 7],
    ['supersedes', '../x'],
    ['continuedIn', 7],
    ['keyId', {}],
  ];
  it.for(mistakes)('refuses %s: %j, as the reader does', ([member, value]) => {
    const wrong = JSON.parse(JSON.stringify({ ...metadata, [member]: value })) as unknown;
    expect(validate(wrong)).toBe(false);
    expect(decodeMetadata(new TextEncoder().encode(JSON.stringify(wrong)), metadata.id)).toBeUndefined();
  });

  it('names every member of the type, and the checksum of the file', () => {
    const { properties } = segmentMetadataSchema as { properties: Readonly<Record<string, unknown>> };
    expect(Object.keys(properties).toSorted()).toEqual([...Object.keys(metadata), 'checksum'].toSorted());
  });
});
