import type { SegmentInfo } from '@relaykit/types';

/** One object per segment; a day is what most tools partition by. */
export const DEFAULT_KEY_TEMPLATE = '{date}/{segmentId}.{extension}';

/** Longest key of S3, in bytes ("Naming Amazon S3 objects"). */
export const MAX_KEY_BYTES = 1_024;

/** What a template may say beside placeholders: S3's "safe characters", without those that need escaping somewhere. */
const LITERAL = /^[A-Za-z0-9/!_.*'()=-]*$/u;

/** What a placeholder may become: no slash, nothing to escape. */
const VALUE = /^[A-Za-z0-9_.-]+$/u;

const PLACEHOLDER = /\{([a-zA-Z]+)\}/gu;

const FILLERS: Readonly<Record<string, (info: SegmentInfo) => string>> = {
  date: ({ createdAtMs }) => isoAt(createdAtMs).slice(0, 10),
  year: ({ createdAtMs }) => isoAt(createdAtMs).slice(0, 4),
  month: ({ createdAtMs }) => isoAt(createdAtMs).slice(5, 7),
  day: ({ createdAtMs }) => isoAt(createdAtMs).slice(8, 10),
  hour: ({ createdAtMs }) => isoAt(createdAtMs).slice(11, 13),
  segmentId: ({ id }) => id,
  extension: ({ fileExtension }) => fileExtension,
  spoolId: ({ metadata }) => metadata.spoolId,
  writerId: ({ writerId }) => writerId,
};

/**
 * Placeholders: `{date}` (2026-11-22), `{year}`, `{month}`, `{day}`, `{hour}` of the segment's creation in UTC,
 * `{segmentId}`, `{extension}`, `{spoolId}`, `{writerId}`. The key of a segment is the same in every attempt and process.
 *
 * @throws TypeError - naming the rule.
 */
export function checkKeyTemplate(template: string): string {
  const say = (rule: string): TypeError => new TypeError(`keyTemplate must ${rule}, got '${String(template)}'`);
  if (typeof template !== 'string' || template === '') throw say('be a text');
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  const unknown = names.find((name) => !Object.hasOwn(FILLERS, name));
  if (unknown !== undefined) throw say(`know only {${Object.keys(FILLERS).join('}, {')}}`);
  // Two segments under one key would mean one of them.
  if (!names.includes('segmentId')) throw say('hold {segmentId}');
  if (!LITERAL.test(template.replaceAll(PLACEHOLDER, ''))) throw say("hold letters, digits and /!_.*'()=- alone");
  if (!isSafePath(template.replaceAll(PLACEHOLDER, 'x'))) throw say('have no empty, . or .. part between slashes');
  return template;
}

/** @throws TypeError - the segment's metadata holds something that no key may hold. */
export function objectKey(template: string, info: SegmentInfo): string {
  const key = template.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = FILLERS[name]?.(info);
    if (typeof value !== 'string' || !VALUE.test(value)) {
      throw new TypeError(`its ${name} must hold letters, digits and _.- alone to stand in a key`);
    }
    return value;
  });
  if (!isSafePath(key)) throw new TypeError('its key would have an empty, . or .. part');
  if (new TextEncoder().encode(key).byteLength > MAX_KEY_BYTES) {
    throw new TypeError(`its key would be longer than ${MAX_KEY_BYTES} bytes`);
  }
  return key;
}

function isoAt(createdAtMs: number): string {
  const at = new Date(createdAtMs);
  if (Number.isNaN(at.getTime())) throw new TypeError('its creation time must be a time');
  return at.toISOString();
}

/** Parts such as `..` are what URL parsers and file systems behind gateways resolve, to other places. */
function isSafePath(key: string): boolean {
  return key.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
