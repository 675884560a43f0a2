// Goal: a process that is killed between the stream's acknowledgement and its own receipt does not make events appear twice.
// Method: real processes, a real spool, a real server; the process kills itself at that very moment, again and again.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { filledSpool } from './filled-spool.ts';
import { isNatsInstalled, NatsServer, natsMark, StreamView } from './nats-server.ts';

const segments = 6;
const eventsEach = 50;

describe.skipIf(!isNatsInstalled)(`killed between acknowledgement and receipt${natsMark}`, () => {
  it.each(['segment', 'event'])('each event is in the stream once, by %s', async (mode) => {
    await using server = await NatsServer.start();
    await using view = await StreamView.open(server.address);
    await view.addStream();
    const cleanUps: (() => void)[] = [];
    try {
      const directory = await filledSpool((remove) => void cleanUps.push(remove), { segments, eventsEach });
      const acknowledged: string[] = [];
      const runs: (string | number | null)[] = [];
      // Each dies at its second segment; the first of the next is the one that it did not write down.
      for (let run = 0; run < 20 && runs.at(-1) !== 0; run += 1) {
        const { code, signal, lines } = await exportSpool(directory, server.address, mode, 2);
        runs.push(signal ?? code);
        acknowledged.push(...lines.filter((line) => line.startsWith('acknowledged')));
      }
      expect(runs).toEqual([...Array.from({ length: segments - 1 }, () => 'SIGKILL'), 0]);
      // Segments were sent again, so that there was something to recognise.
      expect(acknowledged.length).toBe(segments + (segments - 1));

      const messages = await view.messages();
      const text = messages.map(({ data }) => new TextDecoder().decode(data)).join('\n');
      const numbers = [...text.matchAll(/\{"n":(\d+)\}/gu)].map(([, n]) => Number(n));
      expect(numbers).toEqual(Array.from({ length: segments * eventsEach }, (_, n) => n));
      expect(messages).toHaveLength(mode === 'event' ? segments * eventsEach : segments);
    } finally {
      for (const cleanUp of cleanUps) cleanUp();
    }
  });
});

function exportSpool(
  directory: string,
  servers: string,
  mode: string,
  killAfter: number,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; lines: readonly string[] }> {
  const path = fileURLToPath(new URL('export-until-killed.ts', import.meta.url));
  const args = ['--conditions=@relaykit/source', '--import', 'tsx', path, directory, servers, mode, String(killAfter)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += String(text);
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, lines: output.split('\n') }));
  });
}
