// Writes a number of events in batches, says which were acknowledged, and closes.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { rotateByEvents } from '@relaykit/rotation';
import { FileDiskWriter } from '../../src/index.ts';
import { BATCH_EVENTS } from './batch-events.ts';
import type { TestEvent } from './recovered.ts';

const [directory = '', prefix = '', batchCount = '0'] = process.argv.slice(2);
const writer = new FileDiskWriter<TestEvent>({ directory, rotation: rotateByEvents(20) });
for (let batch = 0; batch < Number(batchCount); batch += 1) {
  const events = Array.from({ length: BATCH_EVENTS }, (_, index) => ({
    id: `${prefix}-${batch * BATCH_EVENTS + index}`,
    padding: '',
  }));
  await writer.write(events);
  writeSync(1, `${events.map(({ id }) => id).join(' ')}\n`);
  await sleep(1);
}
await writer.close();
