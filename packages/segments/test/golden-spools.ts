// Makes the golden spools of format version 1: what a spool looks like on disk, at rest and after crashes. Everything is
// written by the code that writes spools, from fixed inputs, and stopped where the story says so.
//
//   npx tsx --conditions=@relaykit/source packages/segments/test/golden-spools.ts
//
// adds those that are missing to test/fixtures/format-v1. What is there is never changed: it stays readable for ever.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '@relaykit/testing';
import type { SegmentOutcome } from '@relaykit/types';
import {
  ActiveSegmentFile,
  FileSegmentStore,
  LedgerContent,
  listSpoolFiles,
  nodeFileSystem,
  Quarantine,
  repairSealed,
  Spool,
  UnsyncedMove,
} from '../src/index.ts';
import { JsonLines } from './json-lines.ts';
import { stopAt, stopAtWrite, untilStopped } from './stopping-file-system.ts';

export const goldenDirectory: string = fileURLToPath(new URL('fixtures/format-v1', import.meta.url));
export const SPOOL_ID = '5f0c1e9b7a3d42688c1f6e20d94ab371';
export const FIRST_WRITER = 'k3f9q2m4xa';
export const SECOND_WRITER = 'a81xz0c7np';
/** 2026-11-22T16:40:00Z */
export const START_MS: number = Date.UTC(2026, 10, 22, 16, 40);

const serializer = new JsonLines();

interface SegmentPlan {
  readonly second: number;
  readonly firstSequence: number;
  readonly events: number;
  readonly writerId?: string;
  readonly isAtomic?: boolean;
  readonly isHeld?: boolean;
}

/** A spool directory in the making, at a time of its own. */
class Workshop {
  readonly directory: string;
  readonly clock = new ManualClock({ epochMs: START_MS });

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Spools choose their id at random; this one has to be the same every time.
    writeFileSync(this.pathOf('spool.json'), `${JSON.stringify({ formatVersion: 1, spoolId: SPOOL_ID })}\n`);
  }

  pathOf(fileName: string): string {
    return join(this.directory, fileName);
  }

  spool(fileSystem = nodeFileSystem()): Spool {
    return Spool.openSync({ directory: this.directory, fileSystem, clock: this.clock });
  }

  /** A segment with `events` events, one frame each, not synced yet. */
  begin(
    { second, firstSequence, events, writerId = FIRST_WRITER, isAtomic = false, isHeld = false }: SegmentPlan,
    spool = this.spool(),
  ) {
    const createdAtMs = START_MS + second * 1_000;
    this.clock.advance(Math.max(0, createdAtMs - this.clock.now()));
    const { format } = serializer;
    const place = { spool, writerId, firstSequence, createdAtMs, format };
    const segment = new ActiveSegmentFile({ ...place, isAtomic, isHeld });
    this.append(segment, events);
    return segment;
  }

  append(segment: ActiveSegmentFile, events: number): void {
    const first = segment.firstSequence + segment.end.eventCount;
    const numbers = Array.from({ length: events }, (_, index) => first + index);
    segment.appendSync(numbers.map((number) => serializer.encode([eventOf(number)])));
  }

  async seal(plan: SegmentPlan, spool = this.spool()): Promise<string> {
    const segment = this.begin(plan, spool);
    await segment.sync();
    this.clock.advance(500);
    await segment.seal({ reason: plan.isAtomic === true ? 'flush' : 'events' });
    return segment.id;
  }

  async settle(id: string, outcome: SegmentOutcome, fileSystem = nodeFileSystem()): Promise<void> {
    const lease = await this.lease(id, fileSystem);
    try {
      await lease.settle(outcome);
    } finally {
      await lease.release();
    }
  }

  async lease(id: string, fileSystem = nodeFileSystem()) {
    const attempt = await new FileSegmentStore(this.spool(fileSystem), []).lease(id);
    if (attempt.status !== 'leased') throw new Error(`${id} is ${attempt.status}`);
    return attempt.lease;
  }
}

/** The event with a number among those of its writer. */
export function eventOf(number: number): { readonly n: number; readonly name: string } {
  return { n: number, name: ['signed-in', 'opened', 'paid – 3 €'][number % 3] ?? '' };
}

/** What a spool looks like, by the story that left it. */
export const goldenSpools: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  /** One segment delivered, one waiting after a failed upload, one cut off in the middle of its third event. */
  async example(directory) {
    const workshop = new Workshop(directory);
    const delivered = await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const waiting = await workshop.seal({ second: 12, firstSequence: 2, events: 3 });
    await workshop.settle(delivered, { status: 'delivered', receipt: 'r-17' });
    const lease = await workshop.lease(waiting);
    await lease.writeState({
      attempts: 1,
      firstFailureAtMs: START_MS + 13_000,
      nextAttemptAtMs: START_MS + 14_000,
      lastError: 'http 503',
    });
    await lease.release();
    const torn = workshop.begin({ second: 58, firstSequence: 5, events: 2 });
    await torn.abandon();
    appendFileSync(torn.path, '{"n":7,"na');
  },

  /** Two writers; one segment was made by an atomic flush, one file is none of ours. */
  async sealed(directory) {
    const workshop = new Workshop(directory);
    await workshop.seal({ second: 0, firstSequence: 0, events: 3 });
    await workshop.seal({ second: 1, firstSequence: 0, events: 1, writerId: SECOND_WRITER, isAtomic: true });
    await workshop.seal({ second: 2, firstSequence: 3, events: 2 });
    writeFileSync(workshop.pathOf('notes.txt'), 'not a segment\n');
  },

  /** Held for a consent: a sealed segment, and one whose writer was killed. */
  async held(directory) {
    const workshop = new Workshop(directory);
    await workshop.seal({ second: 0, firstSequence: 0, events: 2, isHeld: true });
    const torn = workshop.begin({ second: 1, firstSequence: 2, events: 1, isHeld: true });
    await torn.abandon();
  },

  /** Three segments were refused. One is waiting again, one was discarded, one is being discarded: its record is missing. */
  async requeued(directory) {
    const workshop = new Workshop(directory);
    const ids: string[] = [];
    for (const firstSequence of [0, 2, 3]) {
      const id = await workshop.seal({ second: firstSequence, firstSequence, events: firstSequence === 0 ? 2 : 1 });
      await workshop.settle(id, { status: 'quarantined', reason: 'rejected: http 422' });
      ids.push(id);
    }
    const [first = '', second = '', third = ''] = ids;
    const { quarantine } = new FileSegmentStore(workshop.spool(), []);
    await quarantine.requeue(first);
    await quarantine.discard(second);
    const stopping = stopAt(nodeFileSystem(), 'syncDirectory', 'quarantine');
    const store = new FileSegmentStore(workshop.spool(stopping), []);
    await untilStopped(() => store.quarantine.discard(third, { reason: 'too large' }));
  },

  /** Killed while sealing: metadata is there, the final name is not. A write that was taken back lies behind the end. */
  async 'metadata-beside-open'(directory) {
    const workshop = new Workshop(directory);
    const spool = workshop.spool(stopAt(nodeFileSystem(), 'rename', '.ndjson'));
    const segment = workshop.begin({ second: 0, firstSequence: 0, events: 2 }, spool);
    await segment.sync();
    await untilStopped(() => segment.seal({ reason: 'age' }));
    appendFileSync(segment.path, '{"n":2,"name":"never acknowledged"}\n');
    await segment.abandon();
  },

  /** A sync failed after two events; two more were acknowledged as written, and their move is committed. */
  async 'failed-sync'(directory) {
    const workshop = new Workshop(directory);
    const segment = workshop.begin({ second: 0, firstSequence: 0, events: 2 });
    await segment.sync();
    workshop.append(segment, 2);
    await new UnsyncedMove(workshop.spool(), segment, serializer).commit();
    await segment.abandon();
  },

  /** The same, killed before the commit: the prepared segment counts for nothing. */
  async 'failed-sync-uncommitted'(directory) {
    const workshop = new Workshop(directory);
    const segment = workshop.begin({ second: 0, firstSequence: 0, events: 2 });
    await segment.sync();
    workshop.append(segment, 2);
    const spool = workshop.spool(stopAt(nodeFileSystem(), 'createFileSync', `${segment.id}.meta.json.tmp`));
    await untilStopped(() => new UnsyncedMove(spool, segment, serializer).commit());
    await segment.abandon();
  },

  /** Atomic flushes: one killed before its metadata, which never was, one after, which is whole. */
  async atomic(directory) {
    const workshop = new Workshop(directory);
    const never = workshop.begin({ second: 0, firstSequence: 0, events: 2, isAtomic: true });
    await never.abandon();
    const spool = workshop.spool(stopAt(nodeFileSystem(), 'rename', '.ndjson'));
    const plan = { second: 1, firstSequence: 0, events: 1, writerId: SECOND_WRITER, isAtomic: true };
    const whole = workshop.begin(plan, spool);
    await whole.sync();
    await untilStopped(() => whole.seal({ reason: 'flush' }));
    await whole.abandon();
  },

  /** Damage in the middle of an unfinished file: the second of three lines is zeros up to its line feed. */
  async 'damaged-open'(directory) {
    const workshop = new Workshop(directory);
    const segment = workshop.begin({ second: 0, firstSequence: 0, events: 1 });
    const { sizeBytes: start } = segment.end;
    workshop.append(segment, 1);
    const { sizeBytes: end } = segment.end;
    workshop.append(segment, 1);
    segment.handle.writeSync(new Uint8Array(end - start - 1), start);
    await segment.abandon();
  },

  /** A sealed segment whose metadata was deleted, and metadata whose segment was. */
  async 'lost-files'(directory) {
    const workshop = new Workshop(directory);
    const bare = await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const missing = await workshop.seal({ second: 1, firstSequence: 2, events: 1 });
    rmSync(workshop.pathOf(`${bare}.meta.json`));
    rmSync(workshop.pathOf(`${missing}.ndjson`));
  },

  /** Killed during removals: one for a limit before its record, one after delivery between record and last unlink. */
  async gone(directory) {
    const workshop = new Workshop(directory);
    const dropped = await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const delivered = await workshop.seal({ second: 1, firstSequence: 2, events: 1 });
    const atRecord = stopAtWrite(nodeFileSystem(), 'ledger.ndjson');
    await untilStopped(() => workshop.settle(dropped, { status: 'dropped', reason: 'totalBytes' }, atRecord));
    const atUnlink = stopAt(nodeFileSystem(), 'remove', '.delivered.gone');
    await untilStopped(() => workshop.settle(delivered, { status: 'delivered', receipt: 'r-18' }, atUnlink));
  },

  /** Two refused segments: one is in quarantine, the other recorded and not moved yet. */
  async quarantined(directory) {
    const workshop = new Workshop(directory);
    const moved = await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const recorded = await workshop.seal({ second: 1, firstSequence: 2, events: 1 });
    const outcome = { status: 'quarantined', reason: 'rejected: http 422' } as const;
    await workshop.settle(moved, outcome);
    const atMove = stopAt(nodeFileSystem(), 'rename', `quarantine/${recorded}.ndjson`);
    await untilStopped(() => workshop.settle(recorded, outcome, atMove));
  },

  /** A ledger with a damaged line, a second record of a segment, of which the first counts, and a torn last line. */
  async 'torn-ledger'(directory) {
    const workshop = new Workshop(directory);
    const first = await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const last = await workshop.seal({ second: 1, firstSequence: 2, events: 3 });
    await workshop.settle(first, { status: 'delivered' });
    appendFileSync(workshop.pathOf('ledger.ndjson'), '{"kind":"segm\0\0\0\n');
    const [record] = (await workshop.spool().ledger.content()).records.values();
    appendFileSync(workshop.pathOf('ledger.ndjson'), `${JSON.stringify({ ...record, outcome: 'dropped' })}\n`);
    await workshop.settle(last, { status: 'dropped', reason: 'age' });
    await workshop.seal({ second: 2, firstSequence: 5, events: 1 });
    appendFileSync(workshop.pathOf('ledger.ndjson'), '{"kind":"segment","id":"20261122T1640');
  },

  /** A folded ledger, and a record behind the sums; of one event nobody knows what became. */
  async 'folded-ledger'(directory) {
    const workshop = new Workshop(directory);
    const first = await workshop.seal({ second: 0, firstSequence: 0, events: 5 });
    const second = await workshop.seal({ second: 1, firstSequence: 5, events: 2 });
    await workshop.settle(first, { status: 'delivered' });
    await workshop.settle(second, { status: 'dropped', reason: 'age' });
    const sums = { segments: 4, bytes: 400, delivered: 10, quarantined: 1, dropped: { totalBytes: 3 }, lost: 1 };
    const content = new LedgerContent();
    content.former = { kind: 'former', writers: 2, ...sums };
    for (const record of (await workshop.spool().ledger.content()).records.values()) {
      content.takeLine(JSON.stringify(record));
    }
    const folded = content.fold(
      () => true,
      () => true,
    );
    writeFileSync(workshop.pathOf('ledger.ndjson'), folded.toLines());
    const third = await workshop.seal({ second: 2, firstSequence: 7, events: 1 });
    await workshop.settle(third, { status: 'delivered', receipt: 'r-19' });
    await workshop.seal({ second: 3, firstSequence: 9, events: 2 });
  },

  /**
   * Two damaged segments, each the last of its writer, were repaired. One holds two whole events of three; nothing was left
   * of the other, which was discarded and is in the sums by now.
   */
  async repaired(directory) {
    const workshop = new Workshop(directory);
    const partly = await workshop.seal({ second: 0, firstSequence: 0, events: 3 });
    const wholly = await workshop.seal({ second: 1, firstSequence: 0, events: 2, writerId: SECOND_WRITER });
    const path = workshop.pathOf(`${partly}.ndjson`);
    const [first = '', second = '', third = ''] = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, `${first}\n${'\0'.repeat(second.length)}\n${third}\n`);
    writeFileSync(workshop.pathOf(`${wholly}.ndjson`), '');
    const spool = workshop.spool();
    for (const file of await listSpoolFiles(spool)) {
      if (file.kind === 'sealed') await repairSealed(spool, file, [serializer]);
    }
    await new Quarantine(spool).discard(wholly);
    const folded = (await spool.ledger.content()).fold(
      (id) => id === wholly,
      () => true,
    );
    writeFileSync(workshop.pathOf('ledger.ndjson'), folded.toLines());
  },

  /** Metadata with checksums. A digit changed in that of the second segment, whose process was killed while it sealed. */
  async checksums(directory) {
    const workshop = new Workshop(directory);
    await workshop.seal({ second: 0, firstSequence: 0, events: 2 });
    const spool = workshop.spool(stopAt(nodeFileSystem(), 'rename', '.ndjson'));
    const segment = workshop.begin({ second: 1, firstSequence: 2, events: 1 }, spool);
    await segment.sync();
    await untilStopped(() => segment.seal({ reason: 'age' }));
    await segment.abandon();
    const path = workshop.pathOf(`${segment.id}.meta.json`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"eventCount": 1', '"eventCount": 9'));
  },
};

/** Adds the golden spools that are missing. */
async function addMissing(): Promise<void> {
  for (const [name, make] of Object.entries(goldenSpools)) {
    const directory = join(goldenDirectory, name);
    if (existsSync(directory)) continue;
    await make(directory);
    console.log(`made ${directory}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await addMissing();
