// The pipeline as its users make it: defaults, and as few words as possible.
import { createRelay, type Relay, type RelayOptions } from '@relaykit/relay';
import { filesBelow } from './disk.ts';
import type { PageView } from './events.ts';

export function makeRelay(directory: string, options: Partial<RelayOptions<PageView>> = {}): Relay<PageView> {
  return createRelay<PageView>({ directory, ...options });
}

/** Adds one event, and waits where the buffer is full. */
export function addTo(relay: Relay<PageView>, event: PageView): undefined | Promise<unknown> {
  const answer = relay.add(event);
  if (answer.status === 'added') return undefined;
  if (answer.status === 'refused' && answer.reason === 'full') return relay.addWhenRoom(event);
  throw new Error(`an event was ${answer.status}: ${answer.reason}`);
}

/** Segments, sealed or not; the ledger is none. */
export function segmentsIn(directory: string): string[] {
  return filesBelow(directory, /(?<!^ledger)\.ndjson(?:\.open)?$/u);
}

export async function closeRelay(relay: Relay<PageView>): Promise<void> {
  const { errors } = await relay.close();
  if (errors.length > 0) throw errors[0];
}
