// Goal: who awaits each write and begins the next at once does not keep timers and sockets waiting.
import { expect, it } from 'vitest';
import { MAX_TURN_MS } from '../src/event-loop-turn.ts';
import { events, WriterOnDisk } from './writer-on-disk.ts';

it('turns the event loop every few milliseconds of writing', async () => {
  const spool = new WriterOnDisk();
  await spool.writer.open();
  await new Promise((resolve) => setImmediate(resolve));
  // A write takes a millisecond, by the clock of the writer.
  spool.disk.onStep = ({ name }) => {
    if (name === 'write') spool.clock.advance(1);
  };
  const turns: number[] = [];
  let written = 0;
  const look = (): void => {
    turns.push(written);
    if (written < 100) setImmediate(look);
  };
  setImmediate(look);
  while (written < 100) {
    await spool.writer.write(events(written));
    written += 1;
  }
  const longest = Math.max(...turns.map((count, index) => count - (turns[index - 1] ?? 0)));
  expect(turns.length).toBeGreaterThan(5);
  expect(longest).toBeLessThanOrEqual(2 * MAX_TURN_MS);
  await spool.writer.close();
});
