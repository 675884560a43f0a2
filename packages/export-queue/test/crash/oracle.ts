// Where the segments of a spool are, read by the documented layout alone, and whether they may be there.
import { createHash } from 'node:crypto';
import type { FilesByPath } from '@relaykit/testing';
import { BrokenPromise, type DeliveryWorld, type Place } from './delivery-world.ts';

export const SPOOL = '/spool';
export const ARCHIVE = '/archive';

const SEGMENT = /^(\d{8}T\d{9}Z-\d{12}-[0-9a-z]{10})\.(.+)$/u;
const OURS = new Set(['spool.json', 'ledger.ndjson', 'ledger.lock']);

interface LedgerLine {
  readonly kind: string;
  readonly id: string;
  readonly outcome: Place;
  readonly from?: string;
  readonly eventCount: number;
}

/** @throws BrokenPromise - a segment is nowhere, in two places, changed, or where nobody may have put it. */
export function checkPlaces(files: FilesByPath, world: DeliveryWorld, version: number): ReadonlyMap<string, Place> {
  const ledger = readLedger(textOf(files.get(`${SPOOL}/ledger.ndjson`)));
  const places = new Map<string, Place>();
  const allowed = world.placesAt(version);
  const accepted = new Set(world.acceptedAt(version));
  checkNames(files);
  for (const { id, text, eventCount } of world.segments.values()) {
    const waiting = files.get(`${SPOOL}/${id}.ndjson`);
    const quarantined = files.get(`${SPOOL}/quarantine/${id}.ndjson`);
    const record = ledger.get(id);
    if (waiting && quarantined) throw new BrokenPromise(`in two places: ${id}`);
    if (waiting && record) throw new BrokenPromise(`waiting although the ledger has it as ${record.outcome}: ${id}`);
    if (quarantined && record?.outcome !== 'quarantined') {
      throw new BrokenPromise(`in quarantine although the ledger has it as ${record?.outcome}: ${id}`);
    }
    if (!waiting && !quarantined && (!record || record.outcome === 'quarantined')) {
      throw new BrokenPromise(`nowhere: ${id}, and the ledger says ${record?.outcome}`);
    }
    if (record && record.eventCount !== eventCount) throw new BrokenPromise(`recorded with other numbers: ${id}`);
    const content = waiting ?? quarantined;
    if (content && textOf(content) !== text) throw new BrokenPromise(`changed: ${id}`);
    const metadata = waiting ? checkMetadata(files.get(`${SPOOL}/${id}.meta.json`), id, text) : undefined;
    const place = metadata ? (metadata.exportReady ? 'pending' : 'held') : (record?.outcome ?? 'dropped');
    const mayBe = allowed.get(id)?.has(place) || (place === 'delivered' && accepted.has(id));
    if (!mayBe) throw new BrokenPromise(`${place}, and may be ${[...(allowed.get(id) ?? [])].join(' or ')}: ${id}`);
    places.set(id, place);
  }
  return places;
}

/** @throws BrokenPromise - something was delivered, and its copy is not there. */
export function checkArchive(files: FilesByPath, world: DeliveryWorld, places: ReadonlyMap<string, Place>): void {
  for (const { id, text } of world.segments.values()) {
    if (places.get(id) !== 'delivered') continue;
    if (textOf(files.get(`${ARCHIVE}/${id}.ndjson`)) !== text)
      throw new BrokenPromise(`delivered, not archived: ${id}`);
    if (!files.has(`${ARCHIVE}/${id}.meta.json`)) throw new BrokenPromise(`archived without metadata: ${id}`);
  }
}

function checkNames(files: FilesByPath): void {
  for (const path of files.keys()) {
    if (!path.startsWith(`${SPOOL}/`)) continue;
    const [directory, name] = path.startsWith(`${SPOOL}/quarantine/`)
      ? [`${SPOOL}/quarantine`, path.slice(`${SPOOL}/quarantine/`.length)]
      : [SPOOL, path.slice(SPOOL.length + 1)];
    if (directory === SPOOL && OURS.has(name)) continue;
    const [, id, rest] = SEGMENT.exec(name) ?? [];
    const isBeside = rest === 'meta.json' || (rest === 'export.json' && directory === SPOOL);
    if (rest !== 'ndjson' && !isBeside) throw new BrokenPromise(`left behind: ${path}`);
    if (isBeside && !files.has(`${directory}/${id}.ndjson`)) {
      throw new BrokenPromise(`left behind without its segment: ${path}`);
    }
  }
}

function checkMetadata(bytes: Uint8Array | undefined, id: string, text: string): { readonly exportReady: boolean } {
  if (!bytes) throw new BrokenPromise(`without metadata: ${id}`);
  const metadata = JSON.parse(textOf(bytes));
  if (metadata.id !== id || metadata.sha256 !== createHash('sha256').update(text).digest('hex')) {
    throw new BrokenPromise(`metadata of something else: ${id}`);
  }
  return metadata;
}

/** The first record of a segment counts, unless it came back from quarantine or was removed from there. */
function readLedger(text: string): ReadonlyMap<string, LedgerLine> {
  const ledger = new Map<string, LedgerLine>();
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const value = parse(line);
    if (!value) continue;
    const isQuarantined = ledger.get(value.id)?.outcome === 'quarantined';
    if (value.kind === 'requeued' && isQuarantined) ledger.delete(value.id);
    if (value.kind !== 'segment') continue;
    if (!ledger.has(value.id) || (isQuarantined && value.from === 'quarantine')) ledger.set(value.id, value);
  }
  return ledger;
}

function parse(line: string): LedgerLine | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes ? new TextDecoder().decode(bytes) : '';
}
