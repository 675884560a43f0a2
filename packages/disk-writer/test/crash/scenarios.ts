import { exponentialBackoff } from '@relaykit/retry';
import { retainFileCount, rotateByEvents } from '@relaykit/rotation';
import type { Durability } from '@relaykit/types';
import type { FlushMode } from '../../src/index.ts';
import type { Outcome } from './crash-journal.ts';
import type { CrashScenario, JournaledStore, JournaledWriter, ScenarioContext } from './scenario-run.ts';
import { SPOOL } from './spool-contents.ts';

const OUTCOMES: readonly (Outcome | 'released')[] = ['delivered', 'delivered', 'quarantined', 'dropped', 'released'];

function durabilityOf({ random }: ScenarioContext): Durability {
  return random() < 0.5 ? 'synced' : 'written';
}

function anyOutcome(context: ScenarioContext): () => Outcome | 'released' {
  return () => OUTCOMES[context.below(OUTCOMES.length)] ?? 'delivered';
}

/** A few batches, some of them under way at once. */
async function sendMixed(context: ScenarioContext, writer: JournaledWriter, batches: number): Promise<void> {
  for (let sent = 0; sent < batches; ) {
    const together = 1 + context.below(3);
    const sends: Promise<void>[] = [];
    for (let index = 0; index < together && sent < batches; index += 1) {
      sends.push(writer.send(1 + context.below(3), durabilityOf(context)));
      sent += 1;
    }
    await Promise.all(sends);
    if (context.random() < 0.15) await writer.rotate();
    // An empty batch makes durable what was written before.
    if (context.random() < 0.2) await writer.send(0, 'synced');
  }
}

/** One after the other, as a buffer sends them: a refused batch is sent again before the next. */
async function sendInTurn(context: ScenarioContext, writer: JournaledWriter, batches: number): Promise<void> {
  for (let sent = 0; sent < batches; sent += 1) {
    await writer.send(1 + context.below(3), durabilityOf(context));
  }
}

async function wait(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

const append: CrashScenario = {
  name: 'append',
  isShared: true,
  disk: { maxAsyncTurns: 12 },
  async run(context) {
    const writer = context.writer(context.disk.process('writer'), { rotation: rotateByEvents(4) });
    await sendMixed(context, writer, 9);
    await writer.close();
  },
};

const atomic: CrashScenario = {
  name: 'atomic',
  isShared: true,
  async run(context) {
    const writer = context.writer(context.disk.process('writer'), { flushMode: 'atomic' });
    await sendMixed(context, writer, 6);
    await writer.close();
  },
};

/** Two writers and an uploader share the spool. */
const together: CrashScenario = {
  name: 'together',
  isShared: true,
  async run(context) {
    const { disk } = context;
    const first = context.writer(disk.process('first'), { rotation: rotateByEvents(3) });
    const second = context.writer(disk.process('second'), { flushMode: 'atomic' });
    const upload = async (store: JournaledStore): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1) await store.settleSome(2, anyOutcome(context));
    };
    await sendInTurn(context, first, 2);
    await Promise.all([
      sendMixed(context, first, 4),
      sendMixed(context, second, 3),
      context.withStore(disk.process('uploader'), upload),
    ]);
    await context.withStore(disk.process('next uploader'), upload);
    await Promise.all([first.close(), second.close()]);
  },
};

/** One process dies, others find what it left, while a crash of everything may come at any time. */
const restart: CrashScenario = {
  name: 'restart',
  isShared: true,
  async run(context) {
    const { disk } = context;
    const first = context.writer(disk.process('first'), { rotation: rotateByEvents(4) });
    await sendMixed(context, first, 3);
    const left = first.send(2, 'written');
    await wait(context.below(30));
    first.process.kill();
    await left;
    const second = context.writer(disk.process('second'), { rotation: rotateByEvents(4) });
    await sendMixed(context, second, 2);
    const third = context.writer(disk.process('third'), { flushMode: 'atomic' });
    const sending = third.send(3, 'synced');
    await wait(context.below(60));
    third.process.kill();
    await sending;
    await context.withStore(disk.process('uploader'), (store) => store.settleSome(2, () => 'delivered'));
    await second.close();
  },
};

/** What is in memory at the end of a process is stored at once, whatever is under way. */
const exit: CrashScenario = {
  name: 'exit',
  async run(context) {
    for (const flushMode of ['append', 'atomic'] as const) {
      const options = { flushMode, rotation: rotateByEvents(4) };
      await sendAndExit(context, context.writer(context.disk.process(flushMode), options));
    }
  },
};

async function sendAndExit(context: ScenarioContext, writer: JournaledWriter): Promise<void> {
  await writer.send(2, 'written', writer.newBatch(2, false));
  const batches = [writer.newBatch(2, false), writer.newBatch(3, false)];
  const sends = batches.map((batch) => writer.send(0, durabilityOf(context), batch));
  await wait(context.below(40));
  if (context.random() < 0.5) for (const batch of batches) writer.sendAgainSync(batch);
  else writer.sendNewSync(2);
  if (context.random() < 0.5) writer.sendNewSync(1);
  await wait(context.below(40));
  if (context.random() < 0.5) await Promise.all(sends);
  writer.process.kill();
  await Promise.all(sends);
}

/** Ends a process that has a full segment behind it and batches under way, after so many turns. */
export function exitAfter(turns: number, flushMode: FlushMode): CrashScenario {
  return {
    name: `exit after ${turns} turns, ${flushMode}`,
    async run(context) {
      const writer = context.writer(context.disk.process('writer'), { flushMode, rotation: rotateByEvents(2) });
      await writer.send(2, 'written', writer.newBatch(2, false));
      const sends = (['synced', 'written'] as const).map((durability) =>
        writer.send(0, durability, writer.newBatch(2, false)),
      );
      await wait(turns);
      writer.sendNewSync(1);
      await Promise.all(sends);
      await writer.close();
      const open = [...context.disk.files().keys()].filter((path) => /\.(open|atomic)$/.test(path));
      if (open.length > 0) throw new Error(`closed, and still open: ${open.join(', ')}`);
    },
  };
}

/** A spool that may hold few files gives up the oldest, delivered or not. */
const retention: CrashScenario = {
  name: 'retention',
  isShared: true,
  async run(context) {
    const { disk } = context;
    const options = { rotation: rotateByEvents(2), retention: retainFileCount(3) };
    const first = context.writer(disk.process('first'), options);
    await sendMixed(context, first, 3);
    const second = context.writer(disk.process('second'), { ...options, flushMode: 'atomic' });
    await Promise.all([
      sendMixed(context, first, 3),
      sendMixed(context, second, 2),
      context.withStore(disk.process('uploader'), (store) => store.settleSome(1, () => 'delivered')),
    ]);
    context.clock.advance(2_000);
    await sendMixed(context, first, 2);
    await Promise.all([first.close(), second.close()]);
  },
};

/** Records that a long life of the spool has left; the next ones make it fold them. */
const LEDGER_LINES = 998;

/** A long ledger is folded while segments come and go. */
const folding: CrashScenario = {
  name: 'folding',
  cost: 4,
  async run(context) {
    const { disk } = context;
    context.observe = false;
    const writer = context.writer(disk.process('writer'), { rotation: rotateByEvents(2) });
    const old = Array.from({ length: LEDGER_LINES }, (_, index) => ({
      kind: 'segment',
      id: `20250101T000000000Z-${String(index).padStart(12, '0')}-0123456789`,
      outcome: 'delivered',
      firstSequence: index,
      eventCount: 1,
      bytes: 10,
      at: '2025-01-01T00:00:00.000Z',
    }));
    disk.placeFile(`${SPOOL}/ledger.ndjson`, old.map((record) => `${JSON.stringify(record)}\n`).join(''));
    // Making it would sync the directory.
    disk.placeDirectory(`${SPOOL}/quarantine`);
    await sendMixed(context, writer, 4);
    await writer.rotate();
    context.observe = true;
    // The second record folds the ledger. A quarantine syncs no directory before it, so the removal of the first segment
    // may still be undone then.
    const outcomes: Outcome[] = ['delivered', 'quarantined'];
    const choose = anyOutcome(context);
    await context.withStore(disk.process('uploader'), (store) =>
      store.settleSome(4, () => outcomes.shift() ?? choose()),
    );
    await writer.close();
  },
};

const retry = exponentialBackoff({ maxAttempts: 3, initialDelayMs: 2, maxDelayMs: 4, jitter: 'none' });

/** A disk whose syncs fail, and drop what they did not write. */
const failingSync: CrashScenario = {
  name: 'failing sync',
  mayMove: true,
  cost: 0.5,
  async run(context) {
    const { disk } = context;
    disk.setRandomFaults([{ match: 'sync', code: 'EIO', probability: 0.25 }]);
    const flushMode = context.random() < 0.7 ? 'append' : 'atomic';
    const writer = context.writer(disk.process('writer'), { rotation: rotateByEvents(4), flushMode });
    await sendInTurn(context, writer, 8);
    disk.clearFaults();
    await writer.close().catch(() => undefined);
  },
};

function setFaults({ disk }: ScenarioContext, probability: number): void {
  disk.setRandomFaults([
    { match: 'write', code: 'EIO', probability },
    { match: 'write', code: 'ENOSPC', probability },
    { match: 'sync', code: 'EIO', probability },
    { match: 'rename', code: 'EIO', probability },
    { match: 'create', code: 'EMFILE', probability },
    { match: 'truncate', code: 'EIO', probability },
    { match: 'syncDirectory', code: 'EIO', probability },
    { match: 'remove', code: 'EIO', probability },
  ]);
}

/** Everything may fail, for good or for a while. */
const failing: CrashScenario = {
  name: 'failing',
  mayMove: true,
  cost: 0.5,
  async run(context) {
    const { disk } = context;
    const writer = context.writer(disk.process('writer'), {
      rotation: rotateByEvents(4),
      flushMode: context.random() < 0.6 ? 'append' : 'atomic',
      ...(context.random() < 0.5 ? { retry } : {}),
    });
    await context.whileTimePasses(writer.send(1, 'written'));
    setFaults(context, 0.06);
    await context.whileTimePasses(sendInTurn(context, writer, 7));
    disk.clearFaults();
    await context.whileTimePasses(writer.close().catch(() => undefined));
  },
};

/** Deliveries, too. */
const failingDelivery: CrashScenario = {
  name: 'failing delivery',
  mayMove: true,
  async run(context) {
    const { disk } = context;
    const writer = context.writer(disk.process('writer'), { rotation: rotateByEvents(2) });
    await sendInTurn(context, writer, 4);
    await writer.close();
    const uploader = disk.process('uploader');
    await context.withStore(uploader, async (store) => {
      store.onFailure = () => undefined;
      setFaults(context, 0.06);
      for (let turn = 0; turn < 3; turn += 1) await store.settleSome(3, anyOutcome(context));
      disk.clearFaults();
      await store.settleSome(1, anyOutcome(context));
    });
  },
};

/** A process ends while its disk fails. */
const failingExit: CrashScenario = {
  name: 'failing exit',
  mayMove: true,
  async run(context) {
    const { disk } = context;
    for (const flushMode of ['append', 'atomic'] as const) {
      const writer = context.writer(disk.process(flushMode), { flushMode, rotation: rotateByEvents(4) });
      writer.onRefused = () => undefined;
      await writer.send(1, 'written', writer.newBatch(1, false));
      setFaults(context, 0.08);
      await sendAndExit(context, writer);
      disk.clearFaults();
    }
  },
};

/** A disk that is full for a while. */
const full: CrashScenario = {
  name: 'full disk',
  mayMove: true,
  async run(context) {
    const { disk } = context;
    const flushMode = context.random() < 0.7 ? 'append' : 'atomic';
    const writer = context.writer(disk.process('writer'), { rotation: rotateByEvents(4), flushMode });
    await sendInTurn(context, writer, 2);
    let refusals = 0;
    writer.onRefused = () => {
      refusals += 1;
      if (refusals === 3) disk.capacityBytes = 2 ** 30;
    };
    disk.capacityBytes = disk.usedBytes + context.below(400);
    await sendInTurn(context, writer, 4);
    disk.capacityBytes = 2 ** 30;
    await writer.close();
  },
};

/** Some batches are held back from export, others not, one after another and at once. */
function hold(name: string, isFailing: boolean): CrashScenario {
  return {
    name,
    mayMove: isFailing,
    disk: { maxAsyncTurns: 12 },
    async run(context) {
      const { disk } = context;
      if (isFailing) disk.setRandomFaults([{ match: 'sync', code: 'EIO', probability: 0.15 }]);
      const flushMode = context.random() < 0.7 ? 'append' : 'atomic';
      const writer = context.writer(disk.process('writer'), { rotation: rotateByEvents(4), flushMode });
      const send = (): Promise<void> => {
        const count = 1 + context.below(3);
        return writer.send(count, durabilityOf(context), writer.newBatch(count, undefined, context.random() < 0.5));
      };
      for (let turn = 0; turn < 5; turn += 1) {
        if (isFailing) await send();
        else await Promise.all([send(), send()]);
      }
      disk.clearFaults();
      await writer.close().catch(() => undefined);
    },
  };
}

export const scenarios: readonly CrashScenario[] = [
  append,
  atomic,
  together,
  restart,
  exit,
  retention,
  folding,
  failingSync,
  failing,
  failingDelivery,
  failingExit,
  full,
  hold('hold', false),
  hold('failing hold', true),
];
