import type { Unsubscribe } from './lifecycle-source.ts';

/** `count`: a pure number, such as retries. `state`: 1 where it holds, 0 where it does not. */
export type MetricUnit = 'events' | 'bytes' | 'segments' | 'files' | 'seconds' | 'count' | 'state';

/** What one metric means. Names and labels are API: they follow the rules of error codes. */
export interface MetricDefinition {
  /** Lower case, with dots: `relaykit.events.written`. */
  readonly name: string;
  /** `counter` only grows while the process lives; `gauge` is how it is now; `histogram` counts measurements by size. */
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit: MetricUnit;
  /** One sentence. */
  readonly description: string;
  /** Names of the labels that each point carries. */
  readonly labels: readonly string[];
  /** Upper bounds of the buckets, inclusive and ascending; of histograms alone. */
  readonly bounds?: readonly number[];
}

/** Label names and values of one point. Values come from short, fixed lists; no event and no address is in them. */
export type MetricLabels = Readonly<Record<string, string>>;

/** One number of a counter or a gauge. */
export interface MetricPoint {
  readonly labels: MetricLabels;
  readonly value: number;
}

/** The measurements of a histogram. */
export interface HistogramPoint {
  readonly labels: MetricLabels;
  readonly count: number;
  readonly sum: number;
  /** Measurements in each bucket, not added up; one more than there are bounds, the last for what exceeds them. */
  readonly bucketCounts: readonly number[];
}

export interface NumberMetric extends MetricDefinition {
  readonly kind: 'counter' | 'gauge';
  readonly points: readonly MetricPoint[];
}

export interface HistogramMetric extends MetricDefinition {
  readonly kind: 'histogram';
  readonly bounds: readonly number[];
  readonly points: readonly HistogramPoint[];
}

/** All points of one metric; `kind` tells which shape. */
export type Metric = NumberMetric | HistogramMetric;

/** Every metric at one moment. Plain data: `JSON.stringify` keeps all of it. */
export interface MetricsSnapshot {
  readonly metrics: readonly Metric[];
}

/** One measurement that goes into a histogram. */
export interface Measurement {
  /** Name of the histogram. */
  readonly name: string;
  readonly value: number;
}

/** Where an adapter to a metrics system gets its numbers. */
export interface MetricsSource {
  /** Every metric there may be, those without points included. */
  readonly definitions: readonly MetricDefinition[];
  snapshot(): MetricsSnapshot;
  /** For systems that fill histograms themselves. What a listener throws harms nobody. */
  onMeasured(listener: (measurement: Measurement) => void): Unsubscribe;
}
