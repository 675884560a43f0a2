// What may happen to a spool. Each command holds its choices alone, so that a sequence can be replayed and shrunk.
import type { SimulatedErrorCode } from '@relaykit/testing';
import type { Durability, SegmentOutcome } from '@relaykit/types';
import fc from 'fast-check';
import { checkSpool } from './check-spool.ts';
import type { EventList, ListedBatch, WriterName } from './event-list.ts';
import { ROOMY_BYTES, type SpoolWorld } from './spool-world.ts';

type Command = fc.AsyncCommand<EventList, SpoolWorld>;

abstract class SpoolCommand implements Command {
  check(): boolean {
    return true;
  }

  async run(list: EventList, world: SpoolWorld): Promise<void> {
    await this.act(list, world);
  }

  abstract act(list: EventList, world: SpoolWorld): Promise<void>;
  abstract toString(): string;
}

interface Sending {
  readonly writer: WriterName;
  readonly eventCount: number;
  readonly durability: Durability;
  readonly isBatch: boolean;
}

/** Sends and takes down what comes of it. Never rejects. */
async function send(
  list: EventList,
  world: SpoolWorld,
  { writer: name, eventCount, durability, isBatch }: Sending,
): Promise<void> {
  const { process } = world;
  const writer = world.writers[name];
  const batch = list.newBatch(name, eventCount, name === 'atomic');
  for (const event of batch.events) event.survives = durability;
  const texts = batch.events.map(({ text }) => text);
  try {
    const encoded = isBatch ? writer.openBatch() : undefined;
    for (const text of texts) encoded?.add(text);
    const receipt = await (encoded ? writer.commit(encoded, { durability }) : writer.write(texts, { durability }));
    world.noteDropped();
    list.acknowledge(batch, receipt, world.isUncertain);
    if (durability === 'synced' && receipt.durability !== 'synced' && !world.hasExited) {
      throw new ModelError(`asked for synced, acknowledged as ${receipt.durability}`);
    }
  } catch (error) {
    if (error instanceof ModelError) throw error;
    refused(list, world, batch, error, process.isAlive);
  }
}

class ModelError extends Error {}

function refused(list: EventList, world: SpoolWorld, batch: ListedBatch, error: unknown, isAlive: boolean): void {
  // A dead process was told nothing.
  if (!isAlive) return;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isExpected = world.hasFailed || world.options.whenFull === 'refuseNew';
  if (!isExpected || (code !== 'RELAY_STORAGE_FULL' && code !== 'RELAY_STORAGE_FAILED')) throw error;
  list.refuse(batch);
}

class Write extends SpoolCommand {
  readonly #sendings: readonly Sending[];

  constructor(sendings: readonly Sending[]) {
    super();
    this.#sendings = sendings;
  }

  async act(list: EventList, world: SpoolWorld): Promise<void> {
    await world.whileTimePasses(Promise.all(this.#sendings.map((sending) => send(list, world, sending))));
    await checkSpool(world, 'running');
  }

  toString(): string {
    const each = this.#sendings.map(
      ({ writer, eventCount, durability, isBatch }) =>
        `${writer}${isBatch ? '.batch' : ''} ${eventCount} ${durability}`,
    );
    return `write(${each.join(', ')})`;
  }
}

/** Stores at once, as a process does that ends, while other batches are on their way. */
class WriteSync extends SpoolCommand {
  readonly #before: readonly Sending[];
  readonly #turns: number;
  readonly #writer: WriterName;
  readonly #eventCount: number;

  constructor(before: readonly Sending[], turns: number, writer: WriterName, eventCount: number) {
    super();
    this.#before = before;
    this.#turns = turns;
    this.#writer = writer;
    this.#eventCount = eventCount;
  }

  async act(list: EventList, world: SpoolWorld): Promise<void> {
    world.hasExited = true;
    const sent = Promise.all(this.#before.map((sending) => send(list, world, sending)));
    for (let turn = 0; turn < this.#turns; turn += 1) await Promise.resolve();
    const batch = list.newBatch(this.#writer, this.#eventCount, false);
    try {
      const receipt = world.writers[this.#writer].writeSync?.(batch.events.map(({ text }) => text));
      if (!receipt) throw new ModelError('the writer has no writeSync');
      world.noteDropped();
      list.acknowledge(batch, receipt, world.isUncertain);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      refused(list, world, batch, error, true);
    }
    await world.whileTimePasses(sent);
    await checkSpool(world, 'running');
  }

  toString(): string {
    const before = new Write(this.#before);
    return `writeSync(${this.#writer} ${this.#eventCount}, ${this.#turns} turns into ${before})`;
  }
}

class Rotate extends SpoolCommand {
  readonly #writer: WriterName;

  constructor(writer: WriterName) {
    super();
    this.#writer = writer;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    await unlessRefused(world, world.writers[this.#writer].rotate());
    await checkSpool(world, 'running');
  }

  toString(): string {
    return `rotate(${this.#writer})`;
  }
}

async function unlessRefused(world: SpoolWorld, work: Promise<unknown>): Promise<void> {
  try {
    await world.whileTimePasses(work);
  } catch (error) {
    if (!world.hasFailed && world.options.whenFull !== 'refuseNew') throw error;
  }
}

/** Takes segments out of the spool, as a queue does. */
class Deliver extends SpoolCommand {
  readonly #count: number;
  readonly #outcome: SegmentOutcome;

  constructor(count: number, outcome: SegmentOutcome) {
    super();
    this.#count = count;
    this.#outcome = outcome;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    await unlessRefused(world, this.#deliver(world));
    await checkSpool(world, 'running');
  }

  async #deliver(world: SpoolWorld): Promise<void> {
    const store = await world.openStore();
    let left = this.#count;
    for await (const { id } of store.list()) {
      if (left === 0) return;
      const attempt = await store.lease(id);
      if (attempt.status !== 'leased') continue;
      left -= 1;
      const { lease } = attempt;
      const { content } = lease;
      const bytes = await content.read(0, content.sizeBytes);
      const lines = Buffer.from(bytes).toString('latin1').split('\n').slice(0, -1);
      world.leaving.set(id, lines);
      try {
        await lease.settle(this.#outcome);
      } finally {
        await lease.release();
      }
    }
  }

  toString(): string {
    return `deliver(${this.#count} ${this.#outcome.status})`;
  }
}

/** A crash in the middle of writing: of the process, or of the machine. */
class Crash extends SpoolCommand {
  readonly #kind: 'kill' | 'powerCut';
  readonly #before: readonly Sending[];
  readonly #turns: number;
  readonly #seed: number;

  constructor(kind: 'kill' | 'powerCut', before: readonly Sending[], turns: number, seed: number) {
    super();
    this.#kind = kind;
    this.#before = before;
    this.#turns = turns;
    this.#seed = seed;
  }

  async act(list: EventList, world: SpoolWorld): Promise<void> {
    const sent = Promise.all(this.#before.map((sending) => send(list, world, sending)));
    for (let turn = 0; turn < this.#turns; turn += 1) await Promise.resolve();
    world.noteDropped();
    world.noteSealed();
    if (this.#kind === 'kill') {
      world.process.kill();
    } else {
      world.disk.losePower();
      world.disk.restart({ seed: this.#seed });
    }
    await world.whileTimePasses(sent);
    world.endFaults();
    const { problems } = await world.reopen();
    const [problem] = problems;
    if (problem) throw new Error(`recovery left ${problem.fileName}: ${problem.reason}`);
    await checkSpool(world, this.#kind);
  }

  toString(): string {
    return `${this.#kind}(${this.#turns} turns into ${new Write(this.#before)}, seed ${this.#seed})`;
  }
}

class CloseAndReopen extends SpoolCommand {
  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    world.endFaults();
    const { append, atomic } = world.writers;
    for (const writer of [append, atomic]) await world.whileTimePasses(writer.close());
    if (world.store) await world.whileTimePasses(world.store.close());
    await checkSpool(world, 'close');
    const { segmentsRecovered, filesInUse } = await world.reopen();
    if (segmentsRecovered > 0 || filesInUse > 0) {
      throw new Error(`closed, and ${segmentsRecovered} segments are to be recovered, ${filesInUse} in use`);
    }
    await checkSpool(world, 'reopen');
  }

  toString(): string {
    return 'closeAndReopen()';
  }
}

class FillDisk extends SpoolCommand {
  readonly #leftBytes: number;

  constructor(leftBytes: number) {
    super();
    this.#leftBytes = leftBytes;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    world.hasFailed = true;
    world.disk.capacityBytes = world.disk.usedBytes + this.#leftBytes;
  }

  toString(): string {
    return `fillDisk(${this.#leftBytes} bytes left)`;
  }
}

class MakeRoom extends SpoolCommand {
  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    world.disk.capacityBytes = ROOMY_BYTES;
  }

  toString(): string {
    return 'makeRoom()';
  }
}

const FAILING = ['write', 'sync', 'rename', 'create', 'truncate', 'syncDirectory', 'remove'] as const;

class Fail extends SpoolCommand {
  readonly #operation: (typeof FAILING)[number];
  readonly #code: SimulatedErrorCode;
  readonly #times: number;

  constructor(operation: (typeof FAILING)[number], code: SimulatedErrorCode, times: number) {
    super();
    this.#operation = operation;
    this.#code = code;
    this.#times = times;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    world.hasFailed = true;
    world.disk.failNext(({ name, process }) => name === this.#operation && process !== 'observer', this.#code, {
      times: this.#times,
    });
  }

  toString(): string {
    return `fail(${this.#operation} ${this.#code} ${this.#times})`;
  }
}

class PassTime extends SpoolCommand {
  readonly #ms: number;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    await world.clock.advanceAsync(this.#ms);
    await checkSpool(world, 'running');
  }

  toString(): string {
    return `passTime(${this.#ms})`;
  }
}

class LeapClock extends SpoolCommand {
  readonly #ms: number;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  async act(_list: EventList, world: SpoolWorld): Promise<void> {
    world.clock.leapWallClock(this.#ms);
  }

  toString(): string {
    return `leapClock(${this.#ms})`;
  }
}

const HOUR_MS = 3_600_000;
const writerName = fc.constantFrom<WriterName>('append', 'atomic');
const sending = fc.record<Sending>({
  writer: writerName,
  eventCount: fc.integer({ min: 0, max: 5 }),
  durability: fc.constantFrom<Durability>('written', 'synced'),
  isBatch: fc.boolean(),
});
const sendings = fc.array(sending, { minLength: 1, maxLength: 4 });
const turns = fc.integer({ min: 0, max: 60 });
const outcome = fc.constantFrom<SegmentOutcome>(
  { status: 'delivered', receipt: 'r' },
  { status: 'delivered' },
  { status: 'quarantined', reason: 'refused' },
  { status: 'dropped', reason: 'asked' },
);

const write: fc.Arbitrary<Command> = sendings.map((each) => new Write(each));

/** Writing stands here several times, because it is what the others are about. */
export const spoolCommands: readonly fc.Arbitrary<Command>[] = [
  write,
  write,
  write,
  fc
    .tuple(fc.array(sending, { maxLength: 3 }), turns, writerName, fc.integer({ min: 0, max: 4 }))
    .map(([before, after, writer, eventCount]) => new WriteSync(before, after, writer, eventCount)),
  writerName.map((writer) => new Rotate(writer)),
  fc.tuple(fc.integer({ min: 1, max: 3 }), outcome).map(([count, what]) => new Deliver(count, what)),
  fc
    .tuple(
      fc.constantFrom('kill' as const, 'powerCut' as const),
      fc.array(sending, { maxLength: 3 }),
      turns,
      fc.nat(999),
    )
    .map(([kind, before, after, seed]) => new Crash(kind, before, after, seed)),
  fc.constant(new CloseAndReopen()),
  fc.integer({ min: 0, max: 900 }).map((bytes) => new FillDisk(bytes)),
  fc.constant(new MakeRoom()),
  fc
    .tuple(
      fc.constantFrom(...FAILING),
      fc.constantFrom<SimulatedErrorCode>('EIO', 'EIO', 'ENOSPC', 'EMFILE'),
      fc.integer({ min: 1, max: 6 }),
    )
    .map(([operation, code, times]) => new Fail(operation, code, times)),
  fc.constantFrom(1, 20, 1_100, 11_000, 61_000).map((ms) => new PassTime(ms)),
  fc.constantFrom(-HOUR_MS, -1, 1, HOUR_MS, 30 * 24 * HOUR_MS).map((ms) => new LeapClock(ms)),
];
