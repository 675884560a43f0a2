import { MAX_NESTING_LEVELS } from './json-lines-format.ts';

/** Whether a JSON text nests deeper than `MAX_NESTING_LEVELS`. Costs nothing for texts too short to do so. */
export function isTooDeep(text: string): boolean {
  return text.length > MAX_NESTING_LEVELS && deepestLevel(text) > MAX_NESTING_LEVELS;
}

function deepestLevel(text: string): number {
  let level = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (isInString) {
      if (character === 0x5c /* \ */) index += 1;
      else if (character === 0x22 /* " */) isInString = false;
    } else if (character === 0x22) {
      isInString = true;
    } else if (character === 0x5b /* [ */ || character === 0x7b /* { */) {
      level += 1;
      if (level > deepest) deepest = level;
    } else if (character === 0x5d /* ] */ || character === 0x7d /* } */) {
      level -= 1;
    }
  }
  return deepest;
}
