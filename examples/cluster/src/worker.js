import { setTimeout as pause } from 'node:timers/promises';
import { createRelay } from '@relaykit/relay';

// No url: a worker records and nothing else.
const relay = createRelay({ directory: process.env.SPOOL ?? 'spool', maxSegmentAgeMs: 500 });

let isEnding = false;
process.on('SIGTERM', () => {
  isEnding = true;
});
process.on('disconnect', () => {
  isEnding = true; // the primary is gone
});

// Stands for the work of the service.
for (let number = 0; !isEnding; ) {
  const from = number;
  for (; number < from + 10; number += 1) relay.add({ type: 'work', pid: process.pid, number });
  await relay.flush();
  console.log(`stored ${process.pid} ${number}`); // everything below this number
  await pause(5);
}
await relay.close();
process.exit();
