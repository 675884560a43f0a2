// Goal: a spool can be read beside everything that lives in it, whole events alone and each once.
import { SimulatedDisk } from '@relaykit/testing';
import { RelayError } from '@relaykit/types';
import { describe, expect, it, vi } from 'vitest';
import { type ReadSpoolOptions, readSpool, type Spool, UnsyncedMove } from '../src/index.ts';
import { LineSerializer, linesOf, type Numbered } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  numbersFrom,
  openSpool,
  pathOf,
  recover,
  rightBefore,
  SPOOL,
  sealSegment,
  serializer,
  writeSegment,
} from './scene.ts';

async function read(
  disk: SimulatedDisk,
  options: Partial<ReadSpoolOptions<Numbered>> = {},
): Promise<readonly number[]> {
  const numbers: number[] = [];
  const all = { serializers: [serializer], fileSystem: disk.process('reader'), ...options };
  for await (const { event } of readSpool(SPOOL, all)) numbers.push(event.n);
  return numbers;
}

const isOpenOf = (suffix: string) => (operation: { name: string; path: string }) =>
  operation.name === 'open' && operation.path === pathOf({}, suffix);

describe('readSpool beside a move after a failed sync', () => {
  it.for([0, 2])('yields each event once at every step of it, with %i events synced before', async (synced) => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: synced });
    if (synced > 0) await file.sync();
    file.appendSync([{ bytes: linesOf(...numbersFrom(synced, 3)), eventCount: 3 }]);
    const move = new UnsyncedMove(spool, file, serializer);
    const states: SimulatedDisk[] = [];
    const stop = disk.onEveryStep((snapshot) => void states.push(snapshot.kill(1)));
    await move.commit();
    const committedAt = states.length;
    await move.finish();
    stop();
    expect(states.length).toBeGreaterThan(committedAt + 2);
    for (const state of [...states, disk])
      expect(await read(state), state.describe()).toEqual(numbersFrom(0, synced + 3));
  });
});

describe('a file that this user may not read', () => {
  it.for(['EACCES', 'EPERM'] as const)('costs itself where somebody is told: %s', async (code) => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { first: 0 });
    await sealSegment(spool, { first: 1 });
    const onDamage = vi.fn();
    disk.failNext(isOpenOf('ndjson'), code);
    expect(await read(disk, { onDamage })).toEqual([1]);
    expect(onDamage.mock.calls).toMatchObject([[{ code: 'RELAY_STORAGE_FAILED', facts: { systemCode: code } }]]);
    disk.failNext(isOpenOf('ndjson'), code);
    await expect(read(disk)).rejects.toMatchObject({ facts: { systemCode: code } });
  });

  it('is not what a lack of handles is taken for', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { first: 0 });
    disk.failNext(isOpenOf('ndjson'), 'EMFILE');
    await expect(read(disk, { onDamage: vi.fn() })).rejects.toMatchObject({ facts: { systemCode: 'EMFILE' } });
  });
});

describe('readSpool', () => {
  it.for([
    ['being written', async () => void 0, 'ndjson.open'],
    ['sealed', async (spool: Spool) => void (await sealSegment(spool, { first: 0 })), 'ndjson'],
  ] as const)('says so where no frame of a segment that is %s opens with the key it has', async ([, seal]) => {
    const { disk, spool } = createScene();
    await seal(spool);
    if (disk.files().get(pathOf({}, 'ndjson')) === undefined) leaveFile(disk, linesOf(0));
    const onDamage = vi.fn();
    const serializers = [new LineSerializer({ boundTo: 'another' })];
    await expect(read(disk, { serializers, onDamage })).rejects.toMatchObject({
      code: 'RELAY_KEY_MISSING',
      message: expect.stringContaining('other bytes'),
      facts: { segmentId: idOf(), keyId: 'k1' },
    });
    expect(onDamage).not.toHaveBeenCalled();
  });

  it('yields what is sealed and what is being written, in the order of names, with its segment', async () => {
    const { disk, spool } = createScene();
    writeSegment(spool, { first: 4, events: 2 });
    await sealSegment(spool, { first: 2, events: 2 });
    await sealSegment(spool, { first: 0, events: 2 });
    const found: [string, number][] = [];
    for await (const { event, segmentId } of readSpool(SPOOL, { serializers: [serializer], fileSystem: disk })) {
      found.push([segmentId, event.n]);
    }
    expect(found).toEqual(numbersFrom(0, 6).map((n) => [idOf({ first: n - (n % 2) }), n]));
  });

  it.for([undefined, vi.fn()])('hands maxDecodedBytes to whatever reads the bytes, onDamage: %s', async (onDamage) => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const limited = new LineSerializer();
    const limits = [vi.spyOn(limited, 'decode'), vi.spyOn(limited, 'scan')];
    const options = { serializers: [limited], maxDecodedBytes: 7, ...(onDamage && { onDamage }) };
    expect(await read(disk, options)).toEqual([0]);
    const given = limits.flatMap(({ mock }) => mock.calls.map((call: readonly unknown[]) => call[2]));
    expect(given).toEqual(Array.from({ length: onDamage ? 2 : 1 }, () => ({ maxDecodedBytes: 7 })));
  });

  it('takes no lock, changes nothing, and leaves nothing open', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { first: 0, events: 2 });
    leaveFile(disk, '{"n":9}\n{"torn', { first: 9 });
    const reader = disk.process('reader');
    const steps = disk.stepsTaken;
    expect(await read(disk, { fileSystem: reader })).toEqual([0, 1, 9]);
    expect([disk.stepsTaken, reader.openFileCount]).toEqual([steps, 0]);
    file.appendSync([{ bytes: linesOf(2), eventCount: 1 }]);
    expect(await read(disk)).toEqual([0, 1, 2, 9]);
  });

  it('leaves nothing open where its reader stops', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    const reader = disk.process('reader');
    for await (const { event } of readSpool(SPOOL, { serializers: [serializer], fileSystem: reader })) {
      if (event.n === 1) break;
    }
    expect(reader.openFileCount).toBe(0);
  });

  it('does not see an atomic flush before it is committed, and all of it then', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 3, isAtomic: true });
    await file.sync();
    expect(await read(disk)).toEqual([]);
    disk.failNext(({ name, to }) => name === 'rename' && to === pathOf({}, 'ndjson'), 'EIO');
    await expect(file.seal({ reason: 'flush' })).rejects.toMatchObject({ code: 'EIO' });
    expect(await read(disk)).toEqual([0, 1, 2]);
    await file.seal({ reason: 'flush' });
    expect(await read(disk)).toEqual([0, 1, 2]);
  });

  it.for(['ndjson.open', 'ndjson.atomic'])(
    'finds a file that is sealed between listing and opening: .%s',
    async (suffix) => {
      const { disk, spool } = createScene();
      await sealSegment(spool, { events: 2 });
      disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, suffix));
      const writer = disk.process('writer');
      const acted = rightBefore(disk, isOpenOf(suffix), () =>
        writer.renameSync(pathOf({}, suffix), pathOf({}, 'ndjson')),
      );
      expect(await read(disk)).toEqual([0, 1]);
      expect(acted()).toBe(true);
    },
  );

  it('passes over a segment that goes between listing and opening', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    await sealSegment(spool, { first: 1 });
    const queue = disk.process('queue');
    rightBefore(disk, isOpenOf('ndjson'), () => queue.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'delivered.gone')));
    expect(await read(disk)).toEqual([1]);
  });

  it('reads a file once that a listing names twice', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 2 });
    disk.placeFile(pathOf({}, 'ndjson.open'), linesOf(0, 1));
    expect(await read(disk)).toEqual([0, 1]);
  });

  it('reads a damaged file or what was salvaged out of it, not both', async () => {
    const scene = createScene();
    leaveFile(scene.disk, 'x\n{"n":1}\n{"n":2}\n');
    scene.disk.failNext(({ name, to }) => name === 'rename' && to?.includes('quarantine') === true, 'EIO');
    await recover(scene);
    expect(scene.disk.files().has(pathOf({}, 'ndjson.open'))).toBe(true);
    expect(await read(scene.disk)).toEqual([1, 2]);
  });

  it('ends where metadata says, whatever lies behind', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 2 });
    disk.placeFile(pathOf({}, 'ndjson'), linesOf(0, 1, 2));
    await sealSegment(spool, { first: 5, events: 1 });
    disk.placeFile(pathOf({ first: 5 }, 'ndjson.open'), linesOf(5, 6));
    disk.removeSync(pathOf({ first: 5 }, 'ndjson'));
    expect(await read(disk)).toEqual([0, 1, 5]);
  });

  it.for([
    [{ since: CREATED_MS + 10 }, [10, 20, 30]],
    [{ since: new Date(CREATED_MS + 11) }, [20, 30]],
    [{ until: CREATED_MS + 10 }, [0, 10]],
    [{ until: new Date(CREATED_MS + 9) }, [0]],
    [{ since: CREATED_MS + 5, until: CREATED_MS + 25 }, [10, 20]],
    [{ since: CREATED_MS + 40 }, []],
  ] as const)('leaves out what was begun before or after: %j', async ([options, expected]) => {
    const { disk, spool } = createScene();
    for (const first of [0, 10, 20, 30]) await sealSegment(spool, { first });
    expect(await read(disk, options)).toEqual(expected);
  });

  it('skips formats it was not given, and things that are no files', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { fileExtension: 'ndjson.gz' });
    disk.placeDirectory(pathOf({ first: 1 }, 'ndjson'));
    disk.placeOther(pathOf({ first: 2 }, 'ndjson'));
    disk.placeSymlink(pathOf({ first: 3 }, 'ndjson'), pathOf({ first: 9 }, 'ndjson'));
    await sealSegment(spool, { first: 9 });
    expect(await read(disk)).toEqual([9]);
    expect(await read(disk, { serializers: [serializer, new LineSerializer({ fileExtension: 'ndjson.gz' })] })).toEqual(
      [0, 9],
    );
  });

  it('stops between two events where it is told to', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    const controller = new AbortController();
    const reader = disk.process('reader');
    const seen: number[] = [];
    const reading = (async () => {
      const options = { serializers: [serializer], fileSystem: reader, signal: controller.signal };
      for await (const { event } of readSpool(SPOOL, options)) {
        seen.push(event.n);
        controller.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect([seen, reader.openFileCount]).toEqual([[0], 0]);
  });

  it('reads the real disk where it is given no other', async () => {
    const { temporaryDirectory } = await import('./temporary-directory.ts');
    const { Spool } = await import('../src/index.ts');
    const directory = temporaryDirectory();
    await sealSegment(Spool.openSync({ directory }), { events: 2 });
    const numbers: number[] = [];
    for await (const { event } of readSpool(directory, { serializers: [serializer] })) numbers.push(event.n);
    expect(numbers).toEqual([0, 1]);
  });
});

describe('damage', () => {
  it('ends the reading where nobody asks to be told, after what stands before it', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), '{"n":0}\nbad 1 x\n{"n":2}\n');
    const seen: number[] = [];
    const reader = disk.process('reader');
    const reading = (async () => {
      for await (const { event } of readSpool(SPOOL, { serializers: [serializer], fileSystem: reader }))
        seen.push(event.n);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { positionBytes: 8 } });
    expect([seen, reader.openFileCount]).toEqual([[0], 0]);
  });

  it('is told, and what is intact is read', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 4 });
    disk.placeFile(pathOf({}, 'ndjson'), 'bad 0 x\n{"n":1}\n{"n":2}\n{"n":3');
    await sealSegment(spool, { first: 9 });
    const told: RelayError[] = [];
    expect(await read(disk, { onDamage: (error) => told.push(error) })).toEqual([1, 2, 9]);
    const facts = { segmentId: idOf(), reason: 'syntax' };
    expect(told.map((error) => error.facts)).toEqual([
      { ...facts, positionBytes: 0 },
      { ...facts, positionBytes: 24 },
    ]);
    expect(told[1]?.message).toBe(`Segment ${idOf()} is damaged at byte 24 (syntax); what is intact was read.`);
  });

  it('is no damage where a file that is being written ends in the middle of a frame', async () => {
    const { disk } = createScene();
    leaveFile(disk, '{"n":0}\n{"n":');
    const told: RelayError[] = [];
    expect(await read(disk, { onDamage: (error) => told.push(error) })).toEqual([0]);
    expect(told).toEqual([]);
  });
});

describe('a disk that fails', () => {
  it.for([
    ['list', SPOOL, 'list'],
    ['open', pathOf({}, 'ndjson'), 'open'],
    ['read', pathOf({}, 'meta.json'), 'read'],
    ['open', pathOf({}, 'meta.json'), 'read'],
    ['read', pathOf({}, 'ndjson'), 'read'],
  ] as const)('to %s %s is named, and nothing stays open', async ([step, path, operation]) => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const reader = disk.process('reader');
    disk.failNext(({ name, path: failing }) => name === step && failing === path, 'EIO');
    const named = path === pathOf({}, 'meta.json') ? pathOf({}, 'ndjson') : path;
    await expect(read(disk, { fileSystem: reader })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation, path: named, systemCode: 'EIO' },
    });
    expect(reader.openFileCount).toBe(0);
    expect(await read(disk)).toEqual([0]);
  });
});

describe('beside living writers', () => {
  it.for([1, 2, 3, 4, 5, 6])(
    'yields a prefix of what each wrote, in order, without gap or repetition, seed %i',
    async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const { clock } = createScene(disk);
      let written = 0;
      let isDone = false;
      const writing = (async () => {
        const spool = openSpool(disk.process('writer'), clock);
        for (let turn = 0; turn < 12; turn += 1) {
          const file = writeSegment(spool, { first: written, events: 2, isAtomic: turn % 3 === 2 });
          await file.sync();
          await file.seal({ reason: 'events' });
          written += 2;
        }
        isDone = true;
      })();
      let turns = 0;
      while (!isDone) {
        const before = written;
        const numbers = await read(disk);
        expect(numbers).toEqual(numbersFrom(0, numbers.length));
        expect(numbers.length).toBeGreaterThanOrEqual(before);
        turns += 1;
      }
      await writing;
      expect(turns).toBeGreaterThan(2);
      expect(await read(disk)).toEqual(numbersFrom(0, 24));
    },
  );
});

describe('what a scan takes for whole and does not decode', () => {
  /** Refuses the line of the event 1, with its length where frames have one. */
  class Refusing extends LineSerializer {
    readonly #error: (segmentId: string) => RelayError;

    constructor(error: (segmentId: string) => RelayError) {
      super();
      this.#error = error;
    }

    override async *decode(...[source, context]: Parameters<LineSerializer['decode']>): AsyncGenerator<Numbered> {
      for await (const event of super.decode(source, context)) {
        if (event.n === 1) throw this.#error(context.segmentId);
        yield event;
      }
    }
  }
  const at = { positionBytes: 8, reason: 'checksum' } as const;
  const framed = (segmentId: string): RelayError =>
    new RelayError('RELAY_SEGMENT_DAMAGED', 'damaged', { segmentId, ...at, lengthBytes: 8 });
  const unframed = (segmentId: string): RelayError =>
    new RelayError('RELAY_SEGMENT_DAMAGED', 'damaged', { segmentId, ...at });
  const cut = (segmentId: string): RelayError =>
    new RelayError('RELAY_SEGMENT_TRUNCATED', 'cut off', { segmentId, positionBytes: 8 });
  const large = (): RelayError =>
    new RelayError('RELAY_LIMIT_EXCEEDED', 'too large', { limit: 'maxDecodedBytes', maximum: 7 });

  it.for([
    ['a frame of a known length', framed, [0, 2, 3], { positionBytes: 8, reason: 'checksum' }],
    ['damage without one', unframed, [0, 3], { positionBytes: 8, reason: 'checksum' }],
    ['a cut', cut, [0, 3], { positionBytes: 8, reason: 'syntax' }],
    ['a limit', large, [0, 3], { limit: 'maxDecodedBytes' }],
  ] as const)('costs itself where somebody is told, and no later segment: %s', async ([, error, expected, facts]) => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { first: 0, events: 3 });
    await sealSegment(spool, { first: 3, events: 1 });
    const onDamage = vi.fn();
    const serializers = [new Refusing(error)];
    expect(await read(disk, { serializers, onDamage })).toEqual(expected);
    expect(onDamage.mock.calls.map(([told]) => (told as RelayError).facts)).toMatchObject([facts]);
    await expect(read(disk, { serializers })).rejects.toMatchObject({ code: error('x').code });
  });
});
