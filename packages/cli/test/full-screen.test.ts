// Goal: the live view ends by whoever wants it to end, however the keys come, and by no other key.
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { CommandContext } from '../src/command-context.ts';
import { FullScreen } from '../src/top/full-screen.ts';

class Keyboard extends EventEmitter {
  readonly isTTY = true;
  setRawMode(): void {}
  pause(): void {}
}

function endsAt(keys: string): boolean {
  const stdin = new Keyboard();
  let hasEnded = false;
  const context = { stdin, stdout: { write: () => true } } as unknown as CommandContext;
  using _screen = new FullScreen(context, () => {
    hasEnded = true;
  });
  stdin.emit('data', Buffer.from(keys, 'latin1'));
  return hasEnded;
}

it.each(['q', 'Q', '\u0003', '\u001b', '\u0003\u0003', 'qq', 'q\n', '\u0003q', '\u001b[A\u0003'])(
  'ends at %j',
  (keys) => {
    expect(endsAt(keys)).toBe(true);
  },
);

it.each(['x', '\n', '\u001b[A', '\u001bOq'])('goes on at %j', (keys) => {
  expect(endsAt(keys)).toBe(false);
});
