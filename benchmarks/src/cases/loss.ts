// Question: a process ends in the middle of its work: which of the events it handed over are missing on disk? `exit` is
// `process.exit()` right behind the last event, `kill` is SIGKILL there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, type Cases, parameter } from '../case.ts';
import { filesBelow } from '../disk.ts';

const victim = fileURLToPath(new URL('../loss-victim.ts', import.meta.url));
const ENDINGS = ['exit', 'kill'] as const;

function losing(name: string): Case {
  return async (context) => {
    const eventCount = parameter(context, 'eventCount');
    const lost = ENDINGS.map((ending) => {
      const directory = join(context.directory, ending);
      mkdirSync(directory, { mode: 0o700 });
      const order = JSON.stringify({ name, ending, eventCount, directory });
      const { status, signal, stderr } = spawnSync(process.execPath, ['--import', 'tsx', victim, order], {
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      });
      const hasEnded = ending === 'kill' ? signal === 'SIGKILL' : status === 0;
      if (!hasEnded) throw new Error(`${name} ended with ${status ?? signal}: ${stderr}`);
      return eventCount - countEvents(filesBelow(directory, /lines|ndjson/u));
    });
    const [lostAtExit = Number.NaN, lostAtKill = Number.NaN] = lost;
    return { lostAtExit, lostAtKill };
  };
}

/** @throws Error - one stands there twice, which would hide that another is missing. */
function countEvents(paths: readonly string[]): number {
  const ids = new Set<string>();
  for (const path of paths) {
    for (const [, id = ''] of readFileSync(path, 'utf8').matchAll(/"id":"(evt-[^"]+)".*\n/gu)) {
      if (ids.has(id)) throw new Error(`the event ${id} is on disk twice`);
      ids.add(id);
    }
  }
  return ids.size;
}

const names = [
  'relay',
  'relayLifecycle',
  'relayAcknowledged',
  'createWriteStream',
  'pinoSync',
  'pinoAsync',
  'pinoWorker',
  'winston',
];
export const cases: Cases = Object.fromEntries(names.map((name) => [name, losing(name)]));
