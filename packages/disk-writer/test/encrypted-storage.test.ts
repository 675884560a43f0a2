// Goal: encrypted segments are sealed by an authenticated last frame on every way to the seal, wait for keys that are
// missing, and are never copied from one place to another.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noRetry } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import { nodeFileSystem, readSpool } from '@relaykit/segments';
import { EncryptedSerializer, type EncryptionKey, KeyRing } from '@relaykit/serializer-encrypted';
import { JSONEventSerializer } from '@relaykit/serializers';
import { type DiskOperation, SimulatedDisk } from '@relaykit/testing';
import { describeEventPersisting } from '@relaykit/testing/conformance';
import type { EventPersisting, FileSystem } from '@relaykit/types';
import { describe, expect, it, vi } from 'vitest';
import { FileDiskWriter } from '../src/index.ts';
import {
  encrypted,
  keyOf,
  metadataIn,
  type Numbered,
  namesIn,
  numbersIn,
  recover,
  ring,
  SPOOL,
  writerOn,
} from './encrypted-scene.ts';

const setups = new Map<unknown, { readonly directory: string; readonly fileSystem: FileSystem }>();
const serializer = () =>
  new EncryptedSerializer<unknown>(new JSONEventSerializer(), { keys: { current: keyOf('k1') } });

async function readBack(writer: EventPersisting<unknown>): Promise<readonly unknown[]> {
  const { directory = '', fileSystem = nodeFileSystem() } = setups.get(writer) ?? {};
  const events: unknown[] = [];
  if (!fileSystem.statSync(directory)) return events;
  for await (const { event } of readSpool(directory, { serializers: [serializer()], fileSystem })) events.push(event);
  return events;
}

for (const flushMode of ['append', 'atomic'] as const) {
  describeEventPersisting(
    `FileDiskWriter with EncryptedSerializer, ${flushMode}, on the real disk`,
    {
      create: () => {
        const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
        const writer = new FileDiskWriter({ directory, flushMode, serializer: serializer() });
        setups.set(writer, { directory, fileSystem: nodeFileSystem() });
        return writer;
      },
      readBack,
      dispose: (writer) => rmSync(setups.get(writer)?.directory ?? '', { recursive: true, force: true }),
    },
    { describe, it },
  );

  describeEventPersisting(
    `FileDiskWriter with EncryptedSerializer, ${flushMode}, on the simulated disk`,
    {
      create: () => {
        const fileSystem = new SimulatedDisk();
        const options = { directory: '/spool', fileSystem, flushMode, retry: noRetry, serializer: serializer() };
        const writer = new FileDiskWriter(options);
        setups.set(writer, { directory: '/spool', fileSystem });
        return writer;
      },
      readBack,
      failNextStore: (writer) => {
        const disk = setups.get(writer)?.fileSystem;
        if (disk instanceof SimulatedDisk) disk.failNext('write', 'EIO');
      },
    },
    { describe, it },
  );
}

const isSegmentSync = ({ name, path }: DiskOperation): boolean => name === 'sync' && path.includes('.ndjson.enc');
const batch = (...numbers: readonly number[]): readonly Numbered[] => numbers.map((n) => ({ n }));

describe('a segment that is sealed', () => {
  it.for(['append', 'atomic'] as const)(
    'ends with its closing frame, and its metadata names the key: %s',
    async (flushMode) => {
      const disk = new SimulatedDisk();
      const writer = writerOn(disk, { flushMode });
      await writer.write(batch(0, 1));
      await writer.write(batch(2));
      await writer.close();
      expect(await numbersIn(disk)).toEqual([0, 1, 2]);
      for (const metadata of metadataIn(disk)) {
        expect(metadata).toMatchObject({
          keyId: 'k1',
          format: { name: 'jsonl+encrypted', fileExtension: 'ndjson.enc' },
        });
      }
      const [path = ''] = [...disk.files().keys()].filter((name) => name.endsWith('.ndjson.enc'));
      const bytes = disk.files().get(path) ?? new Uint8Array();
      expect(metadataIn(disk)[0]?.bytes).toBe(bytes.byteLength);
    },
  );

  it('at exit, too, in atomic mode', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk, { flushMode: 'atomic' });
    writer.writeSync?.(batch(0, 1));
    expect(metadataIn(disk)).toMatchObject([{ sealReason: 'exit', keyId: 'k1', eventCount: 2 }]);
    expect(await numbersIn(disk)).toEqual([0, 1]);
  });

  it('at exit keeps one closing frame where the seal fails half-way and is done later', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk, { flushMode: 'atomic' });
    await writer.open();
    disk.failNext('rename', 'EIO');
    writer.writeSync?.(batch(0, 1));
    await writer.close();
    expect(await numbersIn(disk)).toEqual([0, 1]);
  });

  it('waits for room for its closing frame', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk);
    await writer.write(batch(0));
    disk.failNext('write', 'ENOSPC');
    await expect(writer.close()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect((await recover(disk.clone())).eventsSalvaged).toBe(1);
    expect(await numbersIn(disk)).toEqual([0]);
  });

  it('is read while it is written, without a closing frame', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk);
    await writer.write(batch(0, 1));
    expect(await numbersIn(disk)).toEqual([0, 1]);
    await writer.close();
  });
});

describe('a segment whose sync fails', () => {
  it.for([0, 2])('moves whole to another one, encrypted anew, with %i events synced before', async (synced) => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk);
    if (synced > 0) await writer.write(batch(0, 1), { durability: 'synced' });
    await writer.write(batch(2, 3));
    disk.failNext(isSegmentSync, 'EIO', { landed: 'all' });
    await writer.write(batch(4), { durability: 'synced' });
    await writer.close();
    const numbers = synced > 0 ? [0, 1, 2, 3, 4] : [2, 3, 4];
    expect(await numbersIn(disk)).toEqual(numbers);
    expect(metadataIn(disk).map(({ sealReason }) => sealReason)).toEqual(['failure', 'close']);
    expect((await recover(disk)).problems).toEqual([]);
  });

  it('can be read at every step of the move', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk);
    await writer.write(batch(0, 1));
    const moments: SimulatedDisk[] = [];
    disk.onEveryStep((snapshot) => void moments.push(snapshot.clone()));
    disk.failNext(isSegmentSync, 'EIO', { landed: 'all' });
    await writer.close();
    expect(moments.length).toBeGreaterThan(5);
    const found = new Set<string>();
    for (const moment of moments) found.add((await numbersIn(moment)).join());
    // Between the commit and the publication the events are on their way, and nothing takes that for damage.
    expect([...found].filter((numbers) => numbers !== '0,1' && numbers !== '')).toEqual([]);
  });

  it('is not given up where the key of its frames is gone', async () => {
    const disk = new SimulatedDisk();
    const keys = ring('k1');
    const writer = writerOn(disk, { serializer: encrypted(keys) });
    await writer.write(batch(0, 1));
    keys.wipe();
    keys.rotate(keyOf('k2'));
    disk.failNext(isSegmentSync, 'EIO', { landed: 'all' });
    await expect(writer.write(batch(2), { durability: 'synced' })).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    keys.rotate(keyOf('k1'));
    await writer.write(batch(3));
    await writer.close();
    expect(await numbersIn(disk, ring('k1', 'k2'))).toEqual([0, 1, 3]);
  });
});

/** What a writer leaves that was killed after it wrote. */
async function killedAfter(...batches: readonly (readonly Numbered[])[]): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const writer = writerOn(disk);
  for (const events of batches) await writer.write(events);
  return disk.snapshot().kill(1);
}

function openPath(disk: SimulatedDisk): string {
  return [...disk.files().keys()].find((path) => path.endsWith('.open')) ?? '';
}

describe('recovery', () => {
  it('closes what a killed writer left, and loses none of it', async () => {
    const disk = await killedAfter(batch(0, 1), batch(2));
    expect(await recover(disk)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 3, problems: [] });
    expect(await numbersIn(disk)).toEqual([0, 1, 2]);
    expect(metadataIn(disk)).toMatchObject([{ sealReason: 'recovered', eventCount: 3, keyId: 'k1' }]);
  });

  it('cuts off a torn frame before it closes the file', async () => {
    const disk = await killedAfter(batch(0, 1), batch(2));
    const path = openPath(disk);
    disk.placeFile(path, (disk.files().get(path) ?? new Uint8Array()).slice(0, -7));
    expect(await recover(disk)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 2 });
    expect(await numbersIn(disk)).toEqual([0, 1]);
  });

  it('writes what is intact anew, under the current key, and keeps the damaged file', async () => {
    const disk = await killedAfter(batch(0, 1), batch(2, 3), batch(4));
    const path = openPath(disk);
    const bytes = (disk.files().get(path) ?? new Uint8Array()).slice();
    bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1;
    disk.placeFile(path, bytes);
    expect(await recover(disk, ring('k2', 'k1'))).toMatchObject({
      filesQuarantined: 1,
      eventsSalvaged: 3,
      framesSkipped: 1,
    });
    expect(await numbersIn(disk, ring('k2'))).toEqual([0, 1, 4]);
    expect(metadataIn(disk)).toMatchObject([{ sealReason: 'salvaged', keyId: 'k2' }]);
  });

  it.for([
    [0, [2, 3, 4]],
    [1, [0, 1, 4]],
  ] as const)('does the same where frame %i was taken out without a trace', async ([taken, left]) => {
    const disk = await killedAfter(batch(0, 1), batch(2, 3), batch(4));
    const path = openPath(disk);
    const bytes = disk.files().get(path) ?? new Uint8Array();
    const borders = [...bytes.keys()].filter(
      (at) => Buffer.from(bytes.subarray(at, at + 4)).toString('hex') === '9e524b45',
    );
    const [from = 0, to = 0] = borders.slice(taken);
    disk.placeFile(path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
    expect(await recover(disk)).toMatchObject({ filesQuarantined: 1, eventsSalvaged: left.length });
    expect(await numbersIn(disk)).toEqual(left);
  });

  it('leaves a file whose key is missing as it is, says so, and recovers it once the key is back', async () => {
    const disk = await killedAfter(batch(0, 1), batch(2));
    const path = openPath(disk);
    const before = disk.files().get(path);
    for (let time = 0; time < 2; time += 1) {
      const report = await recover(disk, ring('k2'));
      expect(report).toMatchObject({ filesWaiting: 1, filesQuarantined: 0, segmentsRecovered: 0 });
      expect(report.problems[0]?.reason).toContain('k1');
      expect(disk.files().get(path)).toEqual(before);
    }
    await expect(numbersIn(disk, ring('k2'))).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    expect(await recover(disk, ring('k2', 'k1'))).toMatchObject({ filesWaiting: 0, segmentsRecovered: 1 });
    // Its frames need the old key, its closing frame the new one.
    expect(metadataIn(disk)).toMatchObject([{ keyId: 'k2' }]);
    expect(await numbersIn(disk, ring('k1', 'k2'))).toEqual([0, 1, 2]);
  });

  it('leaves a file whose key has other bytes as it is, says so, and recovers it once the right ones are back', async () => {
    const disk = await killedAfter(batch(0, 1), batch(2));
    const path = openPath(disk);
    const before = disk.files().get(path);
    const wrong = new KeyRing({ current: { id: 'k1', key: new Uint8Array(32).fill(9) } });
    for (let time = 0; time < 2; time += 1) {
      const report = await recover(disk, wrong);
      expect(report).toMatchObject({ filesWaiting: 1, filesQuarantined: 0, segmentsRecovered: 0, bytesCut: 0 });
      expect(report.problems[0]?.reason).toContain('the key k1');
      expect(disk.files().get(path)).toEqual(before);
    }
    expect(await recover(disk)).toMatchObject({ filesWaiting: 0, segmentsRecovered: 1, eventsSalvaged: 3 });
    expect(await numbersIn(disk)).toEqual([0, 1, 2]);
  });

  it('says in the log, once, what waits and why', async () => {
    const disk = await killedAfter(batch(0, 1));
    const warn = vi.fn();
    const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
    const wrong = new KeyRing({ current: { id: 'k1', key: new Uint8Array(32).fill(9) } });
    const writer = writerOn(disk, { serializer: encrypted(wrong), logger });
    await writer.open();
    await writer.open();
    await writer.close();
    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining('recovery'),
        { file: openPath(disk).split('/').at(-1), reason: expect.stringContaining('key k1') },
      ],
    ]);
  });

  it('leaves a file whose spool.json was lost as it is, and recovers it once that is back', async () => {
    const disk = await killedAfter(batch(0, 1));
    const identity = disk.files().get(`${SPOOL}/spool.json`) ?? new Uint8Array();
    const { spoolId } = JSON.parse(new TextDecoder().decode(identity)) as { spoolId: string };
    disk.removeSync(`${SPOOL}/spool.json`);
    const lost = await recover(disk);
    expect(lost).toMatchObject({ filesWaiting: 1, filesQuarantined: 0, segmentsRecovered: 0 });
    expect(lost.problems[0]?.reason).toContain('spool.json');
    disk.placeFile(`${SPOOL}/spool.json`, identity);
    expect(await recover(disk)).toMatchObject({ filesWaiting: 0, segmentsRecovered: 1, eventsSalvaged: 2 });
    expect(metadataIn(disk)).toMatchObject([{ spoolId }]);
    // With a sealed neighbour the spool that it belongs to is known by its name.
    const writer = writerOn(disk);
    await writer.write(batch(2));
    const open = disk.snapshot().kill(1);
    open.removeSync(`${SPOOL}/spool.json`);
    const { problems } = await recover(open);
    expect(problems[0]?.reason).toMatch(/it belongs to the spool [0-9a-f]{32}, and this one is [0-9a-f]{32}/);
  });

  it.for(['append', 'atomic'] as const)(
    'leaves no empty file behind where no key is to be had: %s',
    async (flushMode) => {
      const disk = new SimulatedDisk();
      let isUp = false;
      const current = async (): Promise<EncryptionKey> => (isUp ? keyOf('k1') : Promise.reject(new Error('down')));
      const keys = new KeyRing({ current, find: () => undefined });
      const writer = writerOn(disk, { serializer: encrypted(keys), flushMode });
      for (let time = 0; time < 3; time += 1) {
        await expect(writer.write([{ n: 0 }])).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
        expect(namesIn(disk)).toEqual([]);
        expect(() => writer.writeSync?.([{ n: 0 }])).toThrow(expect.objectContaining({ code: 'RELAY_KEY_MISSING' }));
        expect(namesIn(disk)).toEqual([]);
      }
      isUp = true;
      await writer.write([{ n: 0 }]);
      await writer.close();
      expect(await numbersIn(disk)).toEqual([0]);
    },
  );

  it('waits as well where nothing can be encrypted yet', async () => {
    const disk = await killedAfter(batch(0));
    const path = openPath(disk);
    const down = new KeyRing({
      current: () => Promise.reject(new Error('down')),
      find: (id): EncryptionKey => keyOf(id),
    });
    expect(await recover(disk, down)).toMatchObject({ filesWaiting: 1, segmentsRecovered: 0 });
    expect(disk.files().has(path)).toBe(true);
    expect(await recover(disk)).toMatchObject({ segmentsRecovered: 1 });
    expect(await numbersIn(disk)).toEqual([0]);
  });

  it('describes a sealed segment whose metadata is lost, key included', async () => {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk);
    await writer.write(batch(0, 1));
    await writer.close();
    const [name = ''] = namesIn(disk).filter((file) => file.endsWith('.meta.json'));
    await disk.remove(`${SPOOL}/${name}`);
    expect(await recover(disk)).toMatchObject({ metadataRebuilt: 1 });
    expect(metadataIn(disk)).toMatchObject([{ eventCount: 2, keyId: 'k1', exportReady: false }]);
  });
});

describe('readSpool', () => {
  async function sealedSpool(): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk();
    const writer = writerOn(disk, { rotation: rotateByEvents(2) });
    await writer.write(batch(0, 1));
    await writer.write(batch(2));
    await writer.close();
    return disk;
  }

  it('refuses a segment that was brought from another spool, metadata and all', async () => {
    const [own, other] = [await sealedSpool(), await sealedSpool()];
    for (const [path, bytes] of other.files()) if (path.includes('Z-')) own.placeFile(path, bytes);
    const reading = numbersIn(own);
    await expect(reading).rejects.toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'authentication' } });
  });

  it('reports a sealed segment without its end, and reads what is there', async () => {
    const disk = await sealedSpool();
    const [path = ''] = [...disk.files().keys()].filter((name) => name.endsWith('.ndjson.enc'));
    const bytes = disk.files().get(path) ?? new Uint8Array();
    // The closing frame: 48 bytes, the key id, 16 bytes of totals and the tag.
    disk.placeFile(path, bytes.slice(0, -(48 + 2 + 16 + 16)));
    const damage: unknown[] = [];
    const numbers: number[] = [];
    const options = {
      serializers: [encrypted()],
      fileSystem: disk,
      onDamage: (error: unknown) => void damage.push(error),
    };
    for await (const { event } of readSpool(SPOOL, options)) numbers.push(event.n);
    expect(numbers).toEqual([0, 1, 2]);
    expect(damage).toMatchObject([{ code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'authentication' } }]);
    await expect(numbersIn(disk)).rejects.toMatchObject({ code: 'RELAY_SEGMENT_TRUNCATED' });
  });

  it('goes no further without the key, also where damage is reported', async () => {
    const disk = await sealedSpool();
    const options = { serializers: [encrypted(ring('k2'))], fileSystem: disk, onDamage: () => undefined };
    const reading = readSpool(SPOOL, options).next();
    await expect(reading).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING', facts: { keyId: 'k1' } });
  });
});

describe('a key provider that is down', () => {
  it('keeps events with their owner, who writes them once it is back', async () => {
    const disk = new SimulatedDisk();
    let isUp = false;
    const current = async (): Promise<EncryptionKey> => {
      if (!isUp) throw new Error('token=canary');
      return keyOf('k1');
    };
    const writer = writerOn(disk, { serializer: encrypted(new KeyRing({ current, find: () => undefined })) });
    const events = writer.openBatch();
    for (const event of batch(0, 1)) events.add(event);
    for (let time = 0; time < 3; time += 1) {
      await expect(writer.commit(events)).rejects.toMatchObject({ code: 'RELAY_KEY_MISSING' });
    }
    expect(namesIn(disk)).toEqual([]);
    expect(() => writer.writeSync?.(batch(9))).toThrow(expect.objectContaining({ code: 'RELAY_KEY_MISSING' }));
    isUp = true;
    expect((await writer.commit(events)).firstSequence).toBe(0);
    await writer.close();
    expect(await numbersIn(disk)).toEqual([0, 1]);
  });
});
