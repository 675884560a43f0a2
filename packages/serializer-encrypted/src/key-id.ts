/** Room for the names that key services give, a full AWS ARN included. */
export const MAX_KEY_ID_BYTES = 128;

const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._:/@+=-]*$/;

/** Key ids stand in files, metadata and messages in the clear, so only harmless ASCII is allowed in them. */
export function isKeyId(id: unknown): id is string {
  return typeof id === 'string' && id.length <= MAX_KEY_ID_BYTES && KEY_ID.test(id);
}
