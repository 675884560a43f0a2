// Promise: a transfer that was answered with 201 is in the audit log, however the service ends.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProgram, temporaryDirectory, until } from '../../shared/program.js';
import { startReceiver } from '../../shared/receiver.js';

const main = new URL('../src/main.js', import.meta.url).pathname;

test('nothing that was answered is lost by a kill', async (t) => {
  const spool = temporaryDirectory(t);
  const service = startProgram(t, [main], { env: { SPOOL: spool, PORT: '0' } });
  const client = await startClient(service);
  await until(() => client.answered.size >= 200, '200 answers');
  service.kill('SIGKILL');
  await client.ended;

  const delivered = await deliverAll(t, spool);
  assertOnce(delivered);
  for (const id of client.answered) assert.ok(delivered.has(id), `transfer ${id} was answered and is not in the log`);
});

test('nothing at all is lost by SIGTERM, and the process ends with 0', async (t) => {
  const spool = temporaryDirectory(t);
  const service = startProgram(t, [main], { env: { SPOOL: spool, PORT: '0' } });
  const client = await startClient(service);
  await until(() => client.answered.size >= 200, '200 answers');
  service.kill('SIGTERM');
  await client.ended;
  const { code, signal, errors } = await service.ended;
  assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: '' });

  const delivered = await deliverAll(t, spool);
  assertOnce(delivered);
  assert.deepEqual([...delivered.keys()].sort(), [...client.answered].sort());
});

test('where the log cannot be stored, the answer is no success', async (t) => {
  const directory = mkdtempSync(join(temporaryDirectory(t), 'broken-'));
  writeFileSync(join(directory, 'spool'), 'a file where the directory should be');
  const service = startProgram(t, [main], { env: { SPOOL: join(directory, 'spool'), PORT: '0' } });
  const response = await fetch(`${await addressOf(service)}/transfers/1`, { method: 'POST' });
  assert.equal(response.status, 503);
  assert.match((await response.json()).message, /audit log cannot store/u);
});

async function addressOf(service) {
  return (await service.line(/^listening on/u)).replace('listening on ', '');
}

/** Eight connections that make transfers until the service is gone. */
async function startClient(service) {
  const address = await addressOf(service);
  const answered = new Set();
  let next = 0;
  const work = async () => {
    for (;;) {
      const id = String(next++);
      try {
        const response = await fetch(`${address}/transfers/${id}`, { method: 'POST' });
        if (response.status !== 201) return;
        answered.add(id);
        await response.arrayBuffer();
      } catch {
        return;
      }
    }
  };
  return { answered, ended: Promise.all(Array.from({ length: 8 }, work)) };
}

/** Starts the service again, with a receiver, and asks it to end: it recovers, delivers, and ends. */
async function deliverAll(t, spool) {
  const receiver = await startReceiver(t);
  const service = startProgram(t, [main], { env: { SPOOL: spool, PORT: '0', COLLECTOR_URL: receiver.url } });
  await service.line(/^listening on/u);
  service.kill('SIGTERM');
  const { code, errors } = await service.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  const counts = new Map();
  for (const { transfer } of receiver.events) counts.set(transfer, (counts.get(transfer) ?? 0) + 1);
  return counts;
}

function assertOnce(delivered) {
  assert.deepEqual(
    [...delivered].filter(([, count]) => count !== 1),
    [],
  );
}
