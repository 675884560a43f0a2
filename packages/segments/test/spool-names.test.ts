import { describe, expect, it } from 'vitest';
import { isUsableExtension, parseSpoolFile } from '../src/index.ts';
import * as names from '../src/spool-names.ts';
import { CREATED_MS, idOf, WRITER } from './scene.ts';

const id = idOf({ first: 42 });

describe('names in a spool', () => {
  it.for([
    [names.activeFileName(id, 'ndjson.gz'), 'active', 'ndjson.gz'],
    [names.atomicFileName(id, 'ndjson'), 'atomic', 'ndjson'],
    [names.sealedFileName(id, 'ndjson.gz.enc'), 'sealed', 'ndjson.gz.enc'],
    [names.salvageFileName(id, 'ndjson'), 'salvage', 'ndjson'],
    [names.metadataFileName(id), 'metadata', ''],
    [names.exportStateFileName(id), 'exportState', ''],
    [names.temporaryFileName(names.metadataFileName(id)), 'temporary', ''],
    [names.temporaryFileName(names.exportStateFileName(id)), 'temporary', ''],
  ] as const)('%s is read as it was made', ([fileName, kind, fileExtension]) => {
    const segment = { id, createdAtMs: CREATED_MS + 42, firstSequence: 42, writerId: WRITER, fileExtension };
    expect(parseSpoolFile(fileName)).toEqual({ kind, fileName, segment });
  });

  it.for([
    ['totalBytes', 'totalBytes'],
    ['../../etc', 'etc'],
    ['http 413!', 'http413'],
    ['', 'other'],
    ['ä/\0', 'other'],
    ['x'.repeat(99), 'x'.repeat(40)],
  ] as const)('a removal for the reason %j bears %j', ([reason, inName]) => {
    const fileName = names.goneFileName(id, reason);
    expect(fileName).toBe(`${id}.${inName}.gone`);
    expect(parseSpoolFile(fileName)).toMatchObject({ kind: 'gone', reason: inName });
  });

  it.for([
    'spool.json',
    'ledger.ndjson',
    'ledger.lock',
    'quarantine',
    id,
    `${id}.`,
    `${id}.open`,
    `${id}.atomic`,
    `${id}.salvage`,
    `${id}.gone`,
    `${id}.a.b.gone`,
    `${id}.tmp`,
    `${id}.json`,
    `${id}.ndjson.tmp`,
    `${id}.ndjson.json`,
    `${id}.NDJSON`,
    `${id}.a.b.c.d.e`,
    `${id}.a..b`,
    `${id}.a/b`,
    `${id}.a.open.open`,
    `${id}.json.open`,
    `../${id}.ndjson`,
    `${id}.ndjson/../../x`,
    `${id}.nd\0json`,
    `${id}.ndjson\n`,
    '20261131T164058107Z-000000000001-k3f9q2m4xa.ndjson',
  ])('%j is not ours', (fileName) => {
    expect(parseSpoolFile(fileName)).toBeUndefined();
  });

  it('leave a format every extension but those that mean something else', () => {
    expect(['ndjson', 'ndjson.gz', 'a.b.c.d', 'json.gz'].map(isUsableExtension)).toEqual([true, true, true, true]);
    const last = ['open', 'held', 'atomic', 'salvage', 'gone', 'tmp', 'json', 'bak', 'old', 'orig', 'swp', 'x.json'];
    const copies = ['ndjson.open.gz', 'ndjson.held.gz', 'ndjson.salvage.1', 'meta.json.gz', 'export.json.1', 'open.x'];
    for (const reserved of [...last, ...copies, '', 'A', '.x', 'a.b.c.d.e']) {
      expect(isUsableExtension(reserved), reserved).toBe(false);
    }
  });
});
