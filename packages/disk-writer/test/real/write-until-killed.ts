// Writes batches, several at a time, and says which ids were acknowledged, until somebody kills it.
import { writeSync } from 'node:fs';
import { rotateByEvents } from '@relaykit/rotation';
import { FileDiskWriter } from '../../src/index.ts';
import { BATCH_EVENTS } from './batch-events.ts';
import type { TestEvent } from './recovered.ts';

const [directory = '', mode = 'written', prefix = ''] = process.argv.slice(2);
const writer = new FileDiskWriter<TestEvent>({
  directory,
  flushMode: mode === 'atomic' ? 'atomic' : 'append',
  durability: mode === 'synced' ? 'synced' : 'written',
  rotation: rotateByEvents(200),
});
let next = 0;

async function writeOn(): Promise<never> {
  for (;;) {
    const events = Array.from({ length: BATCH_EVENTS }, () => {
      const id = `${prefix}-${next++}`;
      return { id, padding: 'x'.repeat((next * 37) % 300) };
    });
    await writer.write(events);
    // A pipe takes so few bytes at once, whole, before the call returns.
    writeSync(1, `${events.map(({ id }) => id).join(' ')}\n`);
  }
}

await Promise.all([writeOn(), writeOn(), writeOn()]);
