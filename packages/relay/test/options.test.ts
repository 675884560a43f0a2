// Goal: a mistake in the options throws at once, names option, rule and value, and touches nothing.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createRelay,
  JSONEventSerializer,
  nodeLifecycle,
  type RelayOptions,
  retainTotalBytes,
  rotateByEvents,
} from '../src/index.ts';

const parent = mkdtempSync(join(tmpdir(), 'relay-options-'));
const directory = join(parent, 'spool');
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const uploader = { upload: async () => ({ status: 'accepted' }) as const };

const whole = new JSONEventSerializer();
const withoutEncodeSync = {
  format: whole.format,
  encode: whole.encode.bind(whole),
  createFrameBuilder: whole.createFrameBuilder.bind(whole),
  decode: whole.decode.bind(whole),
  scan: whole.scan.bind(whole),
};

describe('createRelay', () => {
  it.each<[string, unknown, string]>([
    ['no options', undefined, 'createRelay must be an object, got undefined'],
    ['no directory', {}, 'directory must be a path'],
    ...[directory, join(parent, 'other', '..', 'spool'), join(directory, 'quarantine')].map(
      (archiveDirectory): [string, unknown, string] => [
        `an archive in the spool, ${archiveDirectory.slice(parent.length)}`,
        { directory, uploader, export: { afterDelivery: { archiveDirectory } } },
        'archiveDirectory must not be a spool or the quarantine of one',
      ],
    ),
    [
      'an unknown option',
      { directory, maxSegmentByte: 1 },
      'createRelay has no option maxSegmentByte; did you mean maxSegmentBytes?',
    ],
    [
      'an unknown buffer option',
      { directory, buffer: { maxEvent: 1 } },
      'buffer has no option maxEvent; did you mean maxEvents?',
    ],
    ['an unknown export option', { directory, uploader, export: { parallel: 2 } }, 'export has no option parallel'],
    [
      'an unknown http option',
      { directory, url: 'https://x.test', http: { header: {} } },
      'http has no option header; did you mean headers?',
    ],
    [
      'an unknown quarantine option',
      { directory, quarantine: { maxSegment: 1 } },
      'quarantine has no option maxSegment; did you mean maxSegments?',
    ],
    ['a quarantine that is null', { directory, quarantine: null }, 'quarantine must be an object, got null'],
    [
      'an unknown option of the archive',
      { directory, uploader, export: { afterDelivery: { archiveDirectory: 'a', keepForMS: 1 } } },
      'export.afterDelivery has no option keepForMS; did you mean keepForMs?',
    ],
    ['what the relay settles itself', { directory, buffer: { persistence: {} } }, 'buffer has no option persistence'],
    ['two destinations', { directory, url: 'https://x.test', uploader }, 'url must not stand beside uploader'],
    ['http without url', { directory, uploader, http: {} }, 'http has no effect without url'],
    ['export without a destination', { directory, export: {} }, 'export has no effect without url or uploader'],
    [
      'two rotations',
      { directory, rotation: rotateByEvents(1), maxSegmentAgeMs: 100 },
      'maxSegmentAgeMs must not stand beside rotation',
    ],
    [
      'limits that forget before the delivery is given up',
      { directory, uploader, maxSegmentAgeMs: 1_000 },
      'retention (fileCount) drops undelivered segments before export.maxRetryAgeMs, 2592000000, is over',
    ],
    ['a logger without methods', { directory, logger: {} }, 'logger must have the method debug, got undefined'],
    ['a logger that is a number', { directory, logger: 5 }, 'logger must have the method debug'],
    ['a listener that is none', { directory, onFlushed: 3 }, 'onFlushed must be a function, got number'],
    ['a clock that is none', { directory, clock: {} }, 'clock must have the method now'],
    ['a file system that is none', { directory, fileSystem: {} }, 'fileSystem must have the method createFileSync'],
    ['a serializer that is none', { directory, serializer: {} }, 'serializer must have the method encode'],
    ['a path with NUL', { directory: 'a\0b' }, 'directory must be a path, got "a\\u0000b"'],
    ['a word for yes', { directory, allowUnsafeDirectory: 'yes' }, 'allowUnsafeDirectory must be true or false'],
    ['a lifecycle that is none', { directory, lifecycle: 'node' }, 'lifecycle must have the method subscribe'],
    [
      'a lifecycle beside a serializer that cannot store at exit',
      { directory, lifecycle: nodeLifecycle(), serializer: withoutEncodeSync },
      'serializer must have encodeSync beside lifecycle',
    ],
    ['an uploader that is null', { directory, uploader: null }, 'uploader must be a SegmentUploader with upload'],
    ['a listener for drops that is none', { directory, onSegmentDropped: 3 }, 'onSegmentDropped must be a function'],
    ['a limit of 0', { directory, maxSegmentEvents: 0 }, 'maxSegmentEvents must be a whole number >= 1, got 0'],
    ['a limit that is no number', { directory, maxSegmentBytes: '8 MiB' }, 'maxSegmentBytes must be a whole number >='],
    ['an age that is too short', { directory, maxSegmentAgeMs: 1 }, 'maxSegmentAgeMs must be a whole number >='],
    ['a wrong buffer bound', { directory, buffer: { maxEvents: 0 } }, 'maxEvents must be a whole number >= 1, got 0'],
    [
      'a wrong queue bound',
      { directory, uploader, export: { concurrency: 0 } },
      'concurrency must be a whole number >= 1, got 0',
    ],
    ['a wrong address', { directory, url: 'http://example.com' }, 'url must be https'],
    ['a wrong durability', { directory, durability: 'fsynced' }, "durability must be 'written' or 'synced'"],
    ['a wrong retry policy', { directory, retry: { kind: 'often' } }, 'retry'],
  ])('refuses %s', (_, options, message) => {
    const make = () => createRelay(options as RelayOptions<unknown>);
    expect(make).toThrow(message);
    expect(make).toThrow(/^(?!Cannot read)/u);
    expect(readdirSync(parent)).toEqual([]);
  });

  it('accepts limits that forget early when told to, and ones that outlast the retry', async () => {
    const relays = [
      createRelay({ directory, uploader, maxSegmentAgeMs: 1_000, allowEarlyForgetting: true }),
      createRelay({ directory, uploader, maxSegmentAgeMs: 1_000, export: { maxRetryAgeMs: 3_600_000 } }),
      createRelay({ directory, uploader, maxSegmentAgeMs: 1_000, retention: retainTotalBytes(1_000_000_000) }),
    ];
    for (const relay of relays) await relay.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('does not touch the disk before it has something to store', async () => {
    const relay = createRelay({ directory });
    expect(relay.add({ a: 1 })).toEqual({ status: 'added' });
    expect(readdirSync(parent)).toEqual([]);
    await relay.close();
    expect(readdirSync(parent)).toEqual(['spool']);
    rmSync(directory, { recursive: true });
  });

  it('says what is missing when there is nowhere to deliver to', async () => {
    const relay = createRelay({ directory });
    await expect(relay.drain()).rejects.toThrow('drain needs somewhere to deliver to; pass url or uploader');
    expect(() => relay.close({ drain: true })).toThrow('drain needs somewhere to deliver to');
    expect(() => relay.close({ deadlineMs: -1 })).toThrow('deadlineMs must be a whole number >= 0, got -1');
    await relay.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
