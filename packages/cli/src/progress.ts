import type { Writable } from 'node:stream';
import { MultiBar, type Params } from 'cli-progress';
import { formatBytes, formatDuration } from './format.ts';
import type { MessageOutput } from './message-output.ts';

/** What is over sooner needs no bar. */
export const showAfterMs = 1_000;

export interface ProgressOptions {
  readonly stream: Writable & { readonly isTTY?: boolean };
  readonly messages: MessageOutput;
  /** What is counted. */
  readonly unit: 'bytes' | 'segments' | 'events';
  /** How many there are; without it there is a rate and no bar. */
  readonly total?: number;
  /** Where something else is shown on the same terminal, which a bar would run into. */
  readonly isHidden?: boolean;
}

export interface Progress {
  advance(count: number): void;
  /** Prints a message that stays above the bar. */
  say(text: string): void;
  /** Takes the bar away. Calling it again is harmless. */
  stop(): void;
}

/** A bar with rate and time left, on a terminal and for work longer than a second; messages alone otherwise. */
export function startProgress({ stream, messages, unit, total, isHidden = false }: ProgressOptions): Progress {
  const say = (text: string): void => messages.say(text);
  if (!stream.isTTY || isHidden) return { advance: () => undefined, say, stop: () => undefined };
  let value = 0;
  let bars: MultiBar | undefined;
  const startedMs = performance.now();
  const format = (_options: unknown, _params: Params): string =>
    describeProgress({
      value,
      unit,
      elapsedMs: performance.now() - startedMs,
      ...(total === undefined ? {} : { total }),
    });
  const timer = setTimeout(() => {
    bars = new MultiBar({ stream, format, hideCursor: true, clearOnComplete: true, gracefulExit: false });
    bars.create(Math.max(1, total ?? 1), 0);
  }, showAfterMs);
  timer.unref();
  return {
    advance: (count) => {
      value += count;
    },
    say: (text) => (bars ? void bars.log(`relay: ${text}\n`) : say(text)),
    stop: () => {
      clearTimeout(timer);
      bars?.stop();
      bars = undefined;
    },
  };
}

const barWidth = 24;

/** One line, at most 79 columns wide. */
export function describeProgress({
  value,
  total,
  unit,
  elapsedMs,
}: {
  readonly value: number;
  readonly total?: number;
  readonly unit: ProgressOptions['unit'];
  readonly elapsedMs: number;
}): string {
  const amount = (count: number): string =>
    unit === 'bytes' ? formatBytes(Math.round(count)) : Math.round(count).toLocaleString('en-US');
  const named = unit === 'bytes' ? '' : ` ${unit}`;
  const rate = value / (Math.max(1, elapsedMs) / 1_000);
  const speed = `${amount(rate)}/s`;
  if (total === undefined || total === 0) return `${amount(value)}${named}  ${speed}  ${formatDuration(elapsedMs)}`;
  const share = Math.min(1, value / total);
  const filled = Math.round(share * barWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const left = rate > 0 ? `${formatDuration(((total - value) / rate) * 1_000)} left` : 'waiting';
  return `${bar} ${Math.floor(share * 100)}%  ${amount(value)}/${amount(total)}${named}  ${speed}  ${left}`;
}
