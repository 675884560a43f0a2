// Promise: nothing leaves the machine before a yes; after it everything arrives once, also what a run that ended by
// process.exit() recorded, and what was recorded while the collector was away; after a no nothing ever does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProgram, temporaryDirectory, until } from '../../shared/program.js';
import { startReceiver } from '../../shared/receiver.js';

const greet = fileURLToPath(new URL('../src/greet.js', import.meta.url));

async function run(t, { home, url }, args, expectedCode = 0) {
  const { code, errors, lines } = await startProgram(t, [greet, ...args], {
    env: { GREET_HOME: home, COLLECTOR_URL: url },
  }).ended;
  assert.equal(code, expectedCode, errors);
  return lines;
}

const types = ({ events }) => events.map(({ type }) => type).sort();

test('held until the consent, then delivered once', async (t) => {
  const receiver = await startReceiver(t);
  const place = { home: temporaryDirectory(t), url: receiver.url };
  assert.deepEqual(await run(t, place, ['Ada']), ['Hello, Ada!']);
  await run(t, place, ['Ada', 'Grace']);
  await run(t, place, [], 2);
  assert.equal(receiver.deliveries.length, 0, 'sent without a consent');

  await run(t, place, ['consent', 'yes']);
  assert.deepEqual(types(receiver), ['failed', 'greeted', 'greeted', 'greeted']);
  await run(t, place, ['Ada']);
  assert.deepEqual(types(receiver), ['failed', 'greeted', 'greeted', 'greeted', 'greeted']);
});

test('a run that ends by process.exit() delivers in the next one', async (t) => {
  const receiver = await startReceiver(t);
  const place = { home: temporaryDirectory(t), url: receiver.url };
  await run(t, place, ['consent', 'yes']);
  await run(t, place, [], 2);
  await run(t, place, ['Ada']);
  assert.deepEqual(types(receiver), ['failed', 'greeted', 'greeted']);
});

test('a collector that is away costs no event and no failure', async (t) => {
  const home = temporaryDirectory(t);
  const away = await startReceiver(t);
  await away.close();
  await run(t, { home, url: away.url }, ['consent', 'yes']);
  for (const name of ['Ada', 'Grace', 'Edsger']) {
    assert.deepEqual(await run(t, { home, url: away.url }, [name]), [`Hello, ${name}!`]);
  }
  const receiver = await startReceiver(t, { port: away.port });
  // What failed waits for its next attempt, so the first runs may come too soon for it.
  let runs = 0;
  await until(async () => {
    await run(t, { home, url: receiver.url }, ['Alan']);
    runs += 1;
    return receiver.events.length === 3 + runs;
  }, 'the events of the runs without a collector');
  assert.deepEqual(types(receiver), Array(3 + runs).fill('greeted'));
});

test('after a no nothing is kept and nothing is sent', async (t) => {
  const receiver = await startReceiver(t);
  const place = { home: temporaryDirectory(t), url: receiver.url };
  await run(t, place, ['Ada']);
  await run(t, place, ['consent', 'no']);
  await run(t, place, ['Ada']);
  await run(t, place, ['consent', 'yes']); // a change of mind brings back nothing
  assert.deepEqual(receiver.events, []);
  await run(t, place, ['Ada']);
  assert.deepEqual(types(receiver), ['greeted']);
});
