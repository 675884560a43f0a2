import { nodeFileSystem } from '@relaykit/segments';
import { type EncryptionKey, KEY_BYTES, KeyRing, type KeySet } from '@relaykit/serializer-encrypted';
import type { FileSystem } from '@relaykit/types';

/** A key is a hundred bytes; what is larger is another file. */
const maxKeyFileBytes = 64 * 1024;
const readableByOthers = 0o077;
const lineFeed = 0x0a;
const hash = 0x23;

/**
 * Reads a file of keys: a line for each, an id, spaces, and 64 hexadecimal digits. The first encrypts, the others only
 * decrypt. Blank lines and lines that begin with `#` are left out. Key bytes never become text, and the bytes of the file
 * are overwritten before this returns.
 *
 * @throws Error - the file cannot be read, others may read it, or a line is no key; no word of a key is in the message.
 */
export function readKeyFile(path: string, fileSystem: FileSystem = nodeFileSystem()): KeySet {
  const content = readPrivate(path, fileSystem);
  try {
    const places: string[] = [];
    const keys = [...linesOf(content)].flatMap((line, index) => {
      const place = `${path}, line ${index + 1}`;
      const key = parseLine(line, place);
      if (key) places.push(place);
      return key ?? [];
    });
    const [current, ...others] = keys;
    if (!current) throw new Error(`${path} holds no key; write one line: an id, a space, and 64 hexadecimal digits.`);
    requireRules({ current, others }, places);
    return { current, others };
  } finally {
    content.fill(0);
  }
}

/** @throws Error - naming the line of a key that breaks the rules of keys. */
function requireRules(keys: KeySet, places: readonly string[]): void {
  try {
    new KeyRing(keys).wipe();
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    const [, index, rule = ''] = /^keys\.(?:current|others\[(\d+)\])\.id (.*)$/u.exec(cause.message) ?? [];
    const place = places[index === undefined ? 0 : Number(index) + 1];
    throw new Error(`${place}: the id ${rule.replace('the ring has', 'the file has')}.`);
  }
}

function readPrivate(path: string, fileSystem: FileSystem): Uint8Array {
  const handle = openKeyFile(path, fileSystem);
  try {
    const { mode, ownerId, sizeBytes } = handle.statSync();
    // Windows reports rights that mean nothing there.
    if (ownerId !== undefined) {
      if ((mode & readableByOthers) !== 0) {
        const rights = mode.toString(8).padStart(4, '0');
        throw new Error(
          `Others can read the key file ${path} (mode ${rights}); chmod 600 it, and think of the keys as known.`,
        );
      }
      if (ownerId !== fileSystem.userId && ownerId !== 0) {
        throw new Error(`The key file ${path} belongs to another user (${ownerId}); use one of your own.`);
      }
    }
    if (sizeBytes > maxKeyFileBytes) throw new Error(`${path} is no key file: it is ${sizeBytes} bytes long.`);
    return handle.readSync(0, maxKeyFileBytes);
  } finally {
    handle.closeSync();
  }
}

function openKeyFile(path: string, fileSystem: FileSystem) {
  try {
    return fileSystem.openFileSync(path, 'read');
  } catch (cause) {
    throw new Error(`Cannot read the key file ${path}; check --key-file. It must be a regular file, and no link`, {
      cause,
    });
  }
}

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, start);
    yield bytes.subarray(start, end < 0 ? bytes.length : end);
    if (end < 0) return;
    start = end + 1;
  }
}

function parseLine(line: Uint8Array, where: string): EncryptionKey | undefined {
  const words = wordsOf(line);
  const [id, digits] = words;
  if (id === undefined || id[0] === hash) return undefined;
  const key = digits && fromHex(digits);
  if (!key || words.length > 2) {
    throw new Error(`${where} is no key; it must be an id, a space, and ${2 * KEY_BYTES} hexadecimal digits.`);
  }
  return { id: Buffer.from(id).toString('latin1'), key };
}

function wordsOf(line: Uint8Array): Uint8Array[] {
  const words: Uint8Array[] = [];
  let start = -1;
  for (let index = 0; index <= line.length; index += 1) {
    const isSpace = index === line.length || (line[index] ?? 0) <= 0x20;
    if (!isSpace && start < 0) start = index;
    if (isSpace && start >= 0) {
      words.push(line.subarray(start, index));
      start = -1;
    }
  }
  return words;
}

function fromHex(digits: Uint8Array): Uint8Array | undefined {
  if (digits.length !== 2 * KEY_BYTES) return undefined;
  const key = new Uint8Array(KEY_BYTES);
  for (let index = 0; index < KEY_BYTES; index += 1) {
    const [high, low] = [digitOf(digits[2 * index]), digitOf(digits[2 * index + 1])];
    if (high < 0 || low < 0) return undefined;
    key[index] = high * 16 + low;
  }
  return key;
}

function digitOf(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
