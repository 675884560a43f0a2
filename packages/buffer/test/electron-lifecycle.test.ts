// Goal: an Electron application quits as it would, a little later.
// Method: event emitters in the place of Electron's, with its order of events.
import { EventEmitter } from 'node:events';
import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { electronLifecycle } from '../src/index.ts';
import { gate, logOf } from './lifecycle-log.ts';

class FakeApp extends EventEmitter {
  hasQuit = false;

  /** Emits `will-quit`, and `quit` unless somebody held it back. */
  quit(): void {
    let isPrevented = false;
    this.emit('will-quit', {
      preventDefault: () => {
        isPrevented = true;
      },
    });
    if (isPrevented) return;
    this.hasQuit = true;
    this.emit('quit', {}, 0);
  }
}

const total = (emitter: EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

describe('electronLifecycle', () => {
  it('holds quitting back until listeners have settled, and quits then', async () => {
    const app = new FakeApp();
    const source = electronLifecycle(app, new EventEmitter());
    const { promise, open } = gate();
    const { changes } = logOf(source);
    source.subscribe((change) => (change === 'terminate' ? promise : undefined));
    app.quit();
    app.quit();
    await settle();
    expect([app.hasQuit, changes]).toEqual([false, ['terminate']]);
    open();
    await settle();
    expect([app.hasQuit, changes]).toEqual([true, ['terminate', 'exit']]);
  });

  it('begins anew where somebody else held the quitting back', async () => {
    const app = new FakeApp();
    const { changes } = logOf(electronLifecycle(app, new EventEmitter()));
    app.once('will-quit', (event: { preventDefault(): void }) => event.preventDefault());
    app.quit();
    await settle();
    app.quit();
    await settle();
    expect(app.hasQuit).toBe(true);
    expect(changes.filter((change) => change === 'terminate').length).toBeGreaterThan(0);
    expect(changes.at(-1)).toBe('exit');
  });

  it('does not wait for ever', async () => {
    const app = new FakeApp();
    electronLifecycle(app, new EventEmitter(), { terminateTimeoutMs: 1 }).subscribe(() => new Promise(() => undefined));
    const quit = new Promise((resolve) => app.on('quit', resolve));
    app.quit();
    await quit;
  });

  it('goes on quitting where its listeners left meanwhile', async () => {
    const app = new FakeApp();
    const { promise, open } = gate();
    const end = electronLifecycle(app, new EventEmitter()).subscribe(() => promise);
    app.quit();
    end();
    open();
    await settle();
    expect(app.hasQuit).toBe(true);
  });

  it('tells of a computer that sleeps, is locked, and shuts down', () => {
    const power = new EventEmitter();
    const { changes } = logOf(electronLifecycle(new FakeApp(), power));
    for (const event of ['suspend', 'resume', 'lock-screen', 'unlock-screen', 'shutdown']) power.emit(event);
    expect(changes).toEqual(['background', 'foreground', 'background', 'foreground', 'exit']);
  });

  it('installs nothing before the first listener, and leaves nothing after the last', () => {
    const [app, power] = [new FakeApp(), new EventEmitter()];
    const source = electronLifecycle(app, power);
    expect(total(app) + total(power)).toBe(0);
    const end = source.subscribe(() => undefined);
    expect(total(app) + total(power)).toBe(7);
    end();
    expect(total(app) + total(power)).toBe(0);
  });

  it('says what is wrong with its arguments', () => {
    expect(() => electronLifecycle(undefined as never, new EventEmitter())).toThrow("app must be Electron's app");
    expect(() => electronLifecycle(new FakeApp(), {} as never)).toThrow("powerMonitor must be Electron's");
    expect(() => electronLifecycle(new FakeApp(), new EventEmitter(), { terminateTimeoutMs: 0.5 })).toThrow(
      'terminateTimeoutMs must be a whole number from 0 to 2147483647, got 0.5',
    );
  });
});
