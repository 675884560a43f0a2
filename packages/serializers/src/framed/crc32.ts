import { nodeZlib } from './node-zlib.ts';

/** CRC-32 as gzip and PNG have it (RFC 1952, section 8), of `bytes` behind what `value` is the CRC of. */
export const crc32: (bytes: Uint8Array, value?: number) => number = nodeZlib()?.crc32 ?? portableCrc32;

const POLYNOMIAL = 0xedb88320;
const BYTES_AT_ONCE = 8;

let tables: readonly Uint32Array[] | undefined;

/** Eight bytes a step ("slicing-by-8", Kounavis and Berry 2005), for where the platform has none. */
export function portableCrc32(bytes: Uint8Array, value: number = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const at = (table: Uint32Array, index: number): number => table[index & 0xff] as number;
  const byte = (index: number): number => bytes[index] as number;
  let crc = ~value;
  let index = 0;
  for (const last = bytes.byteLength - BYTES_AT_ONCE; index <= last; index += BYTES_AT_ONCE) {
    crc ^= byte(index) | (byte(index + 1) << 8) | (byte(index + 2) << 16) | (byte(index + 3) << 24);
    crc =
      at(t7, crc) ^
      at(t6, crc >>> 8) ^
      at(t5, crc >>> 16) ^
      at(t4, crc >>> 24) ^
      at(t3, byte(index + 4)) ^
      at(t2, byte(index + 5)) ^
      at(t1, byte(index + 6)) ^
      at(t0, byte(index + 7));
  }
  for (; index < bytes.byteLength; index += 1) crc = at(t0, crc ^ byte(index)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The first is of one byte; each other is of that byte with one more zero behind it. */
function makeTables(): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const made = [first];
  for (let last = first; made.length < BYTES_AT_ONCE; made.push(last)) {
    last = last.map((crc) => (first[crc & 0xff] as number) ^ (crc >>> 8));
  }
  return made;
}
