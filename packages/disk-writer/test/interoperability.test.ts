// Goal: sealed files are what other tools take them for: DuckDB counts and sums their events, jq, gzip and zstd open them.
// Method: a real spool for each format, several writers' segments and frames in it, and no reader of ours.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { rotateByEvents } from '@relaykit/rotation';
import { segmentMetadataSchema } from '@relaykit/segments';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { createZstdSerializer } from '@relaykit/serializer-zstd';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { EventSerializer } from '@relaykit/types';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Flight, flights } from '../../../tools/bench.ts';
import { FileDiskWriter } from '../src/index.ts';

const EVENTS = 7_500;
const EVENTS_PER_SEGMENT = 2_000;
const events = flights(EVENTS);
const expected = {
  events: events.length,
  delay: events.reduce((sum, { delay }) => sum + delay, 0),
  origins: new Set(events.map(({ origin }) => origin)).size,
};

const json = new JSONEventSerializer<Flight>();
const formats: readonly (readonly [string, EventSerializer<Flight>])[] = [
  ['ndjson', json],
  ['ndjson.gz', new GzipSerializer(json)],
  ['ndjson.gz', new GzipSerializer(json, { engine: 'fflate' })],
  ['ndjson.zst', await createZstdSerializer(json)],
];
const openers: Readonly<Record<string, readonly [command: string, ...args: readonly string[]]>> = {
  ndjson: ['cat'],
  'ndjson.gz': ['gzip', '-dc'],
  'ndjson.zst': ['zstd', '-dcq'],
};

const jq = 'jq';

function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

describe.each(formats)('sealed .%s files', (extension, serializer) => {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
  let files: readonly string[] = [];

  beforeAll(async () => {
    const writer = new FileDiskWriter({ directory, serializer, rotation: rotateByEvents(EVENTS_PER_SEGMENT) });
    for (let from = 0; from < EVENTS; from += 250) await writer.write(events.slice(from, from + 250));
    await writer.close();
    files = readdirSync(directory)
      .filter((name) => name.endsWith(`.${extension}`) && name !== 'ledger.ndjson')
      .map((name) => join(directory, name));
    expect(files.length).toBeGreaterThan(2);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('are counted and summed by SQL in DuckDB', async () => {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(
      `SELECT count(*)::INTEGER AS events, sum(delay)::INTEGER AS delay, count(DISTINCT origin)::INTEGER AS origins
       FROM read_json('${join(directory, `*.${extension}`)}', format = 'newline_delimited')`,
    );
    expect(reader.getRowObjects()).toEqual([expected]);
    connection.closeSync();
    instance.closeSync();
  });

  const [command, ...args] = openers[extension] ?? ['false'];
  it.skipIf(!isInstalled(command) || !isInstalled(jq))(
    `are summed by jq behind ${command} (skipped where jq or ${command} is missing)`,
    () => {
      const maxBuffer = 64 * 1024 * 1024;
      const input = Buffer.concat(files.map((file) => spawnSync(command, [...args, file], { maxBuffer }).stdout));
      const program = '{events: length, delay: map(.delay) | add, origins: map(.origin) | unique | length}';
      const { stdout } = spawnSync(jq, ['--slurp', '--compact-output', program], { input, maxBuffer });
      expect(JSON.parse(stdout.toString())).toEqual(expected);
    },
  );

  it('come with metadata that keeps its schema', () => {
    const ajv = new Ajv2020({ allErrors: true });
    const validate = ajv.compile(segmentMetadataSchema);
    const metadata = readdirSync(directory).filter((name) => name.endsWith('.meta.json'));
    expect(metadata).toHaveLength(files.length);
    for (const name of metadata) {
      const value = JSON.parse(readFileSync(join(directory, name), 'utf8')) as { format: unknown };
      expect(validate(value), ajv.errorsText(validate.errors)).toBe(true);
      expect(value.format).toEqual(serializer.format);
    }
  });
});
