// Goal: a spool whose spool.json is lost gets its id back, whole or not at all, and who only reads founds nothing.
import { describe, expect, it } from 'vitest';
import { findSpoolIdSync, isLedgerLine, restoreSpoolId } from '../src/index.ts';
import { createScene, openSpool, SPOOL, textOf } from './scene.ts';

const ID = '5f0c1e9b7a3d42688c1f6e20d94ab371';

describe('restoreSpoolId', () => {
  it.each(['', 'hello\n', '{"formatVersion":1'])('writes it over %j', async (content) => {
    const { disk } = createScene();
    disk.placeFile(`${SPOOL}/spool.json`, content);
    await restoreSpoolId(disk, SPOOL, ID);
    expect(textOf(disk, `${SPOOL}/spool.json`)).toBe(`{"formatVersion":1,"spoolId":"${ID}"}\n`);
    disk.losePower();
    disk.restart();
    expect(openSpool(disk).spoolId).toBe(ID);
  });

  it('refuses what is no id', async () => {
    const { disk } = createScene();
    await expect(restoreSpoolId(disk, SPOOL, '../x')).rejects.toThrow(/^spoolId must be 32 hexadecimal digits/u);
  });

  it('is not made up by who only reads', () => {
    const { disk, spool } = createScene();
    expect(findSpoolIdSync(disk, SPOOL)).toBe(spool.spoolId);
    disk.removeSync(`${SPOOL}/spool.json`);
    expect(findSpoolIdSync(disk, SPOOL)).toBeUndefined();
    expect(disk.files().has(`${SPOOL}/spool.json`)).toBe(false);
  });
});

describe('isLedgerLine', () => {
  it('knows the four kinds of lines, and nothing else', () => {
    const segment = { kind: 'segment', id: 'x', outcome: 'delivered', firstSequence: 0, eventCount: 1, bytes: 2 };
    const sums = { segments: 0, bytes: 0, delivered: [], quarantined: [], dropped: {} };
    const former = {
      kind: 'former',
      writers: 0,
      segments: 0,
      bytes: 0,
      delivered: 0,
      quarantined: 0,
      dropped: {},
      lost: 0,
    };
    const requeued = { kind: 'requeued', id: 'x', at: '2026-11-22T16:40:12.000Z' };
    for (const line of [segment, requeued, { kind: 'writer', writerId: 'w', ...sums }, former]) {
      expect(isLedgerLine(JSON.stringify(line))).toBe(true);
    }
    for (const line of [
      '',
      'null',
      '{}',
      '{"kind":"segment"}',
      '{"kind":"s',
      '[]',
      JSON.stringify({ ...segment, outcome: 'x' }),
    ]) {
      expect(isLedgerLine(line), line).toBe(false);
    }
  });
});
