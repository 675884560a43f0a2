// What most tests of this package begin with: a spool on a simulated disk, and segments in it.
import { type DiskOperation, ManualClock, SimulatedDisk } from '@relaykit/testing';
import type { FileSystem, SegmentMetadata } from '@relaykit/types';
import { expect } from 'vitest';
import { ActiveSegmentFile, formatSegmentId, type RecoveryReport, recoverSpool, Spool } from '../src/index.ts';
import { emptyRecoveryCounts } from '../src/recovery-report.ts';
import { LineSerializer, linesOf } from './line-serializer.ts';

export const SPOOL = '/spool';
export const WRITER = 'aaaaaaaaaa';
/** Creation time of segments that ask for no other; the clocks of the tests start here too. */
export const CREATED_MS: number = Date.UTC(2026, 0, 1);
export const serializer: LineSerializer = new LineSerializer();

export interface Scene {
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly spool: Spool;
}

export function createScene(disk: SimulatedDisk = new SimulatedDisk(), clock: ManualClock = new ManualClock()): Scene {
  return { disk, clock, spool: openSpool(disk, clock) };
}

export function openSpool(fileSystem: FileSystem, clock: ManualClock = new ManualClock()): Spool {
  return Spool.openSync({ directory: SPOOL, fileSystem, clock });
}

export interface SegmentOptions {
  /** Sequence number of the first event. Defaults to 0. */
  readonly first?: number;
  /** Defaults to 1. */
  readonly events?: number;
  readonly writerId?: string;
  readonly createdAtMs?: number;
  readonly isAtomic?: boolean;
  readonly isHeld?: boolean;
  readonly fileExtension?: string;
}

export function idOf({ first = 0, writerId = WRITER, createdAtMs = CREATED_MS + first }: SegmentOptions = {}): string {
  return formatSegmentId({ createdAtMs, firstSequence: first, writerId });
}

/** Where the segment with these options stands, by the last part of its name. */
export function pathOf(options: SegmentOptions, suffix: string): string {
  return `${SPOOL}/${idOf(options)}.${suffix}`;
}

/** An open segment with events `first`, `first + 1` …, written and not synced. */
export function writeSegment(spool: Spool, options: SegmentOptions = {}): ActiveSegmentFile {
  const { first = 0, events = 1, writerId = WRITER, createdAtMs = CREATED_MS + first } = options;
  const { isAtomic = false, isHeld = false } = options;
  const { format } = new LineSerializer(options);
  const file = new ActiveSegmentFile({ spool, format, writerId, firstSequence: first, createdAtMs, isAtomic, isHeld });
  if (events > 0) file.appendSync([{ bytes: linesOf(...numbersFrom(first, events)), eventCount: events }]);
  return file;
}

/** A sealed segment. */
export async function sealSegment(spool: Spool, options: SegmentOptions = {}): Promise<SegmentMetadata> {
  const file = writeSegment(spool, options);
  await file.sync();
  return file.seal({ reason: 'bytes' });
}

/** An unfinished file of a writer that is dead, with whatever content. */
export function leaveFile(disk: SimulatedDisk, content: Uint8Array | string, options: SegmentOptions = {}): string {
  const { isAtomic = false, isHeld = false, fileExtension = 'ndjson' } = options;
  const path = pathOf(options, `${fileExtension}.${isAtomic ? 'atomic' : isHeld ? 'held' : 'open'}`);
  disk.placeFile(path, content);
  return path;
}

export function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

export function recover({ spool }: Pick<Scene, 'spool'>): Promise<RecoveryReport> {
  return recoverSpool(spool, [serializer]);
}

/** A report that says nothing but this; every count that is not named is 0. */
export function reportOf(facts: Partial<RecoveryReport>): RecoveryReport {
  const named = { fileName: expect.stringMatching(/\.(open|atomic)$/), reason: expect.any(String) };
  const quarantined = Array.from({ length: facts.filesQuarantined ?? 0 }, () => named);
  return { ...emptyRecoveryCounts(), newestSegmentAtMs: CREATED_MS, durationMs: 0, quarantined, ...facts };
}

/** Names in the spool, without the directory and what every spool has. */
export function namesIn(disk: SimulatedDisk): readonly string[] {
  const common = new Set(['spool.json', 'ledger.ndjson', 'ledger.lock']);
  return [...disk.files().keys()].map((path) => path.slice(SPOOL.length + 1)).filter((name) => !common.has(name));
}

export function textOf(disk: SimulatedDisk, path: string): string {
  const bytes = disk.files().get(path);
  expect(bytes, `${path} is missing`).toBeDefined();
  return new TextDecoder().decode(bytes);
}

export function metadataOf(disk: SimulatedDisk, options: SegmentOptions = {}): SegmentMetadata {
  const { checksum: _, ...metadata } = JSON.parse(textOf(disk, pathOf(options, 'meta.json')));
  return metadata;
}

/** Lines of the ledger, parsed. */
export function ledgerOf(disk: SimulatedDisk): readonly Record<string, unknown>[] {
  const bytes = disk.files().get(`${SPOOL}/ledger.ndjson`);
  const text = new TextDecoder().decode(bytes ?? new Uint8Array());
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Every operation on the disk from now on, in order. */
export function operationsOn(disk: SimulatedDisk): DiskOperation[] {
  const seen: DiskOperation[] = [];
  disk.onStep = (operation) => void seen.push(operation);
  return seen;
}

/**
 * Runs `act` once, right before the first operation that matches: a rival that is faster. What it does itself is not
 * looked at.
 */
export function rightBefore(
  disk: SimulatedDisk,
  match: (operation: DiskOperation) => boolean,
  act: () => void,
): () => boolean {
  let hasActed = false;
  disk.onStep = (operation) => {
    if (hasActed || !match(operation)) return;
    hasActed = true;
    act();
  };
  return () => hasActed;
}

/** Lets time pass until the work is done: waiting for a lock takes a timer. */
export async function whileTimePasses<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  while (!isDone) await clock.advanceAsync(1);
  return work;
}
