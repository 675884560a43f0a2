// The same events for every case: analytics events of about 300 bytes, from a seed.

export interface PageView {
  readonly id: string;
  readonly type: string;
  readonly userId: string;
  readonly timestampMs: number;
  readonly url: string;
  readonly userAgent: string;
  readonly properties: {
    readonly origin: string;
    readonly destination: string;
    readonly delay: number;
    readonly distance: number;
    readonly isMember: boolean;
    readonly referrer: string | null;
  };
}

const SEED = 20_261_122;
const AIRPORTS = ['ATL', 'BOS', 'DEN', 'DFW', 'JFK', 'LAX', 'MIA', 'ORD', 'SEA', 'SFO'] as const;
const TYPES = ['page_view', 'search', 'select_seat', 'purchase'] as const;

/** Mulberry32: thirty-two bits of state are plenty for sample data. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pageViews(count: number): PageView[] {
  const random = randomFrom(SEED);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  return Array.from({ length: count }, (_, index) => ({
    id: `evt-${index.toString(36).padStart(6, '0')}-${below(2 ** 30).toString(36)}`,
    type: pick(TYPES),
    userId: `user-${below(9_973)}`,
    timestampMs: 1_700_000_000_000 + index * 37 + below(37),
    url: `https://example.com/flights/${below(100_000)}?ref=${pick(AIRPORTS)}`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    properties: {
      origin: pick(AIRPORTS),
      destination: pick(AIRPORTS),
      delay: below(180) - 20,
      distance: below(3_000),
      isMember: random() < 0.5,
      referrer: random() < 0.3 ? null : 'https://search.example.org/',
    },
  }));
}

/** Distinct events a case goes through again and again: more than a processor caches by accident. */
export const POOL_EVENTS = 5_000;
