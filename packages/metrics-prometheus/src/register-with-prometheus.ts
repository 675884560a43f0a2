import type {
  HistogramMetric,
  MetricDefinition,
  MetricLabels,
  MetricsSnapshot,
  MetricsSource,
  Unsubscribe,
} from '@relaykit/types';
import type { Metric as PromMetric, Registry } from 'prom-client';

/** Where `registerWithPrometheus` shows the metrics. */
export interface PrometheusOptions {
  /** Takes the metrics: `register` of `prom-client`, or a `Registry` of yours. */
  readonly registry: Pick<Registry, 'registerMetric' | 'removeSingleMetric'>;
  /** Go with every sample. Defaults to none. */
  readonly labels?: MetricLabels;
}

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Where it is not the metric's own. A registry in the format of OpenMetrics ends the names of counters itself. */
  readonly metricName?: string;
}

/**
 * Registers every metric of `source` with a registry of `prom-client`. All samples of a scrape come from one snapshot.
 *
 * @returns Takes them out of the registry again.
 * @throws TypeError - an option is not what it must be.
 * @throws Error of `prom-client` - the registry has a metric of such a name; nothing is registered then.
 */
export function registerWithPrometheus(source: MetricsSource, options: PrometheusOptions): Unsubscribe {
  if (typeof source?.snapshot !== 'function') throw new TypeError('source must be a MetricsSource, with snapshot');
  const { registry, labels = {} } = options ?? {};
  if (typeof registry?.registerMetric !== 'function') {
    throw new TypeError('registry must be a Registry of prom-client; pass register');
  }
  let latest: MetricsSnapshot | undefined;
  // A registry asks for all of its metrics in one go.
  const snapshot = (): MetricsSnapshot => {
    if (latest === undefined) {
      latest = source.snapshot();
      queueMicrotask(() => {
        latest = undefined;
      });
    }
    return latest;
  };
  const names: string[] = [];
  const unregister = (): void => {
    for (const name of names.splice(0)) registry.removeSingleMetric(name);
  };
  try {
    for (const definition of source.definitions) {
      const metric = promMetricOf(definition, labels, snapshot);
      // Of a metric a registry needs the name and `get`; its types ask for a class of its own.
      registry.registerMetric(metric as unknown as PromMetric);
      names.push(metric.name);
    }
  } catch (error) {
    unregister();
    throw error;
  }
  return unregister;
}

/** `relaykit.flush.duration` → `relaykit_flush_duration_seconds`, `relaykit.events.written` → `relaykit_events_written_total`. */
export function prometheusNameOf({ name, kind, unit }: Pick<MetricDefinition, 'name' | 'kind' | 'unit'>): string {
  const base = name.replaceAll('.', '_');
  if (kind === 'counter') return `${base}_total`;
  return unit === 'seconds' || (unit === 'bytes' && !base.endsWith('_bytes')) ? `${base}_${unit}` : base;
}

function promMetricOf(definition: MetricDefinition, common: MetricLabels, snapshot: () => MetricsSnapshot) {
  const name = prometheusNameOf(definition);
  const head = { help: definition.description, type: definition.kind, aggregator: 'sum' } as const;
  const registered = {
    ...head,
    /** A registry in the format of OpenMetrics sets it to the name without `_total`. */
    name,
    async get(): Promise<typeof head & { readonly name: string; readonly values: readonly Sample[] }> {
      const own = { ...head, name: registered.name };
      const metric = snapshot().metrics.find((entry) => entry.name === definition.name);
      if (metric === undefined) return { ...own, values: [] };
      if (metric.kind === 'histogram') return { ...own, values: histogramSamples(name, metric, common) };
      const values = metric.points.map(({ labels, value }) => ({ labels: { ...common, ...labels }, value }));
      return { ...own, values };
    },
    /** A registry may ask for it; the numbers are the source's. */
    reset(): void {},
  };
  return registered;
}

/** Prometheus adds buckets up: each counts all that is not larger than its bound. */
function histogramSamples(name: string, { bounds, points }: HistogramMetric, common: MetricLabels): Sample[] {
  return points.flatMap(({ labels: own, bucketCounts, count, sum }) => {
    const labels = { ...common, ...own };
    let soFar = 0;
    const buckets = bounds.map((bound, index) => {
      soFar += bucketCounts[index] ?? 0;
      return { labels: { ...labels, le: bound }, value: soFar, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { ...labels, le: '+Inf' }, value: count, metricName: `${name}_bucket` },
      { labels, value: sum, metricName: `${name}_sum` },
      { labels, value: count, metricName: `${name}_count` },
    ];
  });
}
