// Crashes a scenario at each of its steps, recovers with the real code, checks where everything is, and delivers the rest.
import { DiskExportQueue } from '@relaykit/export-queue';
import { accountForSpool, openSegmentStore } from '@relaykit/segments';
import {
  DEFAULT_MANUAL_EPOCH_MS,
  type DiskSnapshot,
  ManualClock,
  mixSeed,
  SimulatedDisk,
  seededRandom,
  settle,
} from '@relaykit/testing';
import { BrokenPromise, DeliveryWorld, type Place } from './delivery-world.ts';
import { ARCHIVE, checkArchive, checkPlaces, SPOOL } from './oracle.ts';
import { DeliveryContext, type DeliveryScenario } from './scenarios.ts';

/** Small enough that metadata and the ledger have several. */
const SECTOR_BYTES = 64;
/** A lock that two processes want is waited for on the clock. */
const CLOCK_STEP_MS = 5;
/** Of so many crashes, one is crashed again in each step of its recovery. */
const NESTED_EVERY = 40;
const LATER_MS = 24 * 60 * 60 * 1_000;

interface Run {
  readonly world: DeliveryWorld;
  readonly disk: SimulatedDisk;
  readonly steps: readonly { readonly snapshot: DiskSnapshot; readonly version: number }[];
}

export async function runScenario(scenario: DeliveryScenario, seed: number, killAtStep?: number): Promise<Run> {
  const disk = new SimulatedDisk({ sectorBytes: SECTOR_BYTES, seed });
  const world = new DeliveryWorld(seededRandom(mixSeed(seed, 51)));
  const context = new DeliveryContext(disk, world);
  const steps: Run['steps'][number][] = [];
  await whileTimePasses(context.clock, scenario.prepare(context));
  disk.onEveryStep((snapshot) => void steps.push({ snapshot, version: world.journal.length }));
  disk.killAtStep = killAtStep;
  await whileTimePasses(context.clock, scenario.run(context));
  steps.push({ snapshot: disk.snapshot(), version: world.journal.length });
  return { world, disk, steps };
}

/** @returns How many states were recovered and checked. */
export async function explore(scenario: DeliveryScenario, seed: number, onlyStep?: number): Promise<number> {
  const { world, steps } = await runScenario(scenario, seed);
  let states = 0;
  for (const [index, { snapshot, version }] of steps.entries()) {
    if (onlyStep !== undefined && onlyStep !== index) continue;
    const firstSeed = mixSeed(index, seed) >>> 1;
    const crashes = [...snapshot.crashes({ maxOutcomes: 8, seeds: 4, firstSeed })];
    for (const disk of [snapshot.kill(firstSeed), ...crashes]) {
      states += 1;
      const label = `${scenario.name}:${seed}:${index}`;
      const during = await check(label, scenario, disk, world, version, (index + states) % NESTED_EVERY === 0);
      for (const again of during) {
        states += 1;
        await check(
          label,
          scenario,
          again.crashes({ maxOutcomes: 1, seeds: 1, firstSeed }).next().value,
          world,
          version,
        );
        await check(label, scenario, again.kill(firstSeed), world, version);
      }
    }
  }
  return states;
}

/** Kills the process that takes a step, once for each step, and lets the others go on. */
export async function exploreKills(scenario: DeliveryScenario, seed: number, onlyStep?: number): Promise<number> {
  const { steps } = await runScenario(scenario, seed);
  let states = 0;
  for (const step of steps.map(({ snapshot }) => snapshot.step)) {
    if (step === undefined || (onlyStep !== undefined && onlyStep !== step)) continue;
    states += 1;
    const label = `${scenario.name}:${seed}:kill ${step}`;
    try {
      const { world, disk } = await runScenario(scenario, seed, step);
      await check(label, scenario, disk.snapshot().kill(seed), world, world.journal.length);
    } catch (cause) {
      if (cause instanceof BrokenPromise) throw cause;
      throw new BrokenPromise(`${String(cause)}\n  RELAY_EXPORT_CRASH='${label}'`, { cause });
    }
  }
  return states;
}

async function check(
  label: string,
  scenario: DeliveryScenario,
  disk: SimulatedDisk,
  world: DeliveryWorld,
  version: number,
  isNested = false,
): Promise<readonly DiskSnapshot[]> {
  const during: DiskSnapshot[] = [];
  try {
    if (isNested) disk.onEveryStep((snapshot) => void during.push(snapshot));
    await recover(disk);
    const places = checkPlaces(disk.files(), world, version);
    const afterRecovery = during.splice(0);
    if (scenario.isArchiving) checkArchive(disk.files(), world, places);
    const { stepsTaken } = disk;
    const before = namesOf(disk);
    await recover(disk);
    if (disk.stepsTaken !== stepsTaken && namesOf(disk) !== before) {
      throw new BrokenPromise('a second recovery changed something');
    }
    await deliverTheRest(scenario, disk, world, places);
    return afterRecovery;
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    const replay = `RELAY_EXPORT_CRASH='${label}' npx vitest run --project export-queue test/crash`;
    throw new BrokenPromise(`${what}\n  ${disk.describe()}\n  ${replay}`, { cause });
  }
}

async function recover(disk: SimulatedDisk): Promise<void> {
  const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock: new ManualClock() });
  const { problems } = await store.recover();
  if (problems[0]) throw new BrokenPromise(`recovery left ${problems[0].fileName}: ${problems[0].reason}`);
}

/** Delivered is what waited, once each, and nothing else; afterwards every event has one place. */
async function deliverTheRest(
  scenario: DeliveryScenario,
  disk: SimulatedDisk,
  world: DeliveryWorld,
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const clock = new ManualClock({ epochMs: DEFAULT_MANUAL_EPOCH_MS + LATER_MS });
  const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock });
  const sent: string[] = [];
  const uploader = new DeliveryWorld(() => 0);
  for (const segment of world.segments.values()) uploader.segments.set(segment.id, segment);
  const queue = new DiskExportQueue({
    store,
    clock,
    uploader: uploader.uploaderOf({ isAlive: true }, (id) => {
      sent.push(id);
      return { status: 'accepted' };
    }),
    ...(scenario.isArchiving ? { afterDelivery: { archiveDirectory: ARCHIVE } } : {}),
  });
  await queue.drain();
  await queue.close();
  const expected = [...places].flatMap(([id, place]) => (place === 'pending' ? [id] : [])).sort();
  if (sent.join() !== expected.join()) {
    throw new BrokenPromise(`sent after the crash: ${sent.join(' ')}, waiting were: ${expected.join(' ')}`);
  }
  const sums = await accountForSpool(store.spool);
  const eventsIn = (wanted: readonly Place[]): number =>
    [...places].reduce(
      (sum, [id, place]) => sum + (wanted.includes(place) ? (world.segments.get(id)?.eventCount ?? 0) : 0),
      0,
    );
  const dropped = Object.values(sums.dropped).reduce((sum, count) => sum + count, 0);
  const found = [sums.pending, sums.delivered, sums.quarantined, dropped, sums.lost, sums.repeated].join();
  const due = [
    eventsIn(['held']),
    eventsIn(['pending', 'delivered']),
    eventsIn(['quarantined']),
    eventsIn(['dropped']),
    0,
    0,
  ];
  if (found !== due.join()) throw new BrokenPromise(`accounts ${found} instead of ${due.join()}`);
}

async function whileTimePasses(clock: ManualClock, work: Promise<void>): Promise<void> {
  let isDone = false;
  const finish = (): void => {
    isDone = true;
  };
  work.then(finish, finish);
  await settle(1);
  while (!isDone) {
    clock.advance(CLOCK_STEP_MS);
    await settle(1);
  }
  await work;
}

function namesOf(disk: SimulatedDisk): string {
  return [...disk.files().keys()].sort().join();
}
