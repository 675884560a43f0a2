import Table from 'cli-table3';
import type { DemoResult, Refusal } from './run-demo.ts';

/** The figures of a run as a table. */
export function describeResult(result: DemoResult): string {
  const { added, segments, deliveredSegments, wireBytes, recordMs, totalMs } = result;
  const table = new Table({ style: { head: [], border: [], compact: true }, colAligns: ['left', 'right'] });
  table.push(
    ['events added', count(added.count)],
    ['events written', count(result.writtenEvents)],
    ['events delivered', count(result.deliveredEvents)],
    ['segments sealed / delivered', `${count(segments.count)} / ${count(deliveredSegments)}`],
    ['bytes on disk', count(segments.bytes)],
    ['bytes on the wire', count(wireBytes)],
    ['events a second, to disk', rate(added.count, recordMs)],
    ['events a second, to the receiver', rate(added.count, totalMs)],
  );
  return table.toString();
}

/** What was not taken to begin with, a line for each reason; empty where everything was. */
export function describeRefused({ refused }: DemoResult): string[] {
  return [...refused].map(
    ([reason, refusal]) => `${eventsWere(refusal.events)} refused (${reason})${describeLines(refusal)}`,
  );
}

function describeLines({ events, lineNumbers }: Refusal): string {
  if (lineNumbers.length === 0) return '';
  const others = events > lineNumbers.length ? ' and others' : '';
  return `: line ${lineNumbers.join(', ')}${others}`;
}

/** Every way in which what arrived differs from what was added; empty where nothing does. */
export function findDifferences(result: DemoResult): string[] {
  const { added, received, segments } = result;
  const differences: string[] = [];
  const stages: readonly (readonly [string, number])[] = [
    ['written', result.writtenEvents],
    ['in sealed segments', segments.events],
    ['delivered', result.deliveredEvents],
    ['received', received.count],
  ];
  for (const [stage, events] of stages) {
    if (events !== added.count) differences.push(`${eventsWere(added.count)} added, ${count(events)} ${stage}`);
  }
  if (!received.equals(added)) {
    differences.push(
      `the contents differ: added ${added.digest.slice(0, 16)}…, received ${received.digest.slice(0, 16)}…`,
    );
  }
  return differences;
}

function eventsWere(events: number): string {
  return events === 1 ? '1 event was' : `${count(events)} events were`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function rate(events: number, durationMs: number): string {
  return count(Math.round((1_000 * events) / Math.max(durationMs, 1)));
}
