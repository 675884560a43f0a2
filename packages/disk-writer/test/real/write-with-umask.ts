// Uses every kind of file of a spool under a umask that takes no right away.
import { openSegmentStore } from '@relaykit/segments';
import { FileDiskWriter } from '../../src/index.ts';

const [directory = ''] = process.argv.slice(2);
process.umask(0);
const writer = new FileDiskWriter<{ n: number }>({ directory });
for (let n = 0; n < 4; n += 1) {
  await writer.write([{ n }]);
  await writer.rotate();
}
await writer.write([{ n: 4 }]);
const store = await openSegmentStore({ directory });
const outcomes = [{ status: 'delivered' }, { status: 'quarantined', reason: 'refused' }, undefined] as const;
let index = 0;
for await (const { id } of store.list()) {
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(`${id} is ${attempt.status}`);
  const outcome = outcomes[index];
  index += 1;
  if (outcome) await attempt.lease.settle(outcome);
  else await attempt.lease.writeState({ attempts: 1, firstFailureAtMs: 1, nextAttemptAtMs: 1 });
}
process.kill(process.pid, 'SIGKILL');
