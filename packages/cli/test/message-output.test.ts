// Goal: messages and acknowledgements cost bounded memory and never hold up the end, whoever does not read.
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { LineOutput } from '../src/line-output.ts';
import { MessageOutput, maxPendingMessageBytes } from '../src/message-output.ts';

/** A stream whose reader reads nothing until it is told to. */
class StuckStream extends Writable {
  text = '';
  #isReading = false;
  #go: () => void = () => undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.text += chunk.toString('utf8');
      done();
    };
    if (this.#isReading) take();
    else this.#go = take;
  }

  read(): void {
    this.#isReading = true;
    this.#go();
  }
}

it('skips and counts messages that nobody reads, and says so in the end', async () => {
  const stream = new StuckStream();
  const messages = new MessageOutput(stream, new AbortController().signal);
  const text = 'x'.repeat(1_000);
  for (let count = 0; count < 1_000; count += 1) messages.say(text);
  expect(stream.writableLength).toBeLessThan(maxPendingMessageBytes + 2_000);
  const ended = messages.end(['done']);
  stream.read();
  await ended;
  const lines = stream.text.trimEnd().split('\n');
  const shown = lines.length - 2;
  expect(lines.slice(-2)).toEqual([`relay: ${1_000 - shown} messages not shown, nobody read in time`, 'relay: done']);
  expect(shown).toBeGreaterThan(50);
});

it('waits for no reader once the signal came', async () => {
  const stop = new AbortController();
  const stream = new StuckStream();
  const output = new LineOutput(stream, stop.signal);
  const messages = new MessageOutput(stream, stop.signal);
  const written = output.write('an acknowledgement');
  const flushed = output.flush();
  stop.abort();
  await Promise.all([written, flushed, output.write('another'), messages.end(['done'])]);
  expect(stream.text).toBe('');
});
