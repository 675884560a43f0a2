/** `20261122T164058107Z-000000000001-k3f9q2m4xa`: UTC creation time, first sequence number, writer id. */
export const SEGMENT_ID_SOURCE = '\\d{8}T\\d{9}Z-\\d{12,16}-[0-9a-z]{10}';

const SEGMENT_ID = /^(\d{8}T\d{9}Z)-(\d{12,16})-([0-9a-z]{10})$/;
/** 9999-12-31T23:59:59.999Z, the last moment that four digits of year can name. */
export const LAST_NAMEABLE_MS = 253_402_300_799_999;
const WRITER_ID_LENGTH = 10;

/** What a segment id is made of. */
export interface SegmentIdParts {
  /** Milliseconds since the epoch, UTC; clamped to what four digits of year can name. */
  readonly createdAtMs: number;
  /** Sequence number of the first event among those of the writer, from 0. */
  readonly firstSequence: number;
  /** Ten characters of `0-9a-z`. */
  readonly writerId: string;
}

export function formatSegmentId({ createdAtMs, firstSequence, writerId }: SegmentIdParts): string {
  const time = new Date(clampTime(createdAtMs)).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${String(firstSequence).padStart(12, '0')}-${writerId}`;
}

/** `undefined` where the text is no segment id, an impossible date included. */
export function parseSegmentId(id: string): SegmentIdParts | undefined {
  const match = SEGMENT_ID.exec(id);
  if (!match) return undefined;
  const [, time = '', sequence = '', writerId = ''] = match;
  const createdAtMs = parseTime(time);
  const firstSequence = Number(sequence);
  if (createdAtMs === undefined || !Number.isSafeInteger(firstSequence)) return undefined;
  return { createdAtMs, firstSequence, writerId };
}

/** `YYYYMMDDTHHMMSSmmmZ`. By its numbers: `Date.parse` and back took most of the time of listing a large spool. */
function parseTime(time: string): number | undefined {
  const [year, month, day] = [Number(time.slice(0, 4)), Number(time.slice(4, 6)), Number(time.slice(6, 8))];
  const [hour, minute, second] = [Number(time.slice(9, 11)), Number(time.slice(11, 13)), Number(time.slice(13, 15))];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // 31 June would become 1 July; an id must name one moment only.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(hour, minute, second, Number(time.slice(15, 18)));
}

/** A random writer id. A million writers of one spool share an id with a probability of about 1 in 7,000. */
export function createWriterId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(WRITER_ID_LENGTH * 4));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: WRITER_ID_LENGTH }, (_, index) => (view.getUint32(index * 4) % 36).toString(36)).join('');
}

export function clampTime(epochMs: number): number {
  return Number.isFinite(epochMs) ? Math.min(Math.max(Math.floor(epochMs), 0), LAST_NAMEABLE_MS) : 0;
}
