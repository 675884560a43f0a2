import type { PubAck } from '@nats-io/jetstream';
import { untilAborted } from '@relaykit/export-queue/uploader-kit';
import type { Message } from './message-headers.ts';

/** A message was not acknowledged; its cause is what the client threw. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
}

export interface PublishWindowOptions {
  /** Messages that wait for their acknowledgement. */
  readonly maxInFlight: number;
  readonly publish: (message: Message) => Promise<PubAck>;
  readonly signal: AbortSignal;
}

/**
 * Publishes messages in order, without waiting for each acknowledgement before the next goes out, and waits for all.
 *
 * @returns The acknowledgement with the highest position in the stream; `undefined` where there was no message.
 * @throws PublishError - at the first message that was not acknowledged; those after it may be stored all the same. What
 *   `messages` throws; the signal's reason when aborted.
 */
export async function publishAll(
  messages: AsyncIterable<Message>,
  { maxInFlight, publish, signal }: PublishWindowOptions,
): Promise<PubAck | undefined> {
  const inFlight = new Set<Promise<void>>();
  const state: { last: PubAck | undefined; failure: PublishError | undefined } = {
    last: undefined,
    failure: undefined,
  };
  const waitUntil = async (count: number): Promise<void> => {
    while (state.failure === undefined && inFlight.size > count) await untilAborted(Promise.race(inFlight), signal);
    if (state.failure !== undefined) throw state.failure;
  };
  for await (const message of messages) {
    signal.throwIfAborted();
    const one: Promise<void> = publish(message)
      .then(
        (ack) => {
          if (state.last === undefined || ack.seq > state.last.seq) state.last = ack;
        },
        (cause: unknown) => {
          state.failure ??= new PublishError('not acknowledged', { cause });
        },
      )
      .finally(() => inFlight.delete(one));
    inFlight.add(one);
    await waitUntil(maxInFlight - 1);
  }
  await waitUntil(0);
  return state.last;
}
