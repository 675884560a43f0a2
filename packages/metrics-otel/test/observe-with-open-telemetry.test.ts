// Goal: OpenTelemetry gets every metric, with its name, unit, bounds and labels.
// Method: the real SDK, collecting into memory.
import { AggregationTemporality, DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';
import { observeWithOpenTelemetry } from '../src/index.ts';
import { sampleSource } from './sample-source.ts';

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

function scene() {
  const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('relaykit');
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  };
  return { meter, collect };
}

it('shows counters, gauges and histograms', async () => {
  const { meter, collect } = scene();
  const sample = sampleSource();
  observeWithOpenTelemetry(sample.source, { meter, attributes: { spool: 'a' } });
  for (const value of [0.25, 1.5, 1]) sample.measure(value);
  const metrics = await collect();
  expect(sample.snapshotCount()).toBe(1);
  const found = metrics.map(({ descriptor: { name, unit, description }, dataPointType, dataPoints }) => ({
    name,
    unit,
    description,
    type: DataPointType[dataPointType],
    points: dataPoints.map(({ attributes, value }) => ({ attributes, value })),
  }));
  expect(found).toEqual([
    {
      name: 'relaykit.events.dropped',
      unit: '{event}',
      description: 'About relaykit.events.dropped.',
      type: 'SUM',
      points: [
        { attributes: { spool: 'a', reason: 'age' }, value: 3 },
        { attributes: { spool: 'a', reason: 'a "word"\nof mine' }, value: 4 },
      ],
    },
    {
      name: 'relaykit.spool.bytes',
      unit: 'By',
      description: 'About relaykit.spool.bytes.',
      type: 'GAUGE',
      points: [{ attributes: { spool: 'a' }, value: 1_024 }],
    },
    {
      name: 'relaykit.flush.duration',
      unit: 's',
      description: 'About relaykit.flush.duration.',
      type: 'HISTOGRAM',
      points: [
        {
          attributes: { spool: 'a' },
          value: { min: 0.25, max: 1.5, sum: 2.75, count: 3, buckets: { boundaries: [0.5, 1], counts: [1, 1, 1] } },
        },
      ],
    },
  ]);
});

it('ends', async () => {
  const { meter, collect } = scene();
  const sample = sampleSource();
  const end = observeWithOpenTelemetry(sample.source, { meter });
  end();
  await collect();
  expect([sample.snapshotCount(), sample.listenerCount()]).toEqual([0, 0]);
});

it('says what is wrong with its arguments', () => {
  const { source } = sampleSource();
  expect(() => observeWithOpenTelemetry(undefined as never, scene())).toThrow('source must be a MetricsSource');
  expect(() => observeWithOpenTelemetry(source, {} as never)).toThrow('meter must be a Meter of @opentelemetry/api');
  expect(() => observeWithOpenTelemetry(source, undefined as never)).toThrow('meter must be a Meter');
});
