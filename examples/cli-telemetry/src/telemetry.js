import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createRelay, nodeLifecycle } from '@relaykit/relay';

const home = process.env.GREET_HOME ?? join(homedir(), '.greet');

/** `yes`, `no`, or `unasked`. */
export function consent() {
  try {
    return readFileSync(join(home, 'consent'), 'utf8').trim();
  } catch {
    return 'unasked';
  }
}

/** Until somebody said yes events are kept and held back; after a no nothing is recorded at all. */
export function openTelemetry() {
  const answer = consent();
  if (answer === 'no') return { add() {}, async close() {} };
  const relay = open(answer);
  return {
    add: (event) => void relay.add({ at: new Date().toISOString(), ...event }),
    // Delivers what is there if the collector answers at once; a person waits for the prompt.
    close: () => relay.close(answer === 'yes' ? { drain: true, deadlineMs: 500 } : {}),
  };
}

export async function decide(answer) {
  const relay = open(consent());
  if (answer === 'yes') await relay.releaseHeld();
  else await relay.discardHeld({ reason: 'refused' });
  writeFileSync(join(home, 'consent'), `${answer}\n`);
  await relay.close(answer === 'yes' ? { drain: true, deadlineMs: 500 } : {});
}

function open(answer) {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return createRelay({
    directory: join(home, 'telemetry'),
    url: process.env.COLLECTOR_URL ?? 'https://collector.example.com/events',
    holdExport: answer !== 'yes',
    // process.exit(), an error that nobody catches, Ctrl-C: stored all the same.
    lifecycle: nodeLifecycle(),
  });
}
