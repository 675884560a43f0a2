import type { UnserializableReason } from '@relaykit/types';
import { unserializable } from './event-errors.ts';
import { isTooDeep } from './nesting.ts';

/**
 * The event as `JSON.stringify` writes it: one line, since line breaks inside strings are escaped, and well-formed, since
 * lone surrogates are too (ECMA-262, `QuoteJSONString`).
 *
 * @throws RelayError `RELAY_EVENT_UNSERIALIZABLE`
 */
export function stringifyEvent(event: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(event);
  } catch (cause) {
    throw unserializable(reasonOf(cause), { cause });
  }
  if (text === undefined) throw unserializable('undefined');
  if (isTooDeep(text)) throw unserializable('tooDeep');
  return text;
}

/** Engines tell these failures apart only in words: V8, JavaScriptCore and SpiderMonkey in turn. */
function reasonOf(cause: unknown): UnserializableReason {
  try {
    if (!(cause instanceof Error)) return 'throws';
    const { name, message } = cause;
    if (name === 'TypeError' && /\bBigInt\b/u.test(message)) return 'bigint';
    if (name === 'TypeError' && /circular structure|cyclic structures|cyclic object/u.test(message)) return 'cycle';
    if (/call stack size|too much recursion/u.test(message)) return 'tooDeep';
  } catch {
    // What an event throws may itself throw when looked at.
  }
  return 'throws';
}
