// Goal: the lifecycle of a process is told without changing how it ends.
// Method: an event emitter in the place of `process`; packages/relay/test/exit does it with real processes.
import { EventEmitter } from 'node:events';
import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SIGNALS, type NodeLifecycleOptions, nodeLifecycle } from '../src/node.ts';
import { gate, logOf } from './lifecycle-log.ts';

class FakeProcess extends EventEmitter {
  readonly pid = 4_711;
  readonly raised: string[] = [];

  kill(pid: number, signal: string): void {
    expect(pid).toBe(this.pid);
    this.raised.push(signal);
  }

  get listenerTotal(): number {
    return this.eventNames().reduce((sum, name) => sum + this.listenerCount(name), 0);
  }
}

/** Listeners for signals stay for one poll phase more. */
const twoTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const signalExitV4 = Symbol.for('signal-exit emitter');

describe('nodeLifecycle', () => {
  it('installs nothing before the first listener, and leaves nothing after the last', async () => {
    const process = new FakeProcess();
    const source = nodeLifecycle({ process });
    expect(process.listenerTotal).toBe(0);
    const ends = [source.subscribe(() => undefined), source.subscribe(() => undefined)];
    expect(process.eventNames().toSorted()).toEqual(
      ['exit', 'beforeExit', 'uncaughtExceptionMonitor', ...DEFAULT_SIGNALS].toSorted(),
    );
    ends[0]?.();
    ends[0]?.();
    expect(process.listenerTotal).toBeGreaterThan(0);
    ends[1]?.();
    await twoTurns();
    expect(process.listenerTotal).toBe(0);
    ends[1]?.();
    source.subscribe(() => undefined)();
    await twoTurns();
    expect(process.listenerTotal).toBe(0);
  });

  it('needs no more listeners for a hundred lifecycles than for one', async () => {
    const process = new FakeProcess();
    const ends = Array.from({ length: 100 }, () => nodeLifecycle({ process }).subscribe(() => undefined));
    expect(process.listenerCount('SIGTERM')).toBe(1);
    expect(process.listenerCount('exit')).toBe(1);
    for (const end of ends) end();
    await twoTurns();
    expect(process.listenerTotal).toBe(0);
  });

  it('raises a signal that had come when the last listener left', async () => {
    const process = new FakeProcess();
    const { changes, end } = logOf(nodeLifecycle({ process }));
    end();
    process.emit('SIGTERM');
    await settle();
    expect(process.raised).toEqual(['SIGTERM']);
    expect(changes).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(process.listenerTotal).toBe(0);
  });

  it('goes on listening where another listener comes in the same turn', async () => {
    const process = new FakeProcess();
    const source = nodeLifecycle({ process });
    source.subscribe(() => undefined)();
    const { changes } = logOf(source);
    await twoTurns();
    process.emit('SIGTERM');
    expect(changes).toEqual(['terminate']);
  });

  it('tells of the end of a script, once, and of the exit', () => {
    const process = new FakeProcess();
    const { changes } = logOf(nodeLifecycle({ process }));
    process.emit('beforeExit', 0);
    process.emit('beforeExit', 0);
    expect(changes).toEqual(['terminate']);
    process.emit('exit', 0);
    expect(changes).toEqual(['terminate', 'exit']);
  });

  it('is told of the exit before a listener that throws', () => {
    const process = new FakeProcess();
    process.on('exit', () => {
      throw new Error('not ours');
    });
    const { changes } = logOf(nodeLifecycle({ process }));
    expect(() => process.emit('exit', 1)).toThrow('not ours');
    expect(changes).toEqual(['exit']);
  });

  it('watches errors without handling them', () => {
    const process = new FakeProcess();
    const { changes } = logOf(nodeLifecycle({ process }));
    expect(process.listenerCount('uncaughtException')).toBe(0);
    expect(process.listenerCount('unhandledRejection')).toBe(0);
    process.emit('uncaughtExceptionMonitor', new Error('uncaught'), 'uncaughtException');
    expect(changes).toEqual(['exit']);
  });

  it('raises a signal again, once, after listeners have settled', async () => {
    const process = new FakeProcess();
    const { promise, open } = gate();
    const { changes } = logOf(nodeLifecycle({ process }));
    nodeLifecycle({ process }).subscribe(() => promise);
    process.emit('SIGTERM');
    await settle();
    expect([changes, process.raised]).toEqual([['terminate'], []]);
    open();
    await settle();
    expect([changes, process.raised]).toEqual([['terminate', 'exit'], ['SIGTERM']]);
  });

  it('raises it with none of its listeners left, and listens again should the process live on', async () => {
    const process = new FakeProcess();
    let listenersWhenRaised: number | undefined;
    process.kill = () => {
      listenersWhenRaised = process.listenerCount('SIGHUP');
    };
    const { changes } = logOf(nodeLifecycle({ process }));
    process.emit('SIGHUP');
    await settle();
    expect(listenersWhenRaised).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(process.listenerCount('SIGHUP')).toBe(1);
    process.emit('exit', 0);
    expect(changes.at(-1)).toBe('exit');
  });

  it('does not wait when it is asked a second time', async () => {
    const process = new FakeProcess();
    const { promise, open } = gate();
    const { changes } = logOf(nodeLifecycle({ process }));
    nodeLifecycle({ process }).subscribe((change) => (change === 'terminate' ? promise : undefined));
    process.emit('SIGINT');
    process.emit('SIGINT');
    expect([changes, process.raised]).toEqual([['terminate', 'exit'], ['SIGINT']]);
    open();
    await settle();
    expect(process.raised).toEqual(['SIGINT']);
  });

  it('does not wait for ever', async () => {
    const process = new FakeProcess();
    nodeLifecycle({ process, terminateTimeoutMs: 1 }).subscribe(() => new Promise(() => undefined));
    const raised = new Promise<string>((resolve) => {
      process.kill = (_, signal) => resolve(signal);
    });
    process.emit('SIGTERM');
    expect(await raised).toBe('SIGTERM');
  });

  it.each(['on', 'once'] as const)('leaves a signal to an application that listens %s', async (how) => {
    const process = new FakeProcess();
    let heard = 0;
    process[how]('SIGTERM', () => {
      heard += 1;
    });
    const { changes } = logOf(nodeLifecycle({ process }));
    process.emit('SIGTERM');
    await settle();
    expect([changes, process.raised, heard]).toEqual([['terminate'], [], 1]);
  });

  it('ends by a signal whose listeners were removed while it waited', async () => {
    const process = new FakeProcess();
    const { promise, open } = gate();
    const end = nodeLifecycle({ process }).subscribe(() => promise);
    process.emit('SIGTERM');
    end();
    open();
    await settle();
    expect(process.raised).toEqual(['SIGTERM']);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(process.listenerTotal).toBe(0);
  });

  it('does not wait for the signal-exit package, which would wait for it', async () => {
    const process = Object.assign(new FakeProcess(), { __signal_exit_emitter__: { count: 1 } });
    const globals = globalThis as { [key: symbol]: unknown };
    const former = globals[signalExitV4];
    globals[signalExitV4] = { count: 1 };
    try {
      process.on('SIGTERM', () => undefined);
      process.on('SIGTERM', () => undefined);
      nodeLifecycle({ process }).subscribe(() => undefined);
      process.emit('SIGTERM');
      await settle();
      expect(process.raised).toEqual(['SIGTERM']);
    } finally {
      globals[signalExitV4] = former;
    }
  });

  it('tells everybody, whatever a listener throws or rejects with', async () => {
    const process = new FakeProcess();
    const source = nodeLifecycle({ process });
    source.subscribe(() => {
      throw new Error('sync');
    });
    source.subscribe(() => Promise.reject(new Error('async')));
    const { changes } = logOf(source);
    process.emit('SIGTERM');
    await settle();
    expect([changes, process.raised]).toEqual([['terminate', 'exit'], ['SIGTERM']]);
  });

  it('listens for the signals it is told to, and no others', async () => {
    const process = new FakeProcess();
    const first = logOf(nodeLifecycle({ process, signals: ['SIGUSR2'] }));
    const second = logOf(nodeLifecycle({ process, signals: [] }));
    expect(process.listenerCount('SIGTERM')).toBe(0);
    process.emit('SIGUSR2');
    await settle();
    expect(process.raised).toEqual(['SIGUSR2']);
    // The second is not asked to end in time, but the process ends for it, too.
    expect([first.changes, second.changes]).toEqual([['terminate', 'exit'], ['exit']]);
  });

  it.each<[NodeLifecycleOptions, string]>([
    [{ signals: ['term'] }, `signals must be a list of names like 'SIGTERM', got ["term"]`],
    [{ signals: 'SIGTERM' as never }, `signals must be a list of names like 'SIGTERM', got "SIGTERM"`],
    [{ signals: ['SIGKILL'] }, "signals must be ones that a process can handle, got 'SIGKILL'"],
    [{ terminateTimeoutMs: -1 }, 'terminateTimeoutMs must be a whole number from 0 to 2147483647, got -1'],
    [{ process: {} as never }, 'process must be that of Node.js'],
  ])('refuses %o', (options, message) => {
    expect(() => nodeLifecycle(options)).toThrow(message);
  });

  it('listens to the real process unless told otherwise', async () => {
    const before = process.listenerCount('SIGHUP');
    const end = nodeLifecycle().subscribe(() => undefined);
    expect(process.listenerCount('SIGHUP')).toBe(before + 1);
    end();
    await twoTurns();
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });
});
