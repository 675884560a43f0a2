// Promise: what a worker had stored is delivered, once and by one process, whoever of the cluster is killed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProgram, temporaryDirectory, until } from '../../shared/program.js';
import { startReceiver } from '../../shared/receiver.js';

const main = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** The number of events that each worker says it has stored, by its process id. */
function storedBy({ lines }) {
  const stored = new Map();
  for (const line of lines) {
    const [, pid, count] = /^stored (\d+) (\d+)$/u.exec(line) ?? [];
    if (pid !== undefined) stored.set(Number(pid), Number(count));
  }
  return stored;
}

function assertDelivered(receiver, stored) {
  const seen = receiver.events.filter(({ type }) => type === 'work').map(({ pid, number }) => `${pid}/${number}`);
  const delivered = new Set(seen);
  assert.equal(delivered.size, seen.length, 'an event came twice');
  for (const [pid, count] of stored) {
    for (let number = 0; number < count; number += 1) {
      assert.ok(delivered.has(`${pid}/${number}`), `${pid}/${number} of ${count} is missing`);
    }
  }
}

test('a worker is killed: the others go on, and nothing that was stored is lost', async (t) => {
  const receiver = await startReceiver(t);
  const service = startProgram(t, [main], { env: { SPOOL: temporaryDirectory(t), COLLECTOR_URL: receiver.url } });
  await until(
    () => [...storedBy(service).values()].filter((count) => count >= 100).length === 4,
    'four workers at work',
  );
  const [victim] = storedBy(service).keys();
  process.kill(victim, 'SIGKILL');
  await until(() => storedBy(service).size === 5, 'a worker in its place');
  await until(() => receiver.events.some(({ pid }) => pid !== victim), 'a delivery while the workers work');
  service.kill('SIGTERM');
  const { code, errors, lines } = await service.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  assert.ok(lines.includes('drained: completed'), lines.at(-1));

  assertDelivered(receiver, storedBy(service));
  assert.deepEqual(
    receiver.events.filter(({ type }) => type === 'worker-died').map(({ pid, signal }) => ({ pid, signal })),
    [{ pid: victim, signal: 'SIGKILL' }],
  );
  const senders = new Set(receiver.deliveries.map(({ headers }) => headers['x-delivered-by']));
  assert.deepEqual([...senders], [String(service.pid)]);
});

test('the primary is killed: the next one delivers everything', async (t) => {
  const receiver = await startReceiver(t);
  const env = { SPOOL: temporaryDirectory(t), COLLECTOR_URL: receiver.url };
  const first = startProgram(t, [main], { env });
  await until(() => [...storedBy(first).values()].filter((count) => count >= 50).length === 4, 'four workers at work');
  first.kill('SIGKILL');
  await first.ended; // its workers have ended too: they hold its standard output

  const second = startProgram(t, [main], { env });
  await until(() => storedBy(second).size === 4, 'four new workers');
  second.kill('SIGTERM');
  assert.equal((await second.ended).code, 0);
  assertDelivered(receiver, new Map([...storedBy(first), ...storedBy(second)]));
});
