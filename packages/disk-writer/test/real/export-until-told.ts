// Recovers and delivers whatever it finds, and says which events it delivered, until its input ends and nothing is left.
import { openSegmentStore } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { TestEvent } from './recovered.ts';

const [directory = ''] = process.argv.slice(2);
const serializer = new JSONEventSerializer<TestEvent>();
const store = await openSegmentStore({ directory, serializers: [serializer as never] });
let isLastRound = false;
process.stdin.on('end', () => {
  isLastRound = true;
});
process.stdin.resume();

for (let isOver = false; !isOver; ) {
  isOver = isLastRound;
  await store.recover();
  for await (const { id } of store.list()) {
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') continue;
    const { lease } = attempt;
    const context = { spoolId: '', segmentId: id, isSealed: true };
    const ids: string[] = [];
    for await (const event of serializer.decode(lease.content, context)) ids.push(event.id);
    await lease.settle({ status: 'delivered' });
    console.log(ids.join(' '));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await store.close();
