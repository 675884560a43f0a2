/**
 * The grammar of a JSON text (RFC 8259) in well-formed UTF-8 (The Unicode Standard, table 3-7) as a table: for a state and
 * a byte the next state, or an action for what needs more than a state. `table[state * 256 + byte]`.
 */
export const TRANSITIONS: Uint8Array = new Uint8Array(256 * 256);

/** Numbers from here on are actions. */
export const FIRST_ACTION = 250;
export const BREAK = 250;
export const COMMA = 251;
export const OPEN_OBJECT = 252;
export const CLOSE_OBJECT = 253;
export const OPEN_ARRAY = 254;
export const CLOSE_ARRAY = 255;

let stateCount = 0;

/** States that expect something; the others are within a string, a number or a literal. */
export const VALUE: number = newState();
export const VALUE_OR_END: number = newState();
export const KEY: number = newState();
export const KEY_OR_END: number = newState();
export const AFTER_VALUE: number = newState();
/** No JSON any more, whatever follows. */
export const BROKEN: number = newState();

/** Whether a value may end in a state: behind it, and in most of a number. */
export const MAY_END: readonly boolean[] = describeJSON();

function describeJSON(): readonly boolean[] {
  const colon = newState();
  for (const state of [VALUE, VALUE_OR_END, KEY, KEY_OR_END, AFTER_VALUE, colon]) on(state, ' \t\r', state);
  const value = newString(AFTER_VALUE);
  const key = newString(colon);
  const { minus, zero, integer, ends } = newNumber();
  on(colon, ':', VALUE);
  for (const state of [KEY, KEY_OR_END]) on(state, '"', key);
  on(KEY_OR_END, '}', CLOSE_OBJECT);
  for (const state of [VALUE, VALUE_OR_END]) {
    on(state, '"', value);
    on(state, '{', OPEN_OBJECT);
    on(state, '[', OPEN_ARRAY);
    on(state, '-', minus);
    on(state, '0', zero);
    on(state, '123456789', integer);
  }
  for (const word of ['true', 'false', 'null']) addLiteral(word);
  on(VALUE_OR_END, ']', CLOSE_ARRAY);
  for (const state of [AFTER_VALUE, ...ends]) {
    if (state !== AFTER_VALUE) on(state, ' \t\r', AFTER_VALUE);
    on(state, ',', COMMA);
    on(state, '}', CLOSE_OBJECT);
    on(state, ']', CLOSE_ARRAY);
  }
  return Array.from({ length: stateCount }, (_, state) => state === AFTER_VALUE || ends.includes(state));
}

/** The state behind the opening quote of a string that leads to `after`. */
function newString(after: number): number {
  const string = newState();
  range(string, 0x20, 0x7f, string);
  on(string, '"', after);
  const escaped = newState();
  on(string, '\\', escaped);
  on(escaped, '"\\/bfnrt', string);
  const [hex4, hex3, hex2, hex1] = [newState(), newState(), newState(), newState()];
  on(escaped, 'u', hex4);
  for (const [state, next] of [
    [hex4, hex3],
    [hex3, hex2],
    [hex2, hex1],
    [hex1, string],
  ] as const) {
    on(state, '0123456789abcdefABCDEF', next);
  }
  const [last, lastTwo, lastThree] = [newState(), newState(), newState()];
  range(last, 0x80, 0xbf, string);
  range(lastTwo, 0x80, 0xbf, last);
  range(lastThree, 0x80, 0xbf, lastTwo);
  range(string, 0xc2, 0xdf, last);
  range(string, 0xe0, 0xef, lastTwo);
  range(string, 0xf0, 0xf4, lastThree);
  // No overlong form, no surrogate, nothing above U+10FFFF.
  for (const [lead, lowest, highest, next] of [
    [0xe0, 0xa0, 0xbf, last],
    [0xed, 0x80, 0x9f, last],
    [0xf0, 0x90, 0xbf, lastTwo],
    [0xf4, 0x80, 0x8f, lastTwo],
  ] as const) {
    const second = newState();
    range(string, lead, lead, second);
    range(second, lowest, highest, next);
  }
  return string;
}

function newNumber(): { minus: number; zero: number; integer: number; ends: readonly number[] } {
  const [minus, zero, integer, point, fraction] = [newState(), newState(), newState(), newState(), newState()];
  const [exponent, sign, power] = [newState(), newState(), newState()];
  on(minus, '0', zero);
  on(minus, '123456789', integer);
  for (const [state, next] of [
    [integer, integer],
    [point, fraction],
    [fraction, fraction],
    [exponent, power],
    [sign, power],
    [power, power],
  ] as const) {
    on(state, '0123456789', next);
  }
  for (const state of [zero, integer]) on(state, '.', point);
  for (const state of [zero, integer, fraction]) on(state, 'eE', exponent);
  on(exponent, '+-', sign);
  return { minus, zero, integer, ends: [zero, integer, fraction, power] };
}

function addLiteral(word: string): void {
  const states = Array.from({ length: word.length - 1 }, newState);
  for (const state of [VALUE, VALUE_OR_END]) on(state, word.charAt(0), states[0] ?? AFTER_VALUE);
  for (const [index, state] of states.entries()) on(state, word.charAt(index + 1), states[index + 1] ?? AFTER_VALUE);
}

/** A state in which every byte breaks the text until something else is said of it. */
function newState(): number {
  range(stateCount, 0x00, 0xff, BREAK);
  stateCount += 1;
  return stateCount - 1;
}

function on(state: number, characters: string, next: number): void {
  for (const character of characters) range(state, character.charCodeAt(0), character.charCodeAt(0), next);
}

function range(state: number, from: number, to: number, next: number): void {
  TRANSITIONS.fill(next, state * 256 + from, state * 256 + to + 1);
}
