import { readPackageVersion } from './package-version.ts';
import { runCommand } from './run-command.ts';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const stop = new AbortController();
let received: NodeJS.Signals | undefined;
for (const signal of stopSignals) process.on(signal, onStopSignal);

function onStopSignal(signal: NodeJS.Signals): void {
  // A second signal means it: the process ends now, and what was acknowledged is on disk.
  for (const name of stopSignals) process.off(name, onStopSignal);
  received = signal;
  stop.abort(new Error(`stopped by ${signal}`));
}

// A reader of messages that went away must not end the recording.
process.stderr.on('error', () => undefined);
process.stdout.on('error', () => undefined);

process.exitCode = await runCommand(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
  version: readPackageVersion(),
});

// Messages that nobody reads may keep the process; from here on a signal ends it.
for (const name of stopSignals) process.off(name, onStopSignal);
// Standard input may still be open, and would keep the process waiting for more of it.
process.stdin.destroy();
if (received !== undefined) {
  // Everything is in order now; whoever sent the signal should see that it worked.
  process.kill(process.pid, received);
}
