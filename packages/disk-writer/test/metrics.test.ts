// Goal: the collector counts what happened, once, and the page that specifies it says the same.
import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { ManualClock, SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { DIAGNOSTICS_CHANNELS, publishDiagnostics } from '../src/diagnostics-channel.ts';
import {
  DiskWriterMetricsCollector,
  DURATION_BOUNDS_SECONDS,
  FileDiskWriter,
  METRIC_DEFINITIONS,
  type MetricName,
  type MetricsActivity,
  type ObservedQueue,
  QUEUE_STATES,
} from '../src/index.ts';

const page = readFileSync(new URL('../../../docs/METRICS.md', import.meta.url), 'utf8');

/** Values by name, or by name and label. */
function read(collector: DiskWriterMetricsCollector): Record<string, number> {
  const values: Record<string, number> = {};
  for (const metric of collector.snapshot().metrics) {
    for (const point of metric.points) {
      const [label] = Object.values(point.labels);
      const key = label === undefined ? metric.name : `${metric.name} ${label}`;
      values[key] = 'value' in point ? point.value : point.count;
    }
  }
  return values;
}

function scene(options: { readonly metrics?: DiskWriterMetricsCollector } = {}) {
  const [disk, clock] = [new SimulatedDisk({ seed: 1 }), new ManualClock()];
  const collector = options.metrics ?? new DiskWriterMetricsCollector();
  const writer = new FileDiskWriter<object>({
    directory: '/spool',
    fileSystem: disk.process('writer'),
    clock,
    metrics: collector,
  });
  return { disk, clock, collector, writer };
}

/** A queue that a test drives. */
class FakeQueue {
  readonly listeners = new Map<string, (event: never) => void>();
  state: Partial<ReturnType<ObservedQueue['status']>> = {};

  on(type: string, listener: (event: never) => void): () => void {
    this.listeners.set(type, listener);
    return () => void this.listeners.delete(type);
  }

  status(): ReturnType<ObservedQueue['status']> {
    return {
      isStarted: true,
      isPaused: false,
      isClosed: false,
      blocked: undefined,
      hold: undefined,
      destinationPausedUntilMs: undefined,
      underWay: 0,
      ...this.state,
    };
  }

  emit(type: string, event: object): void {
    this.listeners.get(type)?.(event as never);
  }
}

describe('docs/METRICS.md', () => {
  it('has every metric, with kind, unit, labels and meaning', () => {
    const rows = METRIC_DEFINITIONS.map(({ name, kind, unit, labels, description }) => {
      const label = labels.length === 0 ? '' : ` ${labels.map((one) => `\`${one}\``).join(', ')}`;
      return `| \`${name}\` | ${kind} | ${unit} |${label} | ${description} |`;
    });
    const table = page
      .split('\n')
      .filter((line) => /^\| `relaykit\.\S+` \| (?:counter|gauge|histogram) \|/u.test(line));
    expect(table).toEqual(rows);
  });

  it('has the bounds, the states and the channels', () => {
    expect(page).toContain(DURATION_BOUNDS_SECONDS.join(', '));
    expect(page).toContain(`| ${QUEUE_STATES.map((state) => `\`${state}\``).join(', ')} |`);
    const channels = page
      .split('\n')
      .flatMap((line) => /^\| `(?<name>relaykit:[a-z-]+)` \|/u.exec(line)?.groups?.['name'] ?? []);
    expect(channels).toEqual(Object.values(DIAGNOSTICS_CHANNELS));
  });
});

describe('DiskWriterMetricsCollector', () => {
  it('has a value, or no point yet, for every metric, as plain data', () => {
    const { metrics } = new DiskWriterMetricsCollector().snapshot();
    expect(metrics.map(({ name }) => name)).toEqual(METRIC_DEFINITIONS.map(({ name }) => name));
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
    for (const metric of metrics) expect(Array.isArray(metric.points), metric.name).toBe(true);
  });

  it('counts what is written and synced, and how the spool is', async () => {
    const { clock, collector, writer } = scene();
    // A zero would say that nothing waits there, and nobody has looked.
    expect(read(collector)).not.toHaveProperty(['relaykit.spool.files']);
    expect(read(collector)).toMatchObject({ 'relaykit.events.written': 0 });
    await writer.write([{ a: 1 }, { a: 2 }]);
    await writer.write([{ a: 3 }], { durability: 'synced' });
    clock.advance(5_000);
    expect(read(collector)).toMatchObject({
      'relaykit.events.written': 3,
      'relaykit.bytes.written': 24,
      'relaykit.flush.duration': 2,
      'relaykit.sync.duration': 1,
      'relaykit.spool.files': 1,
      'relaykit.spool.bytes': 24,
      'relaykit.spool.oldest_age': 5,
    });
    await writer.rotate();
    await writer.write([{ a: 4 }]);
    expect(read(collector)).toMatchObject({ 'relaykit.spool.files': 2, 'relaykit.spool.bytes': 32 });
    await writer.close();
    expect(read(collector)).toMatchObject({ 'relaykit.events.written': 4 });
    expect(read(collector)).not.toHaveProperty(['relaykit.spool.files']);
  });

  it('counts retries of a disk that fails, with what they were about', async () => {
    const { disk, clock, collector, writer } = scene();
    await writer.open();
    disk.failNext('write', 'EAGAIN', { times: 2 });
    const written = writer.write([{ a: 1 }]);
    await clock.advanceAsync(10_000);
    await written;
    expect(read(collector)).toMatchObject({
      'relaykit.storage.retries write': 2,
      'relaykit.events.retried write': 2,
      'relaykit.bytes.retried write': 16,
      'relaykit.events.written': 1,
    });
    await writer.close();
  });

  it('adds up pipelines, and keeps the numbers of those that ended', async () => {
    const metrics = new DiskWriterMetricsCollector();
    const counts = {
      added: 5,
      addedBytes: 50,
      buffered: 2,
      bufferedBytes: 20,
      dropped: { overflow: 1 },
      refused: { full: 3 },
    };
    const buffer = { counts: () => counts };
    const end = metrics.observeBuffer(buffer);
    metrics.observeBuffer({ counts: () => ({ ...counts, dropped: { overflow: 0, tooLarge: 2 } }) });
    const expected = {
      'relaykit.events.accepted': 10,
      'relaykit.bytes.accepted': 100,
      'relaykit.events.refused full': 6,
      'relaykit.events.dropped overflow': 1,
      'relaykit.events.dropped tooLarge': 2,
    };
    expect(read(metrics)).toMatchObject({ ...expected, 'relaykit.buffer.events': 4, 'relaykit.buffer.bytes': 40 });
    metrics.observeBuffer(buffer);
    end();
    end();
    expect(read(metrics)).toMatchObject({ ...expected, 'relaykit.buffer.events': 2, 'relaykit.buffer.bytes': 20 });
    const endAgain = metrics.observeBuffer(buffer);
    expect(read(metrics)).toMatchObject({ ...expected, 'relaykit.buffer.events': 4, 'relaykit.buffer.bytes': 40 });
    endAgain();
    expect(read(metrics)).toMatchObject({ ...expected, 'relaykit.buffer.events': 2, 'relaykit.buffer.bytes': 20 });
  });

  it('counts what a queue settles and retries, and takes it out of the spool at once', async () => {
    const { collector, writer } = scene();
    const queue = new FakeQueue();
    const end = collector.observeQueue(queue as ObservedQueue);
    await writer.write([{ a: 1 }]);
    const first = await writer.rotate();
    await writer.write([{ a: 2 }, { a: 3 }]);
    const second = await writer.rotate();
    const segmentOf = (metadata: typeof first) => ({ segment: { id: metadata?.id, metadata } });
    queue.emit('retryScheduled', segmentOf(first));
    queue.emit('uploaded', segmentOf(first));
    queue.emit('quarantined', { ...segmentOf(second), reason: 'rejected: http 413' });
    queue.emit('quarantined', { ...segmentOf(second), reason: 'given up after 3 attempts: rejected' });
    expect(read(collector)).toMatchObject({
      'relaykit.events.retried upload': 1,
      'relaykit.bytes.retried upload': 8,
      'relaykit.events.exported': 1,
      'relaykit.bytes.exported': 8,
      'relaykit.segments.exported': 1,
      'relaykit.events.quarantined rejected': 2,
      'relaykit.events.quarantined gaveUp': 2,
      'relaykit.spool.files': 0,
      'relaykit.spool.bytes': 0,
    });
    expect(read(collector)).not.toHaveProperty(['relaykit.storage.retries upload']);
    end();
    expect(queue.listeners.size).toBe(0);
    await writer.close();
  });

  it.each([
    [{ isClosed: true, blocked: 'x' }, 'closed'],
    [{ blocked: 'x', isPaused: true }, 'blocked'],
    [{ isPaused: true }, 'paused'],
    [{ hold: 'offline' }, 'held'],
    [{ destinationPausedUntilMs: 1 }, 'destinationPaused'],
    [{ underWay: 2 }, 'running'],
    [{}, 'idle'],
  ])('calls a queue that is %o %s', (state, expected) => {
    const collector = new DiskWriterMetricsCollector();
    const queue = new FakeQueue();
    queue.state = state;
    collector.observeQueue(queue as ObservedQueue);
    const values = read(collector);
    for (const name of QUEUE_STATES)
      expect(values[`relaykit.queue.state ${name}`], name).toBe(Number(name === expected));
  });

  it('tells as it happens, whatever a listener throws', async () => {
    const { collector, writer } = scene();
    const activities: MetricsActivity[] = [];
    const measured: string[] = [];
    collector.onActivity(() => {
      throw new Error('not ours');
    });
    const end = collector.onActivity((activity) => void activities.push(activity));
    collector.onMeasured(({ name }) => void measured.push(name));
    await writer.write([{ a: 1 }], { durability: 'synced' });
    expect(activities.map(({ type }) => type)).toEqual(['sync', 'flush']);
    expect(measured).toEqual(['relaykit.sync.duration', 'relaykit.flush.duration'] satisfies MetricName[]);
    end();
    await writer.write([{ a: 2 }]);
    expect(activities).toHaveLength(2);
    await writer.close();
    expect(() => collector.onActivity(3 as never)).toThrow('listener must be a function, got number');
  });

  it('puts a duration into the bucket whose bound it does not exceed', async () => {
    const clock = new ManualClock();
    const collector = new DiskWriterMetricsCollector();
    const instruments = collector.attachWriter({ spool: () => undefined, forget: () => undefined });
    for (const durationMs of [0.05, 0.1, 0.11, 10_000, 10_001]) instruments.synced(durationMs);
    const metric = collector.snapshot().metrics.find(({ name }) => name === 'relaykit.sync.duration');
    const [point] = metric?.kind === 'histogram' ? metric.points : [];
    expect(point?.bucketCounts).toHaveLength(DURATION_BOUNDS_SECONDS.length + 1);
    expect([
      point?.bucketCounts[0],
      point?.bucketCounts[1],
      point?.bucketCounts.at(-2),
      point?.bucketCounts.at(-1),
    ]).toEqual([2, 1, 1, 1]);
    expect(point?.count).toBe(5);
    expect(clock.pendingTimers).toEqual([]);
  });

  it('publishes on channels that somebody listens to', async () => {
    const { collector, writer } = scene();
    const messages: unknown[] = [];
    const onMessage = (message: unknown): void => void messages.push(message);
    const end = publishDiagnostics(collector);
    channel(DIAGNOSTICS_CHANNELS.flush).subscribe(onMessage);
    await writer.write([{ a: 1 }]);
    expect(messages).toEqual([expect.objectContaining({ eventCount: 1, sizeBytes: 8, durability: 'written' })]);
    end();
    await writer.write([{ a: 2 }]);
    expect(messages).toHaveLength(1);
    channel(DIAGNOSTICS_CHANNELS.flush).unsubscribe(onMessage);
    await writer.close();
  });
});
