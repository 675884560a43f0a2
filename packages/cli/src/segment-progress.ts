import type { Writable } from 'node:stream';
import type { SegmentStore } from '@relaykit/types';
import { MultiBar } from 'cli-progress';
import type { MessageOutput } from './message-output.ts';

export interface SegmentProgress {
  /** One more segment is settled. */
  advance(): void;
  /** Prints a message that stays above the bar. */
  say(text: string): void;
  stop(): void;
}

/** A bar with rate and time left on a terminal; lines alone otherwise. */
export async function showSegmentProgress(
  store: SegmentStore,
  stream: Writable & { readonly isTTY?: boolean },
  messages: MessageOutput,
): Promise<SegmentProgress> {
  if (!stream.isTTY) {
    return { advance: () => undefined, say: (text) => messages.say(text), stop: () => undefined };
  }
  let total = 0;
  for await (const _ of store.list()) total += 1;
  const bars = new MultiBar({
    stream,
    format: '{bar} {value}/{total} segments  {duration_formatted}, {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  const bar = bars.create(total, 0);
  return {
    advance: () => bar.increment(),
    say: (text) => void bars.log(`relay: ${text}\n`),
    stop: () => bars.stop(),
  };
}
