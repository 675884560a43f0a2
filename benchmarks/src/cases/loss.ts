// Question: a process ends in the middle of its work: which of the events it handed over are missing on disk? `exit` is
// `process.exit()` right behind the last event, `kill` is SIGKILL there.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, type Cases, parameter } from '../case.ts';
import { filesBelow, readLines } from '../disk.ts';

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
      return eventCount - readLines(filesBelow(directory, /lines|ndjson/u)).lines;
    });
    const [lostAtExit = Number.NaN, lostAtKill = Number.NaN] = lost;
    return { lostAtExit, lostAtKill };
  };
}

const names = ['relay', 'relayAcknowledged', 'createWriteStream', 'pinoSync', 'pinoAsync', 'pinoWorker', 'winston'];
export const cases: Cases = Object.fromEntries(names.map((name) => [name, losing(name)]));
