// Question: how many crash states can a test look at in a second, and what does it cost to watch every step?
// Method: a writer's scene of 58 steps (four files, each created, appended to and synced five times, renamed, synced).
import { type DiskSnapshot, SimulatedDisk } from '@relaykit/testing';
import { Bench } from 'tinybench';
import { benchTimes, printComparison } from '../../../tools/bench.ts';

const CRASHES = 1_000;
const line = new TextEncoder().encode(`{"event":"${'x'.repeat(200)}"}\n`);

function scene(disk: SimulatedDisk): void {
  disk.createDirectorySync('/spool');
  disk.syncDirectorySync('/');
  for (let file = 0; file < 4; file += 1) {
    const handle = disk.createFileSync(`/spool/${file}.open`);
    disk.syncDirectorySync('/spool');
    for (let index = 0; index < 5; index += 1) {
      handle.writeSync(line, index * line.byteLength);
      handle.syncDataSync();
    }
    disk.renameSync(`/spool/${file}.open`, `/spool/${file}.ndjson`);
    disk.syncDirectorySync('/spool');
    handle.closeSync();
  }
}

const snapshots: DiskSnapshot[] = [];
const watched = new SimulatedDisk();
watched.onEveryStep((snapshot) => snapshots.push(snapshot));
scene(watched);

let seenBytes = 0;
let seed = 0;
/** One crash at each step in turn, looked at by `look`. */
function crashes(look: (disk: SimulatedDisk) => void): void {
  for (let index = 0; index < CRASHES; index += 1) {
    seed += 1;
    const disk = (snapshots[seed % snapshots.length] as DiskSnapshot).crash(seed);
    seenBytes += disk.usedBytes;
    look(disk);
  }
}

const states = new Bench(benchTimes());
states.add('crash states made', () => crashes(() => undefined));
states.add('crash states made and all files read', () => {
  crashes((disk) => {
    for (const bytes of disk.files().values()) seenBytes += bytes.byteLength;
  });
});
states.add('crash states made and a file written, synced and renamed', () => {
  crashes((disk) => {
    const handle = disk.createFileSync('/recovered');
    handle.writeSync(line, 0);
    handle.syncDataSync();
    handle.closeSync();
    disk.renameSync('/recovered', '/done');
    disk.syncDirectorySync('/');
  });
});
await states.run();
printComparison(states, { unit: 'states', perIteration: CRASHES, steps: snapshots.length, seenBytes });

const steps = new Bench(benchTimes());
steps.add('steps, nobody watching', () => scene(new SimulatedDisk()));
steps.add('steps, each taken as a snapshot', () => {
  const disk = new SimulatedDisk();
  const taken: DiskSnapshot[] = [];
  disk.onEveryStep((snapshot) => taken.push(snapshot));
  scene(disk);
  seenBytes += taken.length;
});
await steps.run();
printComparison(steps, { unit: 'steps', perIteration: watched.stepsTaken, seenBytes });
