import { isRelayError } from '@relaykit/types';

/** Gives an error of the packages below the words of the command line: its options instead of theirs. */
export function inCommandTerms(error: unknown): unknown {
  if (isRelayError(error, 'RELAY_SPOOL_UNSAFE')) {
    return new Error(error.message.replace('allowUnsafeDirectory: true', '--allow-unsafe-directory'));
  }
  if (isRelayError(error, 'RELAY_STORAGE_FULL') && error.facts.systemCode === 'RELAY_RETENTION') {
    return new Error(
      `The spool ${error.facts.path} has reached its limits; all that was acknowledged stays. Deliver it with relay ` +
        'export, raise --max-spool-bytes, or let the oldest events go with --when-full drop-oldest.',
    );
  }
  return error;
}
