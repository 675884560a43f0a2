import { untilAborted } from './until-aborted.ts';

/** `true`: go on. `hold`: nothing is sent for now, and why: `offline`, `metered`, `noConsent`. */
export type ConditionVerdict = true | { readonly hold: string };

/** Asked before every upload, so it should be quick. A throw holds the queue, as nobody can say that it may send. */
export type ExportCondition = () => ConditionVerdict | Promise<ConditionVerdict>;

/** The first reason not to send, if any. */
export async function askConditions(
  conditions: readonly ExportCondition[],
  signal: AbortSignal,
  onFailure: (cause: unknown) => void,
): Promise<string | undefined> {
  for (const condition of conditions) {
    try {
      const verdict = await untilAborted(Promise.resolve(condition()), signal);
      if (verdict !== true) return typeof verdict?.hold === 'string' ? verdict.hold : 'a condition gave no answer';
    } catch (cause) {
      if (signal.aborted) return 'aborted';
      onFailure(cause);
      return 'a condition failed';
    }
  }
  return undefined;
}
