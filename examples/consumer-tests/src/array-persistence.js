import { RelayError } from '@relaykit/types';

/** Keeps lines in an array: the least that an `EventPersisting` has to be. */
export class ArrayPersistence {
  lines = [];
  #closing;

  async write(events, { durability = 'written', signal } = {}) {
    if (this.#closing) throw new RelayError('RELAY_CLOSED', 'Cannot write: closed.', { operation: 'write' });
    signal?.throwIfAborted();
    const rejected = [];
    const added = [];
    for (const [index, event] of events.entries()) {
      try {
        const line = JSON.stringify(event);
        if (line === undefined) throw new TypeError('undefined');
        added.push(line);
      } catch (cause) {
        const facts = { reason: 'throws' };
        rejected.push({ index, cause: new RelayError('RELAY_EVENT_UNSERIALIZABLE', 'Not JSON.', facts, { cause }) });
      }
    }
    const firstSequence = this.lines.length;
    this.lines.push(...added);
    const segmentId = added.length > 0 ? 'array' : '';
    return { segmentId, writerId: 'array', firstSequence, eventCount: added.length, durability, rejected };
  }

  close() {
    this.#closing ??= Promise.resolve();
    return this.#closing;
  }
}
