// Stands for the module `electron` in tests: the same names, the same events in the same order. A line on standard input is
// what a person or the computer does: `record N`, `offline`, `online`, `suspend`, `resume`, `quit`.
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';

// What a test that suspends wants to see is the answer to `suspend`, and not a timer that came in its stead.
if (process.env.ASLEEP === '1') {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, delayMs, ...rest) => setTimeout(callback, Math.max(delayMs, 2 ** 31 - 1), ...rest);
}

let isOnline = process.env.ONLINE === '1';
let recorded = 0;

class App extends EventEmitter {
  requestSingleInstanceLock = () => true;
  exit = (code) => process.exit(code);
  whenReady = async () => {};
  getPath = () => process.env.USER_DATA;
  getVersion = () => '1.2.3';

  /** As Electron's: whoever prevents `will-quit` calls quit again. */
  quit() {
    let isPrevented = false;
    const event = { preventDefault: () => (isPrevented = true) };
    this.emit('will-quit', event);
    if (isPrevented) return;
    this.emit('quit', {}, 0);
    process.exit(0);
  }
}

export const app = new App();
export const ipcMain = new EventEmitter();
export const powerMonitor = new EventEmitter();
export const net = { isOnline: () => isOnline };

const acts = {
  record(count) {
    for (let index = 0; index < Number(count); index += 1) {
      ipcMain.emit('telemetry', {}, { type: 'clicked', run: process.env.RUN, number: recorded++ });
    }
  },
  offline: () => (isOnline = false),
  online: () => (isOnline = true),
  suspend: () => powerMonitor.emit('suspend'),
  resume: () => powerMonitor.emit('resume'),
  quit: () => app.quit(),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [act, argument] = line.split(' ');
  acts[act](argument);
  console.log(`done ${line}`);
});
