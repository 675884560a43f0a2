import type { SegmentInfo } from '@relaykit/types';

/** One token: no dots, no wildcards, no spaces; what lies outside ASCII is discouraged by NATS. */
const TOKEN = /^(?:(?![.*>])[\x21-\x7e])+$/u;

const PLACEHOLDER = /\{([a-zA-Z]+)\}/gu;

const FILLERS: Readonly<Record<string, (info: SegmentInfo) => string>> = {
  spoolId: ({ metadata }) => metadata.spoolId,
  writerId: ({ writerId }) => writerId,
  segmentId: ({ id }) => id,
  format: ({ metadata }) => metadata.format.name,
};

/**
 * Tokens with dots between them, such as `relay.{spoolId}.{writerId}`. Placeholders: `{spoolId}`, `{writerId}`,
 * `{segmentId}`, `{format}`.
 *
 * @throws TypeError - naming the rule.
 */
export function checkSubject(template: string): string {
  const say = (rule: string): TypeError => new TypeError(`subject must ${rule}, got '${String(template)}'`);
  if (typeof template !== 'string' || template === '') throw say('be a text');
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  const unknown = names.find((name) => !Object.hasOwn(FILLERS, name));
  if (unknown !== undefined) throw say(`know only {${Object.keys(FILLERS).join('}, {')}}`);
  const filled = template.replaceAll(PLACEHOLDER, 'x');
  if (!filled.split('.').every((token) => TOKEN.test(token)) || /[{}]/u.test(filled)) {
    throw say('be tokens of printable ASCII without * > { }, with single dots between them');
  }
  // $JS and $SYS are the server's own.
  if (template.startsWith('$')) throw say('not begin with $');
  return template;
}

/** @throws TypeError - the segment's metadata holds something that no subject may hold. */
export function subjectOf(template: string, info: SegmentInfo): string {
  return template.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = FILLERS[name]?.(info);
    if (typeof value !== 'string' || !TOKEN.test(value)) {
      throw new TypeError(`its ${name} must be printable ASCII without . * > to stand in a subject`);
    }
    return value;
  });
}
