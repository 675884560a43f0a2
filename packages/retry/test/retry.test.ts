import { getEventListeners } from 'node:events';
import { customRetry, exponentialBackoff, noRetry, RetryError, type RetryOptions, retry } from '@relaykit/retry';
import { ManualClock, settle } from '@relaykit/testing';
import { describe, expect, it, vi } from 'vitest';

const steady = exponentialBackoff({ maxAttempts: 4, initialDelayMs: 10, maxDelayMs: 1_000, jitter: 'none' });

/** Starts a call, and takes down how it ends without waiting for it. */
function start<T>(operation: () => T | Promise<T>, options: Partial<RetryOptions> = {}) {
  const clock = new ManualClock({ monotonicMs: 5_000 });
  const calls = vi.fn(operation);
  const result = retry(calls, { policy: steady, clock, ...options });
  const end = result.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  return { clock, calls, result, end };
}

function failing(times: number, cause: unknown = new Error('busy')): () => string {
  let left = times;
  return () => {
    left -= 1;
    if (left >= 0) throw cause;
    return 'done';
  };
}

describe('attempts', () => {
  it('end with the first that succeeds', async () => {
    const { clock, calls, result } = start(failing(0));
    await expect(result).resolves.toBe('done');
    expect(calls).toHaveBeenCalledTimes(1);
    expect(clock.pendingTimers).toEqual([]);
  });

  it('follow each other after the waits of the policy, each told its number', async () => {
    const { clock, calls, result } = start(failing(3));
    const seen: number[] = [];
    for (const delayMs of [10, 20, 40]) {
      await settle();
      expect(clock.pendingTimers).toEqual([{ dueInMs: delayMs, keepsProcessAlive: true }]);
      await clock.advanceAsync(delayMs - 1);
      seen.push(calls.mock.calls.length);
      await clock.advanceAsync(1);
    }
    await expect(result).resolves.toBe('done');
    expect(seen).toEqual([1, 2, 3]);
    expect(calls.mock.calls).toEqual([1, 2, 3, 4].map((attempt) => [{ attempt, signal: undefined }]));
  });

  it('may be asynchronous, and do not overlap', async () => {
    let running = 0;
    let most = 0;
    const fail = failing(2);
    const { clock, result } = start(async () => {
      running += 1;
      most = Math.max(most, running);
      await settle();
      running -= 1;
      return fail();
    });
    await clock.advanceAsync(10);
    await clock.advanceAsync(20);
    await clock.advanceAsync(0);
    await expect(result).resolves.toBe('done');
    expect(most).toBe(1);
  });

  it('draw their jitter from the given source', async () => {
    const policy = exponentialBackoff({ initialDelayMs: 100, maxDelayMs: 1_000 });
    const { clock } = start(failing(1), { policy, random: () => 0.25 });
    await settle();
    expect(clock.pendingTimers).toEqual([{ dueInMs: 25, keepsProcessAlive: true }]);
  });

  it('need not keep the process alive', async () => {
    const { clock } = start(failing(1), { keepsProcessAlive: false });
    await settle();
    expect(clock.pendingTimers).toEqual([{ dueInMs: 10, keepsProcessAlive: false }]);
  });

  it('are announced before each wait', async () => {
    const cause = new Error('busy');
    const onRetry = vi.fn();
    const { clock, result } = start(failing(2, cause), { onRetry });
    await clock.advanceAsync(10);
    await clock.advanceAsync(20);
    await result;
    expect(onRetry.mock.calls).toEqual([
      [{ attempts: 1, elapsedMs: 0, cause }, 10],
      [{ attempts: 2, elapsedMs: 10, cause }, 20],
    ]);
  });

  it('end where announcing one throws', async () => {
    const thrown = new Error('logger');
    const onRetry = () => {
      throw thrown;
    };
    const { clock, end } = start(failing(1), { onRetry });
    expect(await end).toEqual({ thrown });
    expect(clock.pendingTimers).toEqual([]);
  });
});

describe('giving up', () => {
  it('tells attempts, time and the last cause', async () => {
    const causes = [new Error('first'), new Error('second')];
    const policy = exponentialBackoff({ maxAttempts: 2, initialDelayMs: 10, maxDelayMs: 10, jitter: 'none' });
    let call = 0;
    const { clock, end } = start(
      () => {
        throw causes[call++];
      },
      { policy },
    );
    await clock.advanceAsync(10);
    const { thrown } = (await end) as { thrown: RetryError };
    expect(thrown).toBeInstanceOf(RetryError);
    expect(thrown).toMatchObject({ reason: 'attemptsExhausted', attempts: 2, elapsedMs: 10 });
    expect(thrown.cause).toBe(causes[1]);
    expect(clock.pendingTimers).toEqual([]);
  });

  it('comes at once without retries', async () => {
    const { end } = start(failing(1), { policy: noRetry });
    expect(await end).toMatchObject({ thrown: { reason: 'attemptsExhausted', attempts: 1 } });
  });

  it('comes at once where another attempt cannot help', async () => {
    const cause = new Error('denied');
    const isTransient = vi.fn(() => false);
    const { calls, end } = start(failing(9, cause), { isTransient });
    expect(await end).toMatchObject({ thrown: { reason: 'notTransient', attempts: 1, cause } });
    expect(isTransient.mock.calls).toEqual([[cause]]);
    expect(calls).toHaveBeenCalledTimes(1);
  });

  it('goes on where another attempt may help', async () => {
    const { clock, result } = start(failing(1), { isTransient: () => true });
    await clock.advanceAsync(10);
    await expect(result).resolves.toBe('done');
  });

  it('keeps the cause where the policy itself fails', async () => {
    const cause = new Error('busy');
    const policyFailure = new Error('bug in the policy');
    const policy = customRetry(() => {
      throw policyFailure;
    });
    const { end } = start(failing(9, cause), { policy });
    expect(await end).toMatchObject({ thrown: { reason: 'policyFailed', attempts: 1, cause, policyFailure } });
  });

  it('keeps the cause where the policy answers nonsense', async () => {
    const cause = new Error('busy');
    const { end } = start(failing(9, cause), { policy: customRetry(() => Number.NaN) });
    expect(await end).toMatchObject({
      thrown: { reason: 'policyFailed', cause, policyFailure: expect.any(TypeError) },
    });
  });

  it('keeps the cause where isTransient fails', async () => {
    const policyFailure = new Error('bug');
    const isTransient = () => {
      throw policyFailure;
    };
    const { end } = start(failing(9), { isTransient });
    expect(await end).toMatchObject({ thrown: { reason: 'policyFailed', policyFailure } });
  });

  it('does not take a RetryError that a policy throws for its own', async () => {
    const policyFailure = new RetryError({ reason: 'notTransient', attempts: 77, elapsedMs: 0 }, 'elsewhere');
    const policy = customRetry(() => {
      throw policyFailure;
    });
    const { end } = start(failing(9), { policy });
    expect(await end).toMatchObject({ thrown: { reason: 'policyFailed', attempts: 1, policyFailure } });
  });
});

describe('an abort', () => {
  const reason = new Error('closing');

  it('before the first attempt leaves the operation alone', async () => {
    const { calls, end } = start(failing(0), { signal: AbortSignal.abort(reason) });
    expect(await end).toEqual({ thrown: reason });
    expect(calls).not.toHaveBeenCalled();
  });

  it('ends a wait at once, and leaves neither timer nor listener', async () => {
    const controller = new AbortController();
    const { clock, calls, end } = start(failing(9), { signal: controller.signal });
    await settle();
    expect(clock.pendingTimers).toHaveLength(1);
    controller.abort(reason);
    expect(await end).toEqual({ thrown: reason });
    expect(calls).toHaveBeenCalledTimes(1);
    expect(clock.pendingTimers).toEqual([]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('that never comes leaves no listener either', async () => {
    const { signal } = new AbortController();
    const { clock, result } = start(failing(2), { signal });
    await clock.advanceAsync(10);
    await clock.advanceAsync(20);
    await result;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('during an attempt that succeeds changes nothing', async () => {
    const controller = new AbortController();
    const { result } = start(
      () => {
        controller.abort(reason);
        return 'done';
      },
      { signal: controller.signal },
    );
    await expect(result).resolves.toBe('done');
  });

  it('during an attempt that fails ends the call with its reason', async () => {
    const controller = new AbortController();
    const { clock, end } = start(
      () => {
        controller.abort(reason);
        throw new Error('busy');
      },
      { signal: controller.signal },
    );
    expect(await end).toEqual({ thrown: reason });
    expect(clock.pendingTimers).toEqual([]);
  });

  it('while the retry is announced leaves no timer', async () => {
    const controller = new AbortController();
    const onRetry = () => controller.abort(reason);
    const { clock, end } = start(failing(9), { signal: controller.signal, onRetry });
    expect(await end).toEqual({ thrown: reason });
    expect(clock.pendingTimers).toEqual([]);
  });
});
