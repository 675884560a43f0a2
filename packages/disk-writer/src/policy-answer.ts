/** A policy's own word becomes a member of the metadata, for people to read: a name, not a text. */
export const MAX_REASON_LENGTH = 100;

/**
 * Checks what a policy in plain JavaScript answered.
 *
 * @throws TypeError - it is neither a word nor `undefined`; `false` would be written down as the reason.
 */
export function checkReason(answer: unknown): string | undefined {
  if (answer === undefined) return undefined;
  if (typeof answer === 'string' && answer !== '' && answer.length <= MAX_REASON_LENGTH) return answer;
  const got = typeof answer === 'string' ? `${answer.length} characters` : String(answer);
  throw new TypeError(
    `shouldRotate must return a reason of 1 to ${MAX_REASON_LENGTH} characters, or undefined, got ${got}`,
  );
}

/** @throws TypeError - it is neither a number of milliseconds nor `undefined`. */
export function checkDelay(answer: unknown): number | undefined {
  if (answer === undefined || answer === Number.POSITIVE_INFINITY) return undefined;
  if (typeof answer === 'number' && !Number.isNaN(answer)) return answer;
  throw new TypeError(`nextCheckMs must return a number of milliseconds, or undefined, got ${String(answer)}`);
}
