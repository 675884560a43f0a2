// Promise: what windows sent before a quit is kept and delivered once, when there is a network again; offline, nothing is
// sent. Method: the real main.js in a process of its own, with a stand-in for the module `electron`.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProgram, temporaryDirectory, until } from '../../shared/program.js';
import { startReceiver } from '../../shared/receiver.js';

const main = fileURLToPath(new URL('../src/main.js', import.meta.url));
const standIn = new URL('with-electron.js', import.meta.url).href;

function startApp(t, { userData, url, isOnline, run, isAsleep = false }) {
  const env = {
    USER_DATA: userData,
    COLLECTOR_URL: url,
    ONLINE: isOnline ? '1' : '0',
    RUN: String(run),
    ASLEEP: isAsleep ? '1' : '0',
  };
  return startProgram(t, ['--import', standIn, main], { env });
}

const clicks = ({ events }) =>
  events.filter(({ type }) => type === 'clicked').map(({ run, number }) => `${run}/${number}`);

const numbers = (run, count) => Array.from({ length: count }, (_, number) => `${run}/${number}`);

/** Segments are lines of JSON: anybody may count them. */
function clicksOnDisk(userData) {
  const spool = join(userData, 'telemetry');
  if (!existsSync(spool)) return 0;
  return readdirSync(spool, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.includes('.ndjson'))
    .flatMap(({ name }) => readFileSync(join(spool, name), 'utf8').match(/"clicked"/gu) ?? []).length;
}

test('offline and quit, then online: everything arrives once', async (t) => {
  const receiver = await startReceiver(t);
  const place = { userData: temporaryDirectory(t), url: receiver.url };

  const first = startApp(t, { ...place, isOnline: false, run: 1 });
  first.send('record 300');
  await first.line(/^done record 300/u);
  first.send('quit');
  const { code, errors } = await first.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  assert.equal(receiver.deliveries.length, 0, 'sent while offline');

  const second = startApp(t, { ...place, isOnline: true, run: 2 });
  await until(() => clicks(receiver).length >= 300, 'the events of the first run');
  second.send('quit');
  await second.ended;
  assert.deepEqual(clicks(receiver).sort(), numbers(1, 300).sort());
});

test('what was recorded before the computer slept survives that it never woke', async (t) => {
  const receiver = await startReceiver(t);
  const place = { userData: temporaryDirectory(t), url: receiver.url };

  const first = startApp(t, { ...place, isOnline: false, run: 1, isAsleep: true });
  first.send('record 50');
  first.send('suspend');
  await until(() => clicksOnDisk(place.userData) === 50, 'the events on disk');
  first.kill('SIGKILL');
  await first.ended;

  const second = startApp(t, { ...place, isOnline: true, run: 2 });
  await until(() => clicks(receiver).length >= 50, 'the events of the first run');
  second.send('quit');
  await second.ended;
  assert.deepEqual(clicks(receiver).sort(), numbers(1, 50).sort());
});

test('the network comes back while it runs: it delivers without a restart', async (t) => {
  const receiver = await startReceiver(t);
  const place = { userData: temporaryDirectory(t), url: receiver.url };
  const app = startApp(t, { ...place, isOnline: false, run: 1 });
  app.send('record 20');
  app.send('resume'); // seals what is there
  await app.line(/^done resume/u);
  assert.equal(receiver.deliveries.length, 0, 'sent while offline');
  app.send('online');
  await until(() => clicks(receiver).length >= 20, 'the events');
  app.send('quit');
  await app.ended;
  assert.deepEqual(clicks(receiver).sort(), numbers(1, 20).sort());
});
