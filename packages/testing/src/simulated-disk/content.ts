/** Memory that several contents share. Bytes below `usedBytes` never change again; those above are zero. */
interface Backing {
  readonly bytes: Uint8Array;
  usedBytes: number;
}

/**
 * What a file holds: a value that never changes. Appending shares the memory of the shorter content, so that a snapshot
 * costs nothing and a file that only grows is copied as seldom as a growing array.
 */
export interface Content {
  readonly backing: Backing;
  readonly sizeBytes: number;
}

const MIN_CAPACITY_BYTES = 64;

export const EMPTY_CONTENT: Content = { backing: { bytes: new Uint8Array(0), usedBytes: 0 }, sizeBytes: 0 };

/** Takes the bytes over: the caller must not change them any more. */
export function contentOf(bytes: Uint8Array): Content {
  return { backing: { bytes, usedBytes: bytes.byteLength }, sizeBytes: bytes.byteLength };
}

export function writeContent(content: Content, bytes: Uint8Array, positionBytes: number): Content {
  if (bytes.byteLength === 0) return content;
  const endBytes = positionBytes + bytes.byteLength;
  const isPureAppend = positionBytes >= content.sizeBytes;
  const target = isPureAppend && hasRoom(content, endBytes) ? content.backing : copied(content, endBytes);
  target.bytes.set(bytes, positionBytes);
  const sizeBytes = Math.max(endBytes, content.sizeBytes);
  target.usedBytes = sizeBytes;
  return { backing: target, sizeBytes };
}

export function resizeContent(content: Content, sizeBytes: number): Content {
  if (sizeBytes <= content.sizeBytes) return { backing: content.backing, sizeBytes };
  const backing = hasRoom(content, sizeBytes) ? content.backing : copied(content, sizeBytes);
  backing.usedBytes = sizeBytes;
  return { backing, sizeBytes };
}

/** A view; only for readers that do not change or keep it. */
export function viewContent(content: Content): Uint8Array {
  return content.backing.bytes.subarray(0, content.sizeBytes);
}

/** A copy of a range, cut at the end of the content. */
export function readContent(content: Content, positionBytes: number, lengthBytes: number): Uint8Array {
  return content.backing.bytes.slice(positionBytes, Math.min(positionBytes + lengthBytes, content.sizeBytes));
}

/** Only the longest content of a backing may grow in place: above it, nobody has written. */
function hasRoom({ backing, sizeBytes }: Content, neededBytes: number): boolean {
  return backing.usedBytes === sizeBytes && neededBytes <= backing.bytes.byteLength;
}

function copied(content: Content, endBytes: number): Backing {
  const grows = endBytes > content.sizeBytes;
  const capacity = grows ? Math.max(endBytes, content.sizeBytes * 2, MIN_CAPACITY_BYTES) : content.sizeBytes;
  const bytes = new Uint8Array(capacity);
  bytes.set(viewContent(content));
  return { bytes, usedBytes: content.sizeBytes };
}
