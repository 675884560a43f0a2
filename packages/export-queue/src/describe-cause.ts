import { isRelayError } from '@relaykit/types';
import { MAX_LAST_ERROR_CHARS } from './export-state.ts';

/**
 * What may be written to disk and to logs about a failure. The messages of our own errors are made without payload and
 * credentials; of anybody else's only name and code are told, because their text may hold a token or a whole URL.
 */
export function describeCause(cause: unknown): string {
  return printable(isRelayError(cause) ? cause.message : nameAndCode(cause)).slice(0, MAX_LAST_ERROR_CHARS);
}

/** The operating system's or the client's code, looked for along the causes. */
export function systemCodeOf(cause: unknown): string | undefined {
  for (let error = cause, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/u.test(error.code))
      return error.code;
  }
  return undefined;
}

function nameAndCode(cause: unknown): string {
  if (!(cause instanceof Error)) return `a thrown ${cause === null ? 'null' : typeof cause}`;
  const name = /^[A-Za-z][A-Za-z0-9]{0,63}$/u.test(cause.name) ? cause.name : 'Error';
  const code = systemCodeOf(cause);
  return code === undefined ? name : `${name} (${code})`;
}

/** Control characters would let a server or a file name forge log lines. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
