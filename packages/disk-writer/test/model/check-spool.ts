// The promises, checked on the spool as any reader finds it.
import { accountForSpool, readSpool, Spool } from '@relaykit/segments';
import type { RelayError } from '@relaykit/types';
import type { ListedEvent } from './event-list.ts';
import { SPOOL, type SpoolWorld, serializer } from './spool-world.ts';

/** What happened since the last look. */
export type Since = 'running' | 'kill' | 'powerCut' | 'close' | 'reopen';

/** @throws Error - a promise is broken; the message says which, and by what. */
export async function checkSpool(world: SpoolWorld, since: Since): Promise<void> {
  world.noteDropped();
  // Not founded yet, and looking must not found it.
  if (world.linesAt(`${SPOOL}/spool.json`).length < 2) return;
  const spool = Spool.openSync({ directory: SPOOL, fileSystem: world.observer(), clock: world.clock });
  const { records } = await spool.ledger.content();
  const places = new Map<string, string>();
  const order: ListedEvent[] = [];
  const damage: RelayError[] = [];
  const onDamage = (error: RelayError): void => void damage.push(error);
  const reading = { serializers: [serializer], fileSystem: world.observer(), onDamage };
  for await (const { event: text, segmentId } of readSpool<string>(SPOOL, reading)) {
    // Recorded and not yet moved: the record counts.
    if (records.has(segmentId)) continue;
    order.push(put(world, places, text, segmentId));
  }
  if (damage.length > 0 && !world.hasDropped) throw new Error('damaged without a cause', { cause: damage[0] });
  const waiting = places.size;
  for (const id of world.dropped) if (!records.has(id)) throw new Error(`said to be dropped, and not recorded: ${id}`);
  for (const { id, outcome, eventCount } of records.values()) {
    // What recovery sets aside as damaged has its events in another segment.
    if (eventCount === 0) continue;
    const lines = world.leaving.get(id);
    if (lines?.length !== eventCount) {
      throw new Error(
        `${outcome} with ${eventCount} events, and it held ${lines?.length ?? 'nobody knows what'}: ${id}`,
      );
    }
    for (const text of lines) put(world, places, text, `the ledger, ${outcome}`);
  }
  const isLeaving = textsOnTheirWay(world, new Set(records.keys()));
  checkEvents(world, places, isLeaving, since);
  if (since === 'kill' || since === 'powerCut') checkWhole(world, places);
  checkOrder(order);
  await checkAccounts(world, spool, { places, waiting, since, leaving: isLeaving.size });
}

function put(world: SpoolWorld, places: Map<string, string>, text: string, place: string): ListedEvent {
  const event = world.list.byText.get(text);
  if (!event) throw new Error(`invented: ${text} in ${place}`);
  const other = places.get(text);
  if (other !== undefined) throw new Error(`repeated: ${text} in ${other} and in ${place}`);
  places.set(text, place);
  return event;
}

/**
 * Events of segments whose removal has begun and is not recorded yet, and of those that have moved after a failed sync and
 * wait for their name.
 */
function textsOnTheirWay(world: SpoolWorld, recorded: ReadonlySet<string>): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const path of world.disk.files().keys()) {
    const id = path.slice(SPOOL.length + 1).split('.')[0] ?? '';
    if (!path.endsWith('.gone') || recorded.has(id)) continue;
    for (const text of world.leaving.get(id) ?? []) texts.add(text);
  }
  for (const path of world.disk.files().keys()) {
    if (path.endsWith('.salvage')) for (const text of world.linesAt(path)) texts.add(text);
  }
  return texts;
}

function checkEvents(
  world: SpoolWorld,
  places: ReadonlyMap<string, string>,
  isLeaving: ReadonlySet<string>,
  since: Since,
): void {
  const hasCrashed = since === 'kill' || since === 'powerCut';
  for (const [text, event] of world.list.byText) {
    const place = places.get(text);
    if (place !== undefined) {
      if (event.state === 'absent') throw new Error(`came back: ${text} in ${place}`);
      const mustBeCut = (since === 'close' || since === 'reopen') && !world.isUncertain;
      if (event.state === 'refused' && mustBeCut) throw new Error(`refused and stored: ${text} in ${place}`);
      if (hasCrashed) {
        // Recovery has sealed it, synced.
        event.state = 'kept';
        event.survives = 'synced';
        event.isDropped = false;
      }
      continue;
    }
    if (event.state === 'kept' && !isLeaving.has(text)) {
      // What the exit path writes right behind dropped bytes forms one unreadable line with them.
      const isBehindDropped = world.hasExited && world.hasDropped && event.survives === 'written';
      const mayBeLost = event.isDropped || isBehindDropped || (since === 'powerCut' && event.survives === 'written');
      if (!mayBeLost) {
        throw new Error(
          `lost: ${text}, acknowledged as ${event.survives}, number ${event.sequence} in ${event.segmentId}`,
        );
      }
    }
    if (hasCrashed && !isLeaving.has(text)) event.state = 'absent';
  }
}

/** An atomic batch is there whole or not at all. */
function checkWhole(world: SpoolWorld, places: ReadonlyMap<string, string>): void {
  // The exit path answers for a flush under way, so its file counts as it is from then on, also where a failed sync drops
  // a page of it.
  if (world.hasExited && world.hasDropped) return;
  for (const { batch, text } of world.list.byText.values()) {
    if (!batch.isWhole || batch.events[0]?.text !== text) continue;
    const found = batch.events.filter((event) => places.has(event.text)).length;
    if (found !== 0 && found !== batch.events.length) {
      throw new Error(`torn: ${found} of ${batch.events.length} events of an atomic batch, ${text}`);
    }
  }
}

/** Names sort by creation, so a writer's events are read in the order in which they were numbered. */
function checkOrder(order: readonly ListedEvent[]): void {
  const last = new Map<string, ListedEvent>();
  for (const event of order) {
    if (event.sequence < 0) continue;
    const before = last.get(event.writerId);
    if (before && before.sequence >= event.sequence) {
      throw new Error(`out of order: number ${event.sequence} behind ${before.sequence}, ${event.text}`);
    }
    last.set(event.writerId, event);
  }
}

async function checkAccounts(
  world: SpoolWorld,
  spool: Spool,
  seen: {
    readonly places: ReadonlyMap<string, string>;
    readonly waiting: number;
    readonly since: Since;
    readonly leaving: number;
  },
): Promise<void> {
  const { places, waiting, since, leaving } = seen;
  const accounts = await accountForSpool(spool);
  if (accounts.repeated !== 0) throw new Error(`${accounts.repeated} numbers stand in two places`);
  if (accounts.unsealedFiles > 0) {
    const unsealed = [...world.disk.files()].filter(([path]) => path.endsWith('.open') || path.endsWith('.atomic'));
    // An empty file that the disk refused to remove is removed by the next recovery.
    const mayBeLeft =
      since === 'running' || (since === 'close' && unsealed.every(([, { byteLength }]) => byteLength === 0));
    if (!mayBeLeft) throw new Error(`${accounts.unsealedFiles} files are left unsealed`);
    return;
  }
  if (accounts.pending !== waiting) throw new Error(`${accounts.pending} events pending, ${waiting} to be read`);
  const missing = [...world.list.byText.values()].filter(
    ({ state, isDropped, text }) => state === 'absent' || state === 'refused' || isDropped || !places.has(text),
  ).length;
  // A removal that failed half way is finished, and recorded, by the next recovery.
  if (accounts.lost > missing + leaving) {
    throw new Error(`${accounts.lost} numbers are lost, and ${missing} events are missing`);
  }
}
