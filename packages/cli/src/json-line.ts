import { escapeControls } from './control-characters.ts';

/**
 * One line for a program, which a person may look at as well: names of files and texts of others may hold what a terminal
 * acts on.
 */
export function jsonLine(value: object): string {
  return escapeControls(JSON.stringify(value));
}
