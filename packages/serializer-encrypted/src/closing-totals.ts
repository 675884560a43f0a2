import type { SealContext } from '@relaykit/types';

const CLOSING_BYTES = 16;

/** What the closing frame holds: events and bytes of all frames before it, 8 bytes each, little-endian. */
export type ClosingTotals = Pick<SealContext, 'eventCount' | 'sizeBytes'>;

export function encodeTotals({ eventCount, sizeBytes }: ClosingTotals): Uint8Array {
  const bytes = new Uint8Array(CLOSING_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(eventCount), true);
  view.setBigUint64(8, BigInt(sizeBytes), true);
  return bytes;
}

export function hasTotals(plaintext: Uint8Array, totals: ClosingTotals): boolean {
  const expected = encodeTotals(totals);
  return plaintext.byteLength === CLOSING_BYTES && expected.every((byte, index) => byte === plaintext[index]);
}
