import type { LifecycleSource } from '@relaykit/types';
import { LifecycleListeners } from './lifecycle-listeners.ts';
import { checkTerminateTimeout, DEFAULT_TERMINATE_TIMEOUT_MS, waitAtMost } from './wait-at-most.ts';

// biome-ignore lint/suspicious/noExplicitAny: listeners take whatever Electron's events carry.
type ElectronListener = (...args: any[]) => void;

interface ElectronEmitter {
  // biome-ignore lint/suspicious/noExplicitAny: Electron declares one overload for each event.
  on(event: any, listener: ElectronListener): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: Electron declares one overload for each event.
  off(event: any, listener: ElectronListener): unknown;
}

/** What is needed of Electron's `app`. */
export interface ElectronApp extends ElectronEmitter {
  quit(): void;
}

/** What is needed of Electron's `powerMonitor`. */
export type ElectronPowerMonitor = ElectronEmitter;

/** How long quitting may wait, for `electronLifecycle`. */
export interface ElectronLifecycleOptions {
  /**
   * How long `will-quit` waits for listeners; a whole number of milliseconds. Defaults to `DEFAULT_TERMINATE_TIMEOUT_MS`,
   * 5 s.
   */
  readonly terminateTimeoutMs?: number;
}

/**
 * The lifecycle of an Electron application, for its main process:
 * `electronLifecycle(app, powerMonitor)` with `import { app, powerMonitor } from 'electron'`.
 *
 * - `background`: the computer suspends, or its screen is locked. `foreground`: it resumes, or is unlocked.
 * - `terminate`: `will-quit`, after every window has agreed to close. Quitting is held back until listeners have settled,
 *   and then goes on.
 * - `exit`: `quit`, and the computer shuts down.
 *
 * Neither closing nor quitting nor a shutdown is prevented. Nothing is installed before the first listener. Signals and
 * uncaught errors are told by `nodeLifecycle()`, which may be used beside it.
 *
 * @throws TypeError, RangeError - an argument is not what it must be.
 */
export function electronLifecycle(
  app: ElectronApp,
  powerMonitor: ElectronPowerMonitor,
  { terminateTimeoutMs = DEFAULT_TERMINATE_TIMEOUT_MS }: ElectronLifecycleOptions = {},
): LifecycleSource {
  if (typeof app?.on !== 'function' || typeof app.quit !== 'function') {
    throw new TypeError("app must be Electron's app, with on and quit");
  }
  if (typeof powerMonitor?.on !== 'function') throw new TypeError("powerMonitor must be Electron's, with on");
  checkTerminateTimeout(terminateTimeoutMs);
  const listeners: LifecycleListeners = new LifecycleListeners(() => {
    let hasSettled = false;
    let isWaiting = false;
    const onWillQuit = (event: { preventDefault(): void }): void => {
      if (hasSettled) {
        // Should somebody else hold it back now, it begins anew.
        hasSettled = false;
        return;
      }
      event.preventDefault();
      if (isWaiting) return;
      isWaiting = true;
      void waitAtMost(listeners.tell('terminate'), terminateTimeoutMs).then(() => {
        isWaiting = false;
        hasSettled = true;
        app.quit();
      });
    };
    const onBackground = (): void => void listeners.tell('background');
    const onForeground = (): void => void listeners.tell('foreground');
    const onExit = (): void => void listeners.tell('exit');
    const installed: readonly (readonly [ElectronEmitter, string, ElectronListener])[] = [
      [app, 'will-quit', onWillQuit],
      [app, 'quit', onExit],
      [powerMonitor, 'suspend', onBackground],
      [powerMonitor, 'lock-screen', onBackground],
      [powerMonitor, 'resume', onForeground],
      [powerMonitor, 'unlock-screen', onForeground],
      [powerMonitor, 'shutdown', onExit],
    ];
    for (const [emitter, event, listener] of installed) emitter.on(event, listener);
    return () => {
      for (const [emitter, event, listener] of installed) emitter.off(event, listener);
    };
  });
  return listeners;
}
