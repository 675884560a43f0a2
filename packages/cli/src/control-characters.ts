/**
 * What a terminal acts on rather than shows: C0 and C1 controls, DEL, line and paragraph separators, and the controls that turn
 * the direction of text (UAX #9), with which what is read differs from what is there.
 */
const controls = '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';

const runs = new RegExp(`[${controls}]+`, 'gu');
// A tab is shown well.
const singles = new RegExp(`(?!\t)[${controls}]`, 'gu');

/** A space for each run of them. */
export function withoutControls(text: string): string {
  return text.replace(runs, ' ');
}

/** The same JSON with escapes for them. A carriage return, which JSON allows between values alone, becomes a space. */
export function escapeControls(json: string): string {
  return json.replace(singles, (character) =>
    character === '\r' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
