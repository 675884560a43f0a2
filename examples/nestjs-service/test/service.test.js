// Promise: every order that was placed is stored when the service has ended, by a signal or by an error that nobody caught,
// and delivered once by the next one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProgram, temporaryDirectory, until } from '../../shared/program.js';
import { startReceiver } from '../../shared/receiver.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const crash = `data:text/javascript,${encodeURIComponent("process.stdin.once('data', () => { throw new Error('crashed'); })")}`;

const placed = ({ lines }) => lines.filter((line) => /^placed \d+$/u.test(line)).length;

/** The next service delivers what the last one left, adds a few of its own, and ends. */
async function ordersDelivered(t, spool) {
  const receiver = await startReceiver(t);
  const service = startProgram(t, [main], { env: { SPOOL: spool, COLLECTOR_URL: receiver.url } });
  await until(() => placed(service) >= 10, 'the first orders');
  service.kill('SIGTERM');
  const { signal, errors } = await service.ended;
  assert.deepEqual({ signal, errors }, { signal: 'SIGTERM', errors: '' });
  return { orders: receiver.events.map(({ order }) => order), own: placed(service) };
}

function assertAll({ orders, own }, count) {
  const expected = [...Array(count).keys(), ...Array(own).keys()].sort((a, b) => a - b);
  assert.deepEqual(
    orders.sort((a, b) => a - b),
    expected,
  );
}

test('SIGTERM loses nothing, and the process ends by it', async (t) => {
  const spool = temporaryDirectory(t);
  const service = startProgram(t, [main], { env: { SPOOL: spool } });
  await until(() => placed(service) >= 100, '100 orders');
  service.kill('SIGTERM');
  const { signal, errors } = await service.ended;
  assert.deepEqual({ signal, errors }, { signal: 'SIGTERM', errors: '' });
  assertAll(await ordersDelivered(t, spool), placed(service));
});

test('an error that nobody catches loses nothing', async (t) => {
  const spool = temporaryDirectory(t);
  const service = startProgram(t, ['--import', crash, main], { env: { SPOOL: spool } });
  await until(() => placed(service) >= 100, '100 orders');
  service.send('crash');
  const { code, errors } = await service.ended;
  assert.equal(code, 1);
  assert.match(errors, /Error: crashed/u);
  assertAll(await ordersDelivered(t, spool), placed(service));
});
