import type { RotationPolicy } from '@relaykit/types';

/**
 * Ends a segment as soon as one of several policies says so. The reason is that of the first in order; the next check is
 * the earliest that any of them asks for.
 *
 * @throws TypeError - no policy was passed, or something that is none.
 */
export function rotateWhenAny(...policies: readonly RotationPolicy[]): RotationPolicy {
  if (policies.length === 0) throw new TypeError('rotateWhenAny needs at least one policy, got none');
  policies.forEach((policy, index) => {
    if (typeof policy?.shouldRotate === 'function') return;
    throw new TypeError(`rotateWhenAny: argument ${index} must be a rotation policy, with a method shouldRotate`);
  });
  return {
    shouldRotate(segment, now) {
      for (const policy of policies) {
        const reason = policy.shouldRotate(segment, now);
        if (reason !== undefined) return reason;
      }
      return undefined;
    },
    nextCheckMs(segment, now) {
      let earliestMs: number | undefined;
      for (const policy of policies) {
        const checkMs = policy.nextCheckMs?.(segment, now);
        if (checkMs !== undefined && (earliestMs === undefined || checkMs < earliestMs)) earliestMs = checkMs;
      }
      return earliestMs;
    },
  };
}
