// The main process of a desktop application: windows send events, the main process keeps them and delivers them when it can.
import { join } from 'node:path';
import { electronLifecycle } from '@relaykit/buffer';
import { createRelay } from '@relaykit/relay';
import { app, ipcMain, net, powerMonitor } from 'electron';

// A second instance would work, too: spools may be shared. Most applications want one window owner all the same.
if (!app.requestSingleInstanceLock()) app.exit();
await app.whenReady();

const telemetry = createRelay({
  directory: join(app.getPath('userData'), 'telemetry'),
  url: process.env.COLLECTOR_URL ?? 'https://collector.example.com/events',
  lifecycle: electronLifecycle(app, powerMonitor),
  export: {
    // Asked before each upload: offline, nothing is tried and nothing counts as a failure.
    conditions: [() => net.isOnline() || { hold: 'offline' }],
    pollIntervalMs: 2_000, // how soon it notices that the network is back
  },
});

ipcMain.on('telemetry', (_event, fact) => telemetry.add({ at: new Date().toISOString(), ...fact }));

// Awake again: what was recorded before is sealed, so that it goes out now instead of at the segment's age.
powerMonitor.on('resume', () => void telemetry.rotate().catch((error) => console.error(error.code)));

telemetry.add({ at: new Date().toISOString(), type: 'started', version: app.getVersion() });
