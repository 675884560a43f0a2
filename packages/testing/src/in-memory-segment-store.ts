import type {
  AfterDelivery,
  ExportState,
  LeaseAttempt,
  SegmentFormat,
  SegmentInfo,
  SegmentLease,
  SegmentMetadata,
  SegmentName,
  SegmentOutcome,
  SegmentStore,
} from '@relaykit/types';

/** What a segment of `InMemorySegmentStore` is made of; everything has a default. */
export interface AddSegmentOptions {
  /** The segment's bytes; a string is encoded as UTF-8. Defaults to one JSON line. */
  readonly content?: Uint8Array | string;
  /** Defaults to the number of newlines in `content`. */
  readonly eventCount?: number;
  /** Milliseconds since the epoch. Defaults to one second after the segment added before. */
  readonly createdAtMs?: number;
  /** Defaults to `memory`. */
  readonly writerId?: string;
  /** Defaults to what follows the writer's segments so far. */
  readonly firstSequence?: number;
  /** Defaults to JSON Lines. */
  readonly format?: SegmentFormat;
  /** Defaults to `true`. */
  readonly exportReady?: boolean;
  /** Other members of the metadata. */
  readonly metadata?: Partial<SegmentMetadata>;
}

/** What became of a segment, in the order in which the leases were settled. */
export interface SettledSegment {
  readonly id: string;
  readonly outcome: SegmentOutcome;
  readonly afterDelivery: AfterDelivery | undefined;
}

interface StoredSegment {
  readonly info: SegmentInfo;
  readonly bytes: Uint8Array;
  state: ExportState | undefined;
  lease: InMemoryLease | undefined;
}

const jsonLines: SegmentFormat = { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' };
const firstCreatedAtMs: number = Date.UTC(2026, 0, 1);

/** A `SegmentStore` in memory, with leases, export state and a record of every outcome. */
export class InMemorySegmentStore implements SegmentStore {
  readonly #segments = new Map<string, StoredSegment>();
  readonly #settled: SettledSegment[] = [];
  readonly #nextSequences = new Map<string, number>();
  #lastCreatedAtMs = firstCreatedAtMs - 1_000;

  /** Every outcome, in order. */
  get settled(): readonly SettledSegment[] {
    return this.#settled;
  }

  /** Segments that wait, oldest name first. */
  get ids(): readonly string[] {
    return [...this.#segments.keys()].sort();
  }

  outcomeOf(id: string): SegmentOutcome | undefined {
    return this.#settled.find((settled) => settled.id === id)?.outcome;
  }

  /** The export state of a segment that waits. */
  stateOf(id: string): ExportState | undefined {
    return this.#segments.get(id)?.state;
  }

  /** Adds a sealed segment, as a writer would. */
  async addSegment(options: AddSegmentOptions = {}): Promise<SegmentInfo> {
    const { content = '{"n":0}\n', writerId = 'memory', format = jsonLines, exportReady = true } = options;
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice();
    const {
      eventCount = bytes.filter((byte) => byte === 0x0a).length,
      createdAtMs = this.#lastCreatedAtMs + 1_000,
      firstSequence = this.#nextSequences.get(writerId) ?? 0,
    } = options;
    this.#lastCreatedAtMs = createdAtMs;
    this.#nextSequences.set(writerId, firstSequence + eventCount);
    const createdAt = new Date(createdAtMs).toISOString();
    const stamp = createdAt.replaceAll(/[-:.]/gu, '');
    const id = `${stamp}-${String(firstSequence).padStart(12, '0')}-${writerId}`;
    if (this.#segments.has(id)) throw new TypeError(`A segment ${id} was added before; choose another createdAtMs.`);
    const metadata: SegmentMetadata = {
      formatVersion: 1,
      id,
      spoolId: 'in-memory',
      writerId,
      firstSequence,
      eventCount,
      bytes: bytes.byteLength,
      sha256: await sha256(bytes),
      format,
      createdAt,
      sealedAt: createdAt,
      sealReason: 'flush',
      exportReady,
      ...options.metadata,
    };
    const info = { id, createdAtMs, firstSequence, writerId, fileExtension: format.fileExtension, metadata };
    this.#segments.set(id, { info, bytes, state: undefined, lease: undefined });
    return info;
  }

  async *list(): AsyncIterable<SegmentName> {
    for (const id of this.ids) {
      const segment = this.#segments.get(id);
      if (segment === undefined) continue;
      const { createdAtMs, firstSequence, writerId, fileExtension } = segment.info;
      yield { id, createdAtMs, firstSequence, writerId, fileExtension };
    }
  }

  async info(id: string): Promise<SegmentInfo | undefined> {
    return this.#segments.get(id)?.info;
  }

  async lease(id: string): Promise<LeaseAttempt> {
    const segment = this.#segments.get(id);
    if (segment === undefined) return { status: 'gone' };
    if (segment.lease !== undefined) return { status: 'busy' };
    segment.lease = new InMemoryLease(segment, (outcome, afterDelivery) => {
      this.#settled.push({ id, outcome, afterDelivery });
      this.#segments.delete(id);
    });
    return { status: 'leased', lease: segment.lease };
  }

  async outcomesSinceDelivery(): Promise<readonly SegmentOutcome[]> {
    const outcomes = this.#settled.map(({ outcome }) => outcome);
    return outcomes.slice(outcomes.findLastIndex(({ status }) => status === 'delivered') + 1);
  }

  /** Ends every lease, as the end of a process does. */
  async close(): Promise<void> {
    await Promise.all([...this.#segments.values()].map(({ lease }) => lease?.release()));
  }
}

class InMemoryLease implements SegmentLease {
  readonly segment: SegmentInfo;
  readonly content: SegmentLease['content'];
  readonly #stored: StoredSegment;
  readonly #record: (outcome: SegmentOutcome, afterDelivery: AfterDelivery | undefined) => void;

  constructor(
    stored: StoredSegment,
    record: (outcome: SegmentOutcome, afterDelivery: AfterDelivery | undefined) => void,
  ) {
    this.segment = stored.info;
    this.#stored = stored;
    this.#record = record;
    this.content = {
      sizeBytes: stored.bytes.byteLength,
      read: async (positionBytes, lengthBytes) => {
        this.#expectHeld('read');
        return stored.bytes.slice(positionBytes, positionBytes + lengthBytes);
      },
    };
  }

  async readState(): Promise<ExportState | undefined> {
    this.#expectHeld('read the state of');
    return this.#stored.state;
  }

  async writeState(state: ExportState): Promise<void> {
    this.#expectHeld('write the state of');
    this.#stored.state = { ...state };
  }

  async settle(outcome: SegmentOutcome, options: { readonly afterDelivery?: AfterDelivery } = {}): Promise<void> {
    this.#expectHeld('settle');
    this.#stored.lease = undefined;
    this.#record(outcome, options.afterDelivery);
  }

  async release(): Promise<void> {
    if (this.#stored.lease === this) this.#stored.lease = undefined;
  }

  #expectHeld(verb: string): void {
    if (this.#stored.lease !== this) {
      throw new TypeError(`Cannot ${verb} segment ${this.segment.id}: its lease has ended; lease it again.`);
    }
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
