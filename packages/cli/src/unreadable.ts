import { describeError } from './describe-error.ts';
import type { Finding } from './findings.ts';
import { isSystemFailure } from './system-failure.ts';

/** Of a file that the system does not open or read. */
export function unreadable(file: string, cause: unknown): Finding {
  return { severity: 'unchecked', code: 'unreadable', file, message: `cannot be read: ${describeError(cause)}` };
}

/** What was found in a file, up to where the system refused to read on: one file must not end the look at the others. */
export async function* orUnreadable(file: string, found: AsyncGenerator<Finding>): AsyncGenerator<Finding> {
  try {
    yield* found;
  } catch (cause) {
    if (!isSystemFailure(cause)) throw cause;
    yield unreadable(file, cause);
  }
}
