/** Delivers into an array, answering as it is told. */
export class ArrayUploader {
  received = [];
  answer = 'accept';

  async upload(segment, { signal }) {
    signal.throwIfAborted();
    if (this.answer === 'hang') {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    }
    const pieces = [];
    for await (const piece of segment.stream()) pieces.push(...piece);
    signal.throwIfAborted();
    this.received.push({ idempotencyKey: segment.idempotencyKey, bytes: Uint8Array.from(pieces) });
    if (this.answer === 'refuseForNow') return { status: 'retry', cause: new Error('busy') };
    if (this.answer === 'refuseForEver') return { status: 'rejected', cause: new Error('no') };
    return { status: 'accepted' };
  }
}
