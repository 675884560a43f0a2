import { LINE_FEED } from './json-lines-format.ts';
import { isTooDeep } from './nesting.ts';

/** Fatal, since a lenient decoder invents U+FFFD; a byte order mark is data, since skipping it would hide bytes. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One line of a block: its place there, line feed included, and its text, `undefined` where it is no whole event. */
export interface JudgedLine {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Without the line feed. */
  readonly text: string | undefined;
  /** The parsed text. */
  readonly value: unknown;
}

/** Decodes and parses each line of `bytes`, which must end with a line feed. Longer lines than `maxLineBytes` are none. */
export function* judgeLines(bytes: Uint8Array, maxLineBytes: number): Generator<JudgedLine, void, void> {
  // One call for the whole block is several times faster than one a line; only a damaged block is taken apart.
  const texts = decode(bytes)?.split('\n');
  let offsetBytes = 0;
  for (let index = 0; offsetBytes < bytes.byteLength; index += 1) {
    const lengthBytes = bytes.indexOf(LINE_FEED, offsetBytes) + 1 - offsetBytes;
    let text: string | undefined;
    let value: unknown;
    if (lengthBytes <= maxLineBytes) {
      text = texts === undefined ? decode(bytes.subarray(offsetBytes, offsetBytes + lengthBytes - 1)) : texts[index];
      value = parse(text);
      if (value === undefined) text = undefined;
    }
    yield { offsetBytes, lengthBytes, text, value };
    offsetBytes += lengthBytes;
  }
}

/** `undefined` where the bytes are not UTF-8. */
export function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value of a text that holds exactly one; `undefined`, which JSON cannot express, where it does not. */
export function parse(text: string | undefined): unknown {
  // Empty lines come in crowds, and a throw each costs far more than a look.
  if (text === undefined || text === '' || isTooDeep(text)) return undefined;
  try {
    // NUL bytes, byte order marks and blank lines are all refused here (RFC 8259, section 2).
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
