import { optionInCommandTerms } from './in-command-terms.ts';

/** The command line is not right; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Makes something out of the command line's values; what its constructor refuses is wrong use, and no failure. */
export function fromArguments<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    // What it says in the words of the packages is said here: the cause adds nothing.
    throw new UsageError(optionInCommandTerms(cause.message));
  }
}
