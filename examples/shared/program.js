// Programs that tests start, talk to, and end in every way.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Long enough for any machine; reached only where something never comes. */
const PATIENCE_MS = 60_000;

/**
 * Starts `node ...args`. Whatever it prints is kept, by line; a test that ends leaves no process behind.
 *
 * @param test - The context of `node:test`.
 */
export function startProgram(test, args, { env = {}, cwd = process.cwd() } = {}) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  const lines = [];
  let rest = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    const parts = (rest + piece).split('\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    errors += piece;
  });
  child.stdin.on('error', () => {}); // it ended before it had read everything
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, lines, errors }));
  });
  test.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    lines,
    ended,
    pid: child.pid,
    send: (line) => child.stdin.write(`${line}\n`),
    kill: (signal) => child.kill(signal),
    errors: () => errors,
    /** @returns The first line that matches, as soon as there is one. */
    line: (pattern) =>
      until(() => {
        if (child.exitCode !== null && !lines.some((line) => pattern.test(line))) {
          throw new Error(
            `it ended with ${child.exitCode} and never printed ${pattern}:\n${lines.join('\n')}\n${errors}`,
          );
        }
        return lines.find((line) => pattern.test(line));
      }, `a line like ${pattern}`),
  };
}

/** @returns What `found` returns, as soon as that is not undefined or false. */
export async function until(found, what) {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`${what} did not come within ${PATIENCE_MS} ms`);
    await pause(10);
  }
}

/** A directory that is removed after the test. */
export function temporaryDirectory(test) {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-example-'));
  test.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
