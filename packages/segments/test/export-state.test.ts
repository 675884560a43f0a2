// Goal: what the queue remembers of a segment survives, and damage to it costs the memory, never the segment.
import { describe, expect, it } from 'vitest';
import { readExportState, writeExportState } from '../src/export-state.ts';
import { createScene, idOf, pathOf, textOf } from './scene.ts';

const PATH = pathOf({}, 'export.json');
const id = idOf();
const state = { attempts: 3, firstFailureAtMs: 5, nextAttemptAtMs: 9, lastError: 'http 503' };

describe('export state', () => {
  it('is read as it was written, durable once it is', async () => {
    const { disk, spool } = createScene();
    expect(await readExportState(spool, id)).toBeUndefined();
    await writeExportState(spool, id, state);
    expect(new TextDecoder().decode(disk.persistedFiles().get(PATH))).toBe(`${JSON.stringify(state)}\n`);
    expect(await readExportState(spool, id)).toEqual(state);
    const { lastError: _, ...without } = state;
    await writeExportState(spool, id, without);
    expect(await readExportState(spool, id)).toEqual(without);
  });

  it('keeps a long error text short', async () => {
    const { disk, spool } = createScene();
    await writeExportState(spool, id, { ...state, lastError: 'x'.repeat(100_000) });
    expect(JSON.parse(textOf(disk, PATH))).toEqual({ ...state, lastError: 'x'.repeat(500) });
    disk.placeFile(PATH, JSON.stringify({ ...state, lastError: 'y'.repeat(600) }));
    expect(await readExportState(spool, id)).toEqual({ ...state, lastError: 'y'.repeat(500) });
  });

  it.for(['', '{', '\0', 'null', '7', `{"attempts":${'1'.repeat(20_000)}}`])(
    'is none where the file holds %j',
    async (text) => {
      const { disk, spool } = createScene();
      disk.placeFile(PATH, text);
      expect(await readExportState(spool, id)).toBeUndefined();
    },
  );

  it('is clamped to what it can mean', async () => {
    const { disk, spool } = createScene();
    const odd = { attempts: -1, firstFailureAtMs: 1e300, nextAttemptAtMs: '7', lastError: 7 };
    disk.placeFile(PATH, JSON.stringify(odd));
    expect(await readExportState(spool, id)).toEqual({ attempts: 0, firstFailureAtMs: 0, nextAttemptAtMs: 0 });
    disk.placeFile(PATH, '{"attempts":2.5}');
    expect(await readExportState(spool, id)).toEqual({ attempts: 0, firstFailureAtMs: 0, nextAttemptAtMs: 0 });
  });

  it('names what failed', async () => {
    const { disk, spool } = createScene();
    await writeExportState(spool, id, state);
    const reader = disk.process('reader');
    disk.failNext(({ name, path }) => name === 'read' && path === PATH, 'EIO');
    await expect(readExportState(spool, id)).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'read', path: PATH, systemCode: 'EIO' },
    });
    disk.failNext('write', 'ENOSPC');
    await expect(writeExportState(spool, id, { ...state, attempts: 4 })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FULL',
      facts: { operation: 'write', path: PATH },
    });
    expect(await readExportState(spool, id)).toEqual(state);
    expect(reader.openFileCount).toBe(0);
  });
});
