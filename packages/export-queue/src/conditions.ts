import type { Clock } from '@relaykit/types';
import { untilAborted } from './until-aborted.ts';

/** `true`: go on. `hold`: nothing is sent for now, and why: `offline`, `metered`, `noConsent`. */
export type ConditionVerdict = true | { readonly hold: string };

/**
 * Asked before every upload, so it should be quick. A throw holds the queue, as nobody can say that it may send, and so does
 * an answer that does not come within `CONDITION_TIMEOUT_MS`.
 */
export type ExportCondition = () => ConditionVerdict | Promise<ConditionVerdict>;

/** Longer than any look at a network or a setting takes; a question that hangs for ever would stop the queue unseen. */
export const CONDITION_TIMEOUT_MS = 30_000;

export interface AskConditionsOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onFailure: (cause: unknown) => void;
}

/** The first reason not to send, if any. */
export async function askConditions(
  conditions: readonly ExportCondition[],
  { signal, clock, onFailure }: AskConditionsOptions,
): Promise<string | undefined> {
  for (const condition of conditions) {
    const limit = new AbortController();
    const timer = clock.setTimer(CONDITION_TIMEOUT_MS, () => limit.abort());
    try {
      const answer = untilAborted(Promise.resolve(condition()), limit.signal);
      const verdict = await untilAborted(answer, signal);
      if (verdict !== true) return typeof verdict?.hold === 'string' ? verdict.hold : 'a condition gave no answer';
    } catch (cause) {
      if (signal.aborted) return 'aborted';
      if (limit.signal.aborted) return 'a condition does not answer';
      onFailure(cause);
      return 'a condition failed';
    } finally {
      timer.cancel();
    }
  }
  return undefined;
}
