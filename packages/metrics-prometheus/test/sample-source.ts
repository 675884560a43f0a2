import type { Measurement, MetricsSource } from '@relaykit/types';

/** A source with one metric of each kind, and a switch to measure. */
export function sampleSource() {
  const listeners = new Set<(measurement: Measurement) => void>();
  let snapshots = 0;
  const counter = { name: 'relaykit.events.dropped', kind: 'counter', unit: 'events', labels: ['reason'] } as const;
  const gauge = { name: 'relaykit.spool.bytes', kind: 'gauge', unit: 'bytes', labels: [] } as const;
  const bounds = [0.5, 1];
  const histogram = {
    name: 'relaykit.flush.duration',
    kind: 'histogram',
    unit: 'seconds',
    labels: [],
    bounds,
  } as const;
  const definitions = [counter, gauge, histogram].map((entry) => ({ ...entry, description: `About ${entry.name}.` }));
  const source: MetricsSource = {
    definitions,
    snapshot() {
      snapshots += 1;
      const points = [
        [
          { labels: { reason: 'age' }, value: 3 },
          { labels: { reason: 'a "word"\nof mine' }, value: 4 },
        ],
        [{ labels: {}, value: 1_024 }],
        [{ labels: {}, count: 3, sum: 2.75, bucketCounts: [1, 0, 2] }],
      ];
      return { metrics: definitions.map((definition, index) => ({ ...definition, points: points[index] }) as never) };
    },
    onMeasured(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    source,
    measure: (value: number) => {
      for (const listener of listeners) listener({ name: 'relaykit.flush.duration', value });
    },
    listenerCount: () => listeners.size,
    snapshotCount: () => snapshots,
  };
}
