// What a scenario did and was told, in order: the truth that every crash of it is checked against.
import type { Durability, WriteReceipt } from '@relaykit/types';

/** Part of the line of each event that is held back from export. */
export const HELD_MARK = '"h":1,';

export interface SentBatch {
  readonly writer: number;
  /** Whether a crash must leave all of it or nothing. */
  readonly isAtomic: boolean;
  /** Whether its events must not be in a segment that may be exported; their lines say so. */
  readonly isHeld: boolean;
  readonly events: readonly SentEvent[];
  /** How many of `events` the state that is being checked holds; counted anew for each state. */
  seen: number;
}

export interface SentEvent {
  /** The line of the event, without its line feed; no other event has it. */
  readonly text: string;
  readonly batch: SentBatch;
  /** Position among all events of its writer, in the order in which they were first sent. */
  readonly order: number;
  /** What was promised by the moment that is being checked. */
  promised: Durability | undefined;
  /** Whether a later batch of its writer was acknowledged as `synced`: that covers all that was stored before. */
  isCovered: boolean;
  segmentId: string;
  sequence: number;
  /** The kernel dropped it after a failed sync: nobody can bring it back. */
  isKernelLost: boolean;
  /** The last state that held it in a pending segment, and the last in a settled one. */
  pendingIn: number;
  settledIn: number;
}

export type Outcome = 'delivered' | 'quarantined' | 'dropped';

export interface Settlement {
  readonly id: string;
  readonly outcome: Outcome;
  /** Lines of the segment. */
  readonly texts: readonly string[];
  isAcknowledged: boolean;
}

export type JournalEntry =
  | { readonly kind: 'acknowledged'; readonly batch: SentBatch; readonly receipt: WriteReceipt }
  | { readonly kind: 'settling'; readonly settlement: Settlement }
  | { readonly kind: 'settled'; readonly id: string }
  | { readonly kind: 'kernelLost'; readonly texts: readonly string[] };

/** Grows while a scenario runs. Its length is the version of the truth at a step. */
export class CrashJournal {
  readonly events = new Map<string, SentEvent>();
  readonly entries: JournalEntry[] = [];
  readonly #sent = new Map<number, number>();

  /** New events of a writer, each with a line of its own. */
  newBatch(writer: number, eventCount: number, isAtomic: boolean, padding: number, isHeld = false): SentBatch {
    const events: SentEvent[] = [];
    const batch = { writer, isAtomic, isHeld, events, seen: 0 };
    for (let index = 0; index < eventCount; index += 1) {
      const order = this.#sent.get(writer) ?? 0;
      this.#sent.set(writer, order + 1);
      const text = `{"w":${writer},"n":${order},${isHeld ? HELD_MARK : ''}"p":"${'x'.repeat((padding + order * 7) % 40)}"}`;
      const event: SentEvent = {
        text,
        batch,
        order,
        promised: undefined,
        isCovered: false,
        segmentId: '',
        sequence: -1,
        isKernelLost: false,
        pendingIn: 0,
        settledIn: 0,
      };
      events.push(event);
      this.events.set(text, event);
    }
    return batch;
  }

  add(entry: JournalEntry): void {
    this.entries.push(entry);
  }
}
