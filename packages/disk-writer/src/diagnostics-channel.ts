import { channel } from 'node:diagnostics_channel';
import type { Unsubscribe } from '@relaykit/types';
import type { DiskWriterMetricsCollector } from './disk-writer-metrics-collector.ts';
import type { MetricsActivities, MetricsActivityType } from './metrics-activity.ts';

/** The channels of `node:diagnostics_channel`, by what they carry. Messages are `MetricsActivities` of that name. */
export const DIAGNOSTICS_CHANNELS: Readonly<Record<MetricsActivityType, string>> = {
  flush: 'relaykit:flush',
  sync: 'relaykit:sync',
  retry: 'relaykit:retry',
  segmentDropped: 'relaykit:segment-dropped',
  segmentExported: 'relaykit:segment-exported',
  segmentQuarantined: 'relaykit:segment-quarantined',
};

/** Publishes what a collector hears of, on channels that somebody listens to. Ends with the returned function. */
export function publishDiagnostics(collector: Pick<DiskWriterMetricsCollector, 'onActivity'>): Unsubscribe {
  const channels = Object.fromEntries(
    Object.entries(DIAGNOSTICS_CHANNELS).map(([type, name]) => [type, channel(name)] as const),
  );
  return collector.onActivity(({ type, facts }) => {
    const target = channels[type];
    if (target?.hasSubscribers) target.publish(facts);
  });
}

export type { MetricsActivities, MetricsActivityType };
