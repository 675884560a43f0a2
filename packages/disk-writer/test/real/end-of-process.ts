// Ends in the way it is told, in the middle of a write, with an exit handler that stores what is under way.
import { JSONEventSerializer } from '@relaykit/serializers';
import { FileDiskWriter } from '../../src/index.ts';
import type { TestEvent } from './recovered.ts';

const [directory = '', ending = '', flushMode = 'append', turnCount = '0'] = process.argv.slice(2);
const writer = new FileDiskWriter<TestEvent>({
  directory,
  flushMode: flushMode === 'atomic' ? 'atomic' : 'append',
  serializer: new JSONEventSerializer<TestEvent>(),
});
const newEvents = (name: string): TestEvent[] =>
  Array.from({ length: 5 }, (_, index) => ({ id: `${name}-${index}`, padding: 'x'.repeat(100) }));

await writer.write(newEvents('acknowledged'));
const underWay = newEvents('underWay');
const batch = writer.openBatch();
for (const event of newEvents('batch')) batch.add(event);
const inMemory = newEvents('inMemory');

const unsettled = new Set<TestEvent[] | typeof batch>([underWay, batch, inMemory]);
process.on('exit', () => {
  for (const events of unsettled) writer.writeSync?.(events);
});
if (ending === 'exception') process.on('uncaughtException', () => process.exit(1));

void writer.write(underWay, { durability: 'synced' }).then(() => unsettled.delete(underWay));
void writer.commit(batch, { durability: 'synced' }).then(() => unsettled.delete(batch));
for (let turn = 0; turn < Number(turnCount); turn += 1) await new Promise((resolve) => setImmediate(resolve));
if (ending === 'exit') process.exit();
if (ending === 'exception') {
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
}
