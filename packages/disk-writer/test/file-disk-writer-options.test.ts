import { JSONEventSerializer } from '@relaykit/serializers';
import type { EventSerializer } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { FileDiskWriter, type FileDiskWriterOptions } from '../src/index.ts';
import { events, SPOOL, WriterOnDisk } from './writer-on-disk.ts';

const json = new JSONEventSerializer<unknown>();
const nameless = Object.assign(Object.create(json), { format: { ...json.format, fileExtension: 'open' } });
const builderless: EventSerializer<unknown> = {
  format: json.format,
  encode: (batch, context, limits) => json.encode(batch, context, limits),
  decode: (source, context) => json.decode(source, context),
  scan: (source) => json.scan(source),
};

describe('options that break their rule', () => {
  it.each<[string, object, typeof TypeError | typeof RangeError, string]>([
    ['directory', { directory: '' }, TypeError, 'directory must be a path, got ""'],
    ['directory', { directory: undefined }, TypeError, 'directory must be a path, got undefined'],
    ['durability', { durability: 'fsync' }, TypeError, `durability must be 'written' or 'synced', got "fsync"`],
    ['flushMode', { flushMode: 'whole' }, TypeError, `flushMode must be 'append' or 'atomic', got "whole"`],
    ['maxEventBytes', { maxEventBytes: 0 }, RangeError, 'maxEventBytes must be a whole number >= 1, got 0'],
    ['maxEventBytes', { maxEventBytes: 1.5 }, RangeError, 'maxEventBytes must be a whole number >= 1, got 1.5'],
    ['maxEventBytes', { maxEventBytes: 2 ** 40 }, RangeError, 'maxEventBytes must be at most'],
    ['rotation', { rotation: {} }, TypeError, 'rotation must be a RotationPolicy with shouldRotate'],
    ['retention', { retention: {} }, TypeError, 'retention must be a RetentionPolicy with select'],
    [
      'whenFull',
      { whenFull: 'panic' },
      TypeError,
      `whenFull must be 'dropOldestUndelivered' or 'refuseNew', got "panic"`,
    ],
    [
      'serializer',
      { serializer: nameless },
      TypeError,
      `serializer.format.fileExtension must be like 'ndjson' or 'ndjson.gz', got "open"`,
    ],
    [
      'serializer',
      { serializer: builderless },
      TypeError,
      `serializer must have createFrameBuilder or encodeSync, got neither (format jsonl)`,
    ],
    ['retry', { retry: { kind: 'sometimes' } }, TypeError, 'retry'],
    ['listener', { onFlushed: 1 }, TypeError, 'onFlushed must be a function, got number'],
    ['logger', { logger: { info() {} } }, TypeError, 'logger must have the method debug, got undefined'],
    ['clock', { clock: null }, TypeError, 'clock must have the method now, got undefined'],
    ['serializer', { serializer: { encode() {}, decode() {}, scan() {} } }, TypeError, 'serializer must have a format'],
    [
      'allowUnsafeDirectory',
      { allowUnsafeDirectory: 'yes' },
      TypeError,
      'allowUnsafeDirectory must be true or false, got "yes"',
    ],
  ])('%s: %o', (_, options, type, message) => {
    const create = (): unknown =>
      new FileDiskWriter({ directory: SPOOL, ...options } as FileDiskWriterOptions<unknown>);
    expect(create).toThrow(type);
    expect(create).toThrow(message);
  });

  it('refuses a durability that a call makes up, and arguments that are no events', async () => {
    const { writer } = new WriterOnDisk();
    await expect(writer.write(events(0), { durability: 'kept' as never })).rejects.toThrow(
      `durability must be 'written' or 'synced', got "kept"`,
    );
    await expect(writer.write('text' as never)).rejects.toThrow('events must be an array, got string');
  });

  it('refuses to be made of nothing', () => {
    expect(() => new FileDiskWriter(undefined as never)).toThrow('directory must be a path, got undefined');
  });

  it('touches nothing before the first write', () => {
    const { disk } = new WriterOnDisk();
    expect(disk.stepsTaken).toBe(0);
  });

  it('refuses a directory that others may write', async () => {
    const { disk, writer } = new WriterOnDisk();
    disk.placeDirectory(SPOOL, { mode: 0o777 });
    await expect(writer.open()).rejects.toMatchObject({
      code: 'RELAY_SPOOL_UNSAFE',
      facts: { path: SPOOL, rule: 'writableByOthers' },
    });
  });
});
