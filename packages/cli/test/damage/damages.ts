// The golden damage set: what may happen to a spool, what verify has to say of it, and what repair has to keep.
import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FindingCode } from '../../src/findings.ts';
import { type FormatName, lineOf, type SoundSpool, SPOOL_ID } from './sound-spool.ts';

export interface NamedDamage {
  readonly severity: 'damage' | 'unfinished';
  readonly code: FindingCode;
  readonly file: string;
  readonly positionBytes?: number;
  readonly line?: number;
}

export interface Damage {
  readonly name: string;
  /** Where it can happen. Defaults to every format. */
  readonly formats?: readonly FormatName[];
  apply(spool: SoundSpool): Promise<void>;
  /** What verify names, in order; that the open segment is unfinished it says each time, and that is left out here. */
  expected(spool: SoundSpool): readonly NamedDamage[];
  /** Events that are gone. All others must be there after the repair. */
  lost(spool: SoundSpool): readonly number[];
  /** What goes to quarantine as it is. */
  quarantined?(spool: SoundSpool): string;
  /** Whether an export finds it and puts the first segment into quarantine. */
  readonly isSeenByExport?: true;
  /** What repair cannot mend and verify names still. */
  readonly staysDamaged?: true;
}

const isPlain = ({ format }: SoundSpool): boolean => format === 'plain';
const isEncrypted = ({ format }: SoundSpool): boolean => format.includes('encrypted');

function at(borders: readonly number[], index: number): number {
  const border = borders.at(index);
  if (border === undefined) throw new Error(`no border ${index}`);
  return border;
}

async function edit(path: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

/** A byte in the middle of a frame; of a plain one, the brace that begins its second line. */
function byteIn(spool: SoundSpool, borders: readonly number[], frame: number, firstEvent: number): number {
  const start = at(borders, frame);
  return isPlain(spool) ? start + lineOf(firstEvent).length + 1 : Math.floor((start + at(borders, frame + 1)) / 2);
}

async function flip(path: string, position: number): Promise<void> {
  await edit(path, (bytes) => {
    bytes[position] = (bytes[position] ?? 0) ^ 0xff;
    return bytes;
  });
}

export const damages: readonly Damage[] = [
  {
    name: 'a changed byte in a sealed segment',
    apply: (spool) => flip(join(spool.directory, spool.first.fileName), byteIn(spool, spool.first.borders, 1, 4)),
    expected: (spool) => {
      const { fileName: file, borders } = spool.first;
      const positionBytes = isPlain(spool) ? byteIn(spool, borders, 1, 4) : at(borders, 1);
      return [
        { severity: 'damage', code: 'hashDiffers', file },
        { severity: 'damage', code: 'framesDamaged', file, positionBytes },
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: (spool) => (isPlain(spool) ? [5] : [4, 5, 6, 7]),
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'a sealed segment cut inside a frame',
    apply: ({ directory, first }) => truncate(join(directory, first.fileName), at(first.borders, 3) - 3),
    expected: (spool) => {
      const { fileName: file, borders, events } = spool.first;
      const end = at(borders, 3) - 3;
      const tail = isPlain(spool) ? at(borders, 3) - lineOf(events.at(-1) ?? 0).length - 1 : at(borders, 2);
      return [
        { severity: 'damage', code: 'cutOff', file, positionBytes: end },
        { severity: 'damage', code: 'framesDamaged', file, positionBytes: tail },
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: (spool) => (isPlain(spool) ? [11] : [8, 9, 10, 11]),
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'a sealed segment cut between two frames',
    apply: ({ directory, first }) => truncate(join(directory, first.fileName), at(first.borders, 2)),
    expected: (spool) => {
      const { fileName: file, borders } = spool.first;
      const positionBytes = at(borders, 2);
      return [
        { severity: 'damage', code: 'cutOff', file, positionBytes },
        ...(isEncrypted(spool) ? [{ severity: 'damage', code: 'closingMissing', file, positionBytes } as const] : []),
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: () => [8, 9, 10, 11],
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'a sealed segment of which nothing is left',
    apply: ({ directory, first }) => truncate(join(directory, first.fileName), 0),
    expected: (spool) => {
      const { fileName: file } = spool.first;
      return [
        { severity: 'damage', code: 'cutOff', file, positionBytes: 0 },
        ...(isEncrypted(spool)
          ? [{ severity: 'damage', code: 'closingMissing', file, positionBytes: 0 } as const]
          : []),
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: ({ first }) => first.events,
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'a frame cut out of a sealed segment',
    apply: ({ directory, first }) =>
      edit(join(directory, first.fileName), (bytes) =>
        Buffer.concat([bytes.subarray(0, at(first.borders, 1)), bytes.subarray(at(first.borders, 2))]),
      ),
    expected: (spool) => {
      const { fileName: file, borders } = spool.first;
      return [
        { severity: 'damage', code: 'cutOff', file },
        ...(isEncrypted(spool)
          ? ([
              { severity: 'damage', code: 'framesMissing', file, positionBytes: at(borders, 1) },
              { severity: 'damage', code: 'closingMissing', file },
            ] as const)
          : []),
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: () => [4, 5, 6, 7],
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'zeros in the place of the last frame',
    apply: ({ directory, first }) =>
      edit(join(directory, first.fileName), (bytes) => bytes.fill(0, at(first.borders, 2))),
    expected: (spool) => {
      const { fileName: file, borders } = spool.first;
      return [
        { severity: 'damage', code: 'hashDiffers', file },
        { severity: 'damage', code: 'framesDamaged', file, positionBytes: at(borders, 2) },
        { severity: 'damage', code: 'countDiffers', file },
      ];
    },
    lost: () => [8, 9, 10, 11],
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'a digit that became another one',
    formats: ['plain'],
    apply: ({ directory, first }) =>
      edit(join(directory, first.fileName), (bytes) => Buffer.from(bytes.toString().replace('"n":7', '"n":1'))),
    expected: ({ first }) => [{ severity: 'damage', code: 'hashDiffers', file: first.fileName }],
    // Which line it is nobody can tell, so it is there, changed, and held back.
    lost: () => [7],
    quarantined: ({ first }) => first.fileName,
    isSeenByExport: true,
  },
  {
    name: 'metadata cut off',
    apply: ({ directory, first }) => truncate(join(directory, `${first.id}.meta.json`), 40),
    expected: ({ first }) => [{ severity: 'damage', code: 'metadataDamaged', file: `${first.id}.meta.json` }],
    lost: () => [],
  },
  {
    name: 'metadata with a changed letter in the extension',
    apply: ({ directory, first }) =>
      edit(join(directory, `${first.id}.meta.json`), (bytes) =>
        Buffer.from(bytes.toString().replace('"fileExtension": "nd', '"fileExtension": "md')),
      ),
    expected: ({ first }) => [{ severity: 'damage', code: 'metadataDamaged', file: `${first.id}.meta.json` }],
    lost: () => [],
  },
  {
    name: 'metadata with another number of events',
    apply: ({ directory, first }) =>
      edit(join(directory, `${first.id}.meta.json`), (bytes) =>
        Buffer.from(bytes.toString().replace(/"eventCount": \d+/u, '"eventCount": 9000000000000000')),
      ),
    expected: ({ first }) => [{ severity: 'damage', code: 'metadataDamaged', file: `${first.id}.meta.json` }],
    lost: () => [],
  },
  {
    name: 'metadata that is missing',
    apply: ({ directory, first }) => rm(join(directory, `${first.id}.meta.json`)),
    expected: ({ first }) => [{ severity: 'damage', code: 'metadataMissing', file: first.fileName }],
    lost: () => [],
  },
  {
    name: 'a sealed segment overwritten, and its metadata gone',
    apply: async ({ directory, first }) => {
      await writeFile(join(directory, first.fileName), Buffer.alloc(100));
      await rm(join(directory, `${first.id}.meta.json`));
    },
    expected: ({ first }) => [
      { severity: 'damage', code: 'metadataMissing', file: first.fileName },
      { severity: 'unfinished', code: 'tornTail', file: first.fileName, positionBytes: 0 },
    ],
    lost: ({ first }) => first.events,
    quarantined: ({ first }) => first.fileName,
  },
  {
    name: 'a segment that is missing',
    apply: ({ directory, first }) => rm(join(directory, first.fileName)),
    expected: ({ first }) => [{ severity: 'damage', code: 'segmentMissing', file: `${first.id}.meta.json` }],
    lost: ({ first }) => first.events,
  },
  {
    name: 'spool.json missing',
    apply: ({ directory }) => rm(join(directory, 'spool.json')),
    expected: () => [{ severity: 'damage', code: 'spoolFileMissing', file: 'spool.json' }],
    lost: () => [],
  },
  {
    name: 'spool.json overwritten',
    apply: ({ directory }) => writeFile(join(directory, 'spool.json'), 'hello\n'),
    expected: () => [{ severity: 'damage', code: 'spoolFileDamaged', file: 'spool.json' }],
    lost: () => [],
  },
  {
    name: 'spool.json cut off',
    apply: ({ directory }) => writeFile(join(directory, 'spool.json'), `{"formatVersion":1,"spoolId":"${SPOOL_ID}`),
    expected: () => [{ severity: 'damage', code: 'spoolFileDamaged', file: 'spool.json' }],
    lost: () => [],
  },
  {
    name: 'a damaged line in the ledger',
    apply: ({ directory }) =>
      writeFile(
        join(directory, 'ledger.ndjson'),
        '{"kind":"former","writers":0,"segments":0,"bytes":0,"delivered":0,"quarantined":0,"dropped":{},"lost":0}\n{"ki\u0000d\n',
      ),
    expected: () => [{ severity: 'damage', code: 'ledgerLineDamaged', file: 'ledger.ndjson', line: 2 }],
    lost: () => [],
    staysDamaged: true,
  },
  {
    name: 'the end of the ledger cut off',
    apply: ({ directory }) => writeFile(join(directory, 'ledger.ndjson'), '{"kind":"seg'),
    expected: () => [{ severity: 'unfinished', code: 'tornTail', file: 'ledger.ndjson', positionBytes: 0 }],
    lost: () => [],
    // Until something is recorded.
    staysDamaged: true,
  },
  {
    name: 'a damaged export state',
    apply: ({ directory, first }) => writeFile(join(directory, `${first.id}.export.json`), '{"att', { mode: 0o600 }),
    expected: ({ first }) => [{ severity: 'damage', code: 'exportStateDamaged', file: `${first.id}.export.json` }],
    lost: () => [],
  },
  {
    name: 'a torn tail of an open segment',
    apply: ({ directory, open }) => truncate(join(directory, open.fileName), at(open.borders, 3) - 2),
    expected: (spool) => {
      const { fileName: file, borders, events } = spool.open;
      const tail = isPlain(spool) ? at(borders, 3) - lineOf(events.at(-1) ?? 0).length - 1 : at(borders, 2);
      return [{ severity: 'unfinished', code: 'tornTail', file, positionBytes: tail }];
    },
    lost: (spool) => (isPlain(spool) ? [26] : [24, 25, 26]),
  },
  {
    name: 'a changed byte in an open segment',
    apply: (spool) => flip(join(spool.directory, spool.open.fileName), byteIn(spool, spool.open.borders, 1, 21)),
    expected: (spool) => {
      const { fileName: file, borders } = spool.open;
      const positionBytes = isPlain(spool) ? byteIn(spool, borders, 1, 21) : at(borders, 1);
      return [{ severity: 'damage', code: 'framesDamaged', file, positionBytes }];
    },
    lost: (spool) => (isPlain(spool) ? [22] : [21, 22, 23]),
    quarantined: ({ open }) => open.fileName,
  },
  {
    name: 'bytes behind the end of a sealed segment, which are no part of it',
    apply: ({ directory, first }) =>
      appendFile(join(directory, first.fileName), 'rest of a cut that a power cut undid'),
    expected: () => [],
    lost: () => [],
  },
  {
    name: 'remains of a replacement that was cut off',
    apply: ({ directory, first }) => writeFile(join(directory, `${first.id}.meta.json.tmp`), '{', { mode: 0o600 }),
    expected: ({ first }) => [{ severity: 'unfinished', code: 'leftover', file: `${first.id}.meta.json.tmp` }],
    lost: () => [],
  },
];
