import { untilAborted } from '@relaykit/export-queue/uploader-kit';
import type { Clock } from '@relaykit/types';

/** What was waited for took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
  readonly code = 'ETIMEDOUT';
}

export interface WithinTimeOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** @throws TimeLimitError after `timeoutMs`; the signal's reason when aborted. */
export async function withinTime<T>(promise: Promise<T>, { clock, timeoutMs, signal }: WithinTimeOptions): Promise<T> {
  const limit = new AbortController();
  const onAbort = (): void => limit.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const expire = (): void => limit.abort(new TimeLimitError(`no answer within ${timeoutMs} ms`));
  const timer = clock.setTimer(timeoutMs, expire, { keepsProcessAlive: true });
  try {
    return await untilAborted(promise, limit.signal);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}
