import { isRetryError, isTransientStorageError, retry } from '@relaykit/retry';
import { systemCodeOf, toStorageError } from '@relaykit/segments';
import {
  type Clock,
  isRelayError,
  type Logger,
  type RelayErrorFacts,
  type RetryPolicy,
  type StorageOperation,
} from '@relaykit/types';
import type { StepWatch } from './step-watch.ts';

export interface StorageStepOptions {
  readonly operation: StorageOperation;
  readonly path: string;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  /** Ends the waiting between attempts. */
  readonly signal?: AbortSignal | undefined;
  /** Told of further attempts. */
  readonly watch: StepWatch | undefined;
  /** What the step is about, for whoever counts it. */
  readonly load?: { readonly eventCount: number; readonly bytes: number };
}

/**
 * Runs one step on the file system, again by policy where its failure may pass.
 *
 * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED` - with the path, the attempts and the cause.
 */
export async function storageStep<T>(options: StorageStepOptions, step: () => T | Promise<T>): Promise<T> {
  const { operation, path, policy, clock, logger, signal, watch, load = { eventCount: 0, bytes: 0 } } = options;
  try {
    return await retry(step, {
      policy,
      clock,
      signal,
      isTransient: (cause) => isTransientStorageError({ code: codeOf(cause) }),
      onRetry: ({ attempts, cause }, delayMs) => {
        const facts = { operation, path, attempts, delayMs, systemCode: codeOf(cause) };
        logger?.warn('storage is failing, trying again', facts);
        watch?.retried({ operation, ...load });
      },
    });
  } catch (thrown) {
    if (!isRetryError(thrown)) throw thrown;
    const { cause, attempts } = thrown;
    // What was told by a step below keeps its place; only the attempts are known here.
    const inner = isRelayError(cause) && isStorageFacts(cause.facts) ? cause.facts : { operation, path };
    throw toStorageError(isRelayError(cause) && isStorageFacts(cause.facts) && cause.cause ? cause.cause : cause, {
      operation: inner.operation,
      path: inner.path,
      attempts,
    });
  }
}

/** The operating system's code, of an error that a step below has described already too. */
function codeOf(cause: unknown): string | undefined {
  return isRelayError(cause) && isStorageFacts(cause.facts) ? cause.facts.systemCode : systemCodeOf(cause);
}

function isStorageFacts(facts: object): facts is RelayErrorFacts['RELAY_STORAGE_FAILED'] {
  return 'systemCode' in facts && 'operation' in facts;
}
