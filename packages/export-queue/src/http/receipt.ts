/** Kept in the ledger; more than any request id. */
export const MAX_RECEIPT_CHARS = 200;

/** A server's words: bounded and printable, or left out. */
export function receiptOf(value: string | undefined): { readonly receipt?: string } {
  return value !== undefined && /^[\x21-\x7e]+$/u.test(value) && value.length <= MAX_RECEIPT_CHARS
    ? { receipt: value }
    : {};
}
