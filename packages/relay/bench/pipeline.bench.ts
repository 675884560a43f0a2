// Question: what does the whole pipeline cost beside the least code that puts the same lines into a file? From `add`
// through the buffer into segments of a spool on this disk, not synced.

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelay } from '@relaykit/relay';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';

const BATCH = 1_000;
const events = flights(isSmall ? BATCH : 20_000);
const directory = mkdtempSync(join(tmpdir(), 'relay-bench-'));
const relay = createRelay({ directory: join(directory, 'spool') });
const file = openSync(join(directory, 'raw.ndjson'), 'w');

async function throughRelay(): Promise<void> {
  for (const [index, event] of events.entries()) {
    if ((index + 1) % BATCH === 0) await relay.flush();
    const { status } = relay.add(event);
    if (status !== 'added') throw new Error(`event ${index} was ${status}`);
  }
  await relay.flush();
}

/** Strings of sixteen events, joined, one write for a batch. */
function byHand(): void {
  let text = '';
  for (const [index, event] of events.entries()) {
    text += `${JSON.stringify(event)}\n`;
    if ((index + 1) % BATCH === 0) {
      writeSync(file, text);
      text = '';
    }
  }
  if (text !== '') writeSync(file, text);
}

try {
  const bench = new Bench(benchTimes());
  bench.add('add, flushed every 1,000', throughRelay);
  bench.add('strings, one write for 1,000', byHand);
  await bench.run();
  const { added, persisted } = relay.counts();
  if (added !== persisted) throw new Error(`${added} events were added and ${persisted} persisted`);
  printComparison(bench, { unit: 'events', perIteration: events.length, durability: 'written' });
} finally {
  await relay.close();
  closeSync(file);
  rmSync(directory, { recursive: true, force: true });
}
