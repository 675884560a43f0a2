// Goal: every part of a relay can be replaced by one of the caller's, and what is passed is what is used.
// Method: one relay in which nothing is ours but the wiring; each part says that it was asked.
import { ManualClock, ManualLifecycle, RecordingUploader, SimulatedDisk } from '@relaykit/testing';
import type { EventSerializer } from '@relaykit/types';
import { expect, it } from 'vitest';
import {
  createRelay,
  customRetry,
  DiskWriterMetricsCollector,
  JSONEventSerializer,
  type RelayOptions,
  rotateByEvents,
} from '../src/index.ts';

/** The same object, noting the names of the methods that are called. */
function watched<Target extends object>(target: Target, part: string, calls: Set<string>): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.add(`${part}.${String(name)}`);
        return value.apply(target, args) as unknown;
      };
    },
  });
}

it('uses every part that it is given', async () => {
  const calls = new Set<string>();
  const watch = <Target extends object>(part: string, target: Target): Target => watched(target, part, calls);
  const note = (name: string) => (): void => void calls.add(name);
  const [disk, clock, lifecycle] = [new SimulatedDisk({ seed: 1 }), new ManualClock(), new ManualLifecycle()];
  const uploader = new RecordingUploader();
  uploader.script({ status: 'retry', cause: new Error('busy') });
  const options: Required<Omit<RelayOptions<object>, 'url' | 'http' | `maxSegment${string}` | 'ownership'>> = {
    directory: '/spool',
    allowUnsafeDirectory: false,
    allowEarlyForgetting: true,
    durability: 'synced',
    flushMode: 'append',
    whenFull: 'dropOldestUndelivered',
    maxEventBytes: 1_000,
    holdExport: false,
    quarantine: { maxSegments: 5 },
    serializer: watch('serializer', new JSONEventSerializer<object>() as EventSerializer<object>),
    rotation: watch('rotation', rotateByEvents(2)),
    retention: watch('retention', { select: () => [] }),
    retry: customRetry(() => {
      note('retry')();
      return 1;
    }),
    uploader: watch('uploader', uploader),
    clock: watch('clock', clock),
    fileSystem: watch('fileSystem', disk.process('relay')),
    lifecycle: watch('lifecycle', lifecycle),
    metrics: watch('metrics', new DiskWriterMetricsCollector()),
    logger: watch('logger', {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    }),
    onFlushed: note('onFlushed'),
    onSegmentSealed: note('onSegmentSealed'),
    onSegmentDropped: note('onSegmentDropped'),
    buffer: { maxEvents: 3, overflow: 'dropNewest', onDropped: note('buffer.onDropped') },
    export: {
      retry: customRetry(() => {
        note('export.retry')();
        return 1;
      }),
      conditions: [
        () => {
          note('export.conditions')();
          return true;
        },
      ],
    },
  };
  const relay = createRelay<object>(options);
  await relay.open();
  disk.failNext(({ name, path }) => name === 'write' && path.endsWith('.open'), 'EAGAIN');
  for (let n = 0; n < 5; n += 1) relay.add({ n });
  const flushed = relay.flush();
  await clock.advanceAsync(5_000);
  await flushed;
  relay.add({ n: 5 });
  const terminated = lifecycle.emit('terminate');
  await clock.advanceAsync(100);
  await terminated;
  const drained = relay.drain();
  await clock.advanceAsync(5_000);
  await drained;
  const closed = relay.close();
  await clock.advanceAsync(10_000);
  await closed;

  const expected = ['serializer.createFrameBuilder', 'rotation.shouldRotate', 'retention.select', 'retry'];
  expected.push('uploader.upload', 'clock.monotonicMs', 'clock.setTimer', 'fileSystem.createFileSync');
  expected.push('lifecycle.subscribe', 'metrics.attachWriter', 'metrics.observeBuffer', 'metrics.observeQueue');
  expected.push('logger.warn', 'onFlushed', 'onSegmentSealed', 'buffer.onDropped', 'export.retry', 'export.conditions');
  expect(expected.filter((name) => !calls.has(name))).toEqual([]);
  expect(lifecycle.listenerCount).toBe(0);
});
