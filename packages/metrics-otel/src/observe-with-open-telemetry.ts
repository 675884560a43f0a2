import type { Attributes, Histogram, Meter, MetricOptions, Observable } from '@opentelemetry/api';
import type { MetricDefinition, MetricsSource, MetricUnit, Unsubscribe } from '@relaykit/types';

/** Where `observeWithOpenTelemetry` shows the metrics. */
export interface OpenTelemetryOptions {
  /** Makes the instruments: `metrics.getMeter('relaykit')` of `@opentelemetry/api`. */
  readonly meter: Meter;
  /** Go with every point. Defaults to none. */
  readonly attributes?: Attributes;
}

/** Units in UCUM, as OpenTelemetry writes them. */
const units: Readonly<Record<MetricUnit, string>> = {
  events: '{event}',
  bytes: 'By',
  segments: '{segment}',
  files: '{file}',
  seconds: 's',
  count: '1',
  state: '1',
};

/**
 * Shows every metric of `source` to OpenTelemetry, under its own name: counters and gauges when a reader collects, from
 * one snapshot for all; histograms as they are measured from now on.
 *
 * @returns Ends it. OpenTelemetry keeps the instruments; they get no more values.
 * @throws TypeError - an option is not what it must be.
 */
export function observeWithOpenTelemetry(source: MetricsSource, options: OpenTelemetryOptions): Unsubscribe {
  if (typeof source?.snapshot !== 'function') throw new TypeError('source must be a MetricsSource, with snapshot');
  const { meter, attributes = {} } = options ?? {};
  if (typeof meter?.createObservableGauge !== 'function') {
    throw new TypeError("meter must be a Meter of @opentelemetry/api; pass metrics.getMeter('relaykit')");
  }
  const histograms = new Map<string, Histogram>();
  const observables = new Map<string, Observable>();
  for (const definition of source.definitions) {
    const { name, kind, bounds } = definition;
    if (kind === 'counter') observables.set(name, meter.createObservableCounter(name, optionsOf(definition)));
    else if (kind === 'gauge') observables.set(name, meter.createObservableGauge(name, optionsOf(definition)));
    else {
      const advice = { explicitBucketBoundaries: [...(bounds ?? [])] };
      histograms.set(name, meter.createHistogram(name, { ...optionsOf(definition), advice }));
    }
  }
  const all = [...observables.values()];
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const metric of source.snapshot().metrics) {
      const observable = observables.get(metric.name);
      if (observable === undefined || metric.kind === 'histogram') continue;
      for (const { labels, value } of metric.points) result.observe(observable, value, { ...attributes, ...labels });
    }
  };
  meter.addBatchObservableCallback(observe, all);
  const endMeasuring = source.onMeasured(({ name, value }) => histograms.get(name)?.record(value, attributes));
  return () => {
    meter.removeBatchObservableCallback(observe, all);
    endMeasuring();
  };
}

function optionsOf({ description, unit }: MetricDefinition): MetricOptions {
  return { description, unit: units[unit] };
}
