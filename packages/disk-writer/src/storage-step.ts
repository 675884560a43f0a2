import { isTransientStorageError, type RetryError, retry } from '@relaykit/retry';
import { systemCodeOf, toStorageError } from '@relaykit/segments';
import type { Clock, Logger, RetryPolicy, StorageOperation } from '@relaykit/types';

export interface StorageStepOptions {
  readonly operation: StorageOperation;
  readonly path: string;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
}

/**
 * Runs one step on the file system, again by policy where its failure may pass.
 *
 * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED` - with the path, the attempts and the cause.
 */
export async function storageStep<T>(options: StorageStepOptions, step: () => T | Promise<T>): Promise<T> {
  const { operation, path, policy, clock, logger } = options;
  try {
    return await retry(step, {
      policy,
      clock,
      isTransient: isTransientStorageError,
      onRetry: ({ attempts, cause }, delayMs) => {
        const facts = { operation, path, attempts, delayMs, systemCode: systemCodeOf(cause) };
        logger?.warn('storage is failing, trying again', facts);
      },
    });
  } catch (thrown) {
    // Without a signal, and with a listener that does not throw, giving up is the only way out.
    const { cause, attempts } = thrown as RetryError;
    throw toStorageError(cause, { operation, path, attempts });
  }
}
