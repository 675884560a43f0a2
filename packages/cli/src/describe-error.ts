import { stripVTControlCharacters } from 'node:util';
import { withoutControls } from './control-characters.ts';

/** Longest text taken from one error, in characters: a server's words may be long. */
const maxTextLength = 500;

/** One line for a person: the message and those of its causes that add something. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  for (let cause = error, depth = 0; cause !== undefined && depth < 5; depth += 1) {
    const text = printable(cause instanceof Error ? cause.message || cause.name : String(cause));
    if (!messages.some((message) => message.includes(text))) messages.push(text);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  // A sentence that goes on with its cause has not ended.
  return messages.map((text, index) => (index < messages.length - 1 ? text.replace(/\.$/u, '') : text)).join(': ');
}

/** Keeps control characters, which could move the cursor, forge a line or turn its direction, out of what is printed. */
export function printable(text: string): string {
  const oneLine = withoutControls(stripVTControlCharacters(text));
  return oneLine.length > maxTextLength ? `${oneLine.slice(0, maxTextLength)}…` : oneLine;
}
