// Goal: a scrape has every metric, under a name that Prometheus expects.
// Method: a real registry, read as a scrape reads it.
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { prometheusNameOf, registerWithPrometheus } from '../src/index.ts';
import { sampleSource } from './sample-source.ts';

it('shows counters, gauges and histograms in the text format', async () => {
  const registry = new Registry();
  const { source, snapshotCount } = sampleSource();
  registerWithPrometheus(source, { registry, labels: { spool: 'a' } });
  expect(await registry.metrics()).toBe(`# HELP relaykit_events_dropped_total About relaykit.events.dropped.
# TYPE relaykit_events_dropped_total counter
relaykit_events_dropped_total{spool="a",reason="age"} 3
relaykit_events_dropped_total{spool="a",reason="a \\"word\\"\\nof mine"} 4

# HELP relaykit_spool_bytes About relaykit.spool.bytes.
# TYPE relaykit_spool_bytes gauge
relaykit_spool_bytes{spool="a"} 1024

# HELP relaykit_flush_duration_seconds About relaykit.flush.duration.
# TYPE relaykit_flush_duration_seconds histogram
relaykit_flush_duration_seconds_bucket{spool="a",le="0.5"} 1
relaykit_flush_duration_seconds_bucket{spool="a",le="1"} 1
relaykit_flush_duration_seconds_bucket{spool="a",le="+Inf"} 3
relaykit_flush_duration_seconds_sum{spool="a"} 2.75
relaykit_flush_duration_seconds_count{spool="a"} 3
`);
  expect(snapshotCount()).toBe(1);
  await registry.metrics();
  expect(snapshotCount()).toBe(2);
});

it('shows them in the format of OpenMetrics, and leaves the registry as it was', async () => {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const unregister = registerWithPrometheus(sampleSource().source, { registry });
  for (let scrape = 1; scrape <= 2; scrape += 1) {
    const lines = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#') && line !== '');
    expect(lines).toEqual([
      'relaykit_events_dropped_total{reason="age"} 3',
      'relaykit_events_dropped_total{reason="a \\"word\\"\\nof mine"} 4',
      'relaykit_spool_bytes 1024',
      'relaykit_flush_duration_seconds_bucket{le="0.5"} 1',
      'relaykit_flush_duration_seconds_bucket{le="1"} 1',
      'relaykit_flush_duration_seconds_bucket{le="+Inf"} 3',
      'relaykit_flush_duration_seconds_sum 2.75',
      'relaykit_flush_duration_seconds_count 3',
    ]);
    expect(await registry.metrics()).toContain('# TYPE relaykit_events_dropped counter');
  }
  unregister();
  expect(registry.getMetricsAsArray()).toEqual([]);
});

it('leaves the registry as it was', async () => {
  const registry = new Registry();
  const { source } = sampleSource();
  registerWithPrometheus(source, { registry })();
  expect(await registry.metrics()).toBe('\n');
  expect(registry.getMetricsAsArray()).toEqual([]);
});

it('registers all or nothing', () => {
  const registry = new Registry();
  new Counter({ name: 'relaykit_spool_bytes', help: 'somebody else’s', registers: [registry] });
  expect(() => registerWithPrometheus(sampleSource().source, { registry })).toThrow('relaykit_spool_bytes');
  expect(registry.getMetricsAsArray()).toHaveLength(1);
});

it('survives a registry that is reset, and shows itself as JSON', async () => {
  const registry = new Registry();
  registerWithPrometheus(sampleSource().source, { registry });
  registry.resetMetrics();
  expect(await registry.getMetricsAsJSON()).toContainEqual(
    expect.objectContaining({ name: 'relaykit_spool_bytes', type: 'gauge' }),
  );
});

it.each([
  ['relaykit.events.written', 'counter', 'events', 'relaykit_events_written_total'],
  ['relaykit.buffer.bytes', 'gauge', 'bytes', 'relaykit_buffer_bytes'],
  ['relaykit.spool.oldest_age', 'gauge', 'seconds', 'relaykit_spool_oldest_age_seconds'],
  ['relaykit.queue.state', 'gauge', 'state', 'relaykit_queue_state'],
] as const)('calls %s %s', (name, kind, unit, expected) => {
  expect(prometheusNameOf({ name, kind, unit })).toBe(expected);
});

it('says what is wrong with its arguments', () => {
  const { source } = sampleSource();
  expect(() => registerWithPrometheus({} as never, { registry: new Registry() })).toThrow('source must be a MetricsS');
  expect(() => registerWithPrometheus(source, {} as never)).toThrow('registry must be a Registry of prom-client');
});
