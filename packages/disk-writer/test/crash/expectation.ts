import type { CrashJournal, SentEvent, Settlement } from './crash-journal.ts';

/** What had been promised at one moment of a scenario; moves forward through its journal. */
export class Expectation {
  readonly journal: CrashJournal;
  readonly promised = new Set<SentEvent>();
  readonly settlements = new Map<string, Settlement>();
  /** Acknowledged events by writer id and sequence number. */
  readonly bySequence = new Map<string, SentEvent[]>();
  #version = 0;

  constructor(journal: CrashJournal) {
    this.journal = journal;
  }

  advanceTo(version: number): void {
    for (; this.#version < version; this.#version += 1) this.#take(this.#version);
  }

  #take(index: number): void {
    const entry = this.journal.entries[index];
    if (!entry) throw new Error(`journal has no entry ${index}`);
    if (entry.kind === 'acknowledged') this.#acknowledge(entry);
    else if (entry.kind === 'settling') this.settlements.set(entry.settlement.id, { ...entry.settlement });
    else if (entry.kind === 'settled') this.#settle(entry.id);
    else this.#lose(entry.texts);
  }

  #settle(id: string): void {
    const settlement = this.settlements.get(id);
    if (settlement) settlement.isAcknowledged = true;
  }

  #lose(texts: readonly string[]): void {
    for (const text of texts) {
      const event = this.journal.events.get(text);
      if (event) event.isKernelLost = true;
    }
  }

  #acknowledge({ batch, receipt }: Extract<CrashJournal['entries'][number], { kind: 'acknowledged' }>): void {
    const { writerId, firstSequence, segmentId, durability } = receipt;
    const numbered = this.bySequence.get(writerId) ?? [];
    this.bySequence.set(writerId, numbered);
    for (const [index, event] of batch.events.entries()) {
      event.promised = durability;
      event.segmentId = segmentId;
      event.sequence = firstSequence + index;
      numbered[event.sequence] = event;
      this.promised.add(event);
    }
    if (durability !== 'synced') return;
    for (const event of numbered.slice(0, firstSequence)) if (event) event.isCovered = true;
  }
}
