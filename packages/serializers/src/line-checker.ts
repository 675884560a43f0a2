import {
  AFTER_VALUE,
  BREAK,
  BROKEN,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  FIRST_ACTION,
  KEY,
  KEY_OR_END,
  MAY_END,
  OPEN_OBJECT,
  TRANSITIONS,
  VALUE,
  VALUE_OR_END,
} from './json-grammar.ts';
import { LINE_FEED, MAX_NESTING_LEVELS } from './json-lines-format.ts';

/** What becomes of each line that is an event. */
export interface WholeLineSink {
  /** `lengthBytes` counts the line feed. */
  addIntact(positionBytes: number, lengthBytes: number): void;
}

const IN_ARRAY = 0;
const IN_OBJECT = 1;

/**
 * Tells which lines are exactly one JSON value in valid UTF-8, as `JSON.parse` behind a fatal `TextDecoder` would, and
 * makes nothing of them: a line costs one look at each of its bytes and one byte for each level that it is deep, whatever
 * it says. A hundred million empty objects in one line cost no more than a hundred million letters.
 *
 * Takes a file in pieces of any size and keeps none of them.
 */
export class LineChecker {
  readonly #maxLineBytes: number;
  readonly #sink: WholeLineSink;
  #positionBytes = 0;
  #lineAt = 0;
  #state = VALUE;
  #stack: Uint8Array = new Uint8Array(64);
  #depth = 0;

  /** Longer lines than `maxLineBytes` are no events. */
  constructor(maxLineBytes: number, sink: WholeLineSink) {
    this.#maxLineBytes = maxLineBytes;
    this.#sink = sink;
  }

  push(bytes: Uint8Array): void {
    const { byteLength } = bytes;
    const transitions = TRANSITIONS;
    let state = this.#state;
    for (let at = 0; at < byteLength; at += 1) {
      const byte = bytes[at] as number;
      const next = transitions[(state << 8) | byte] as number;
      if (next < FIRST_ACTION) {
        state = next;
      } else if (byte === LINE_FEED) {
        this.#endLine(state, this.#positionBytes + at + 1);
        state = VALUE;
      } else if (next === BREAK) {
        state = BROKEN;
        const lineFeedAt = bytes.indexOf(LINE_FEED, at);
        if (lineFeedAt === -1) break;
        at = lineFeedAt - 1;
      } else {
        state = this.#act(next);
      }
    }
    this.#state = state;
    this.#positionBytes += byteLength;
  }

  #endLine(state: number, endBytes: number): void {
    const lengthBytes = endBytes - this.#lineAt;
    if (this.#depth === 0 && MAY_END[state] && lengthBytes <= this.#maxLineBytes) {
      this.#sink.addIntact(this.#lineAt, lengthBytes);
    }
    this.#lineAt = endBytes;
    this.#depth = 0;
  }

  #act(action: number): number {
    const inner = this.#depth === 0 ? undefined : this.#stack[this.#depth - 1];
    if (action === COMMA) {
      if (inner === undefined) return BROKEN;
      return inner === IN_OBJECT ? KEY : VALUE;
    }
    if (action === CLOSE_OBJECT || action === CLOSE_ARRAY) {
      if (inner !== (action === CLOSE_OBJECT ? IN_OBJECT : IN_ARRAY)) return BROKEN;
      this.#depth -= 1;
      return AFTER_VALUE;
    }
    if (this.#depth === MAX_NESTING_LEVELS) return BROKEN;
    this.#push(action === OPEN_OBJECT ? IN_OBJECT : IN_ARRAY);
    return action === OPEN_OBJECT ? KEY_OR_END : VALUE_OR_END;
  }

  #push(kind: number): void {
    if (this.#depth === this.#stack.byteLength) {
      const larger = new Uint8Array(this.#depth * 2);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#depth] = kind;
    this.#depth += 1;
  }
}
