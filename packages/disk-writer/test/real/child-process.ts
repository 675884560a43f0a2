import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** Whole lines of its output so far. */
  readonly lines: readonly string[];
  /** Resolves once it has said so many lines, or has ended. */
  said(lineCount: number): Promise<void>;
  /** Resolves to its exit code, `undefined` where a signal ended it, once all of its output was read. */
  readonly ended: Promise<number | undefined>;
}

/** Starts a script beside this file, in a process of its own, on the TypeScript sources. */
export function startChild(script: string, ...args: readonly string[]): Child {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@relaykit/source', '--import', 'tsx', path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  let isOver = false;
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    notify();
  });
  const ended = new Promise<number | undefined>((resolve) => {
    child.on('close', (code) => {
      isOver = true;
      notify();
      resolve(code ?? undefined);
    });
  });
  const said = (lineCount: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isOver && lines.length < lineCount) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  return { process: child, lines, said, ended };
}

/** A directory that is removed when the test ends whose `onTestFinished` is passed. */
export function temporaryDirectory(onTestFinished: (remove: () => void) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
