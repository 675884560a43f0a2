// What a power cut leaves of one file: which of its unsynced changes reached the disk, sector by sector.
import type { Choices } from './choices.ts';
import { type Content, contentOf, viewContent } from './content.ts';
import { applyChanges } from './disk-state.ts';
import { type DataChange, dataChanges, type FileNode } from './nodes.ts';

/**
 * One legal content of a file after a power cut. What the last sync covered and nobody changed since is there. Of the
 * rest:
 *
 * - Each sector holds what it held after some of its unsynced writes, in their order: none, all or a part of them; the
 *   next one may be torn at any byte. Sectors reach the disk in any order.
 * - The size is that after some of the changes, or ends at a sector border inside one that extends the file. Where it
 *   was extended and the sector was not written, zeros are read.
 */
export function drawContent(file: FileNode, choices: Choices, sectorBytes: number): Content {
  if (file.unsynced === undefined) return file.durable;
  const changes = dataChanges(file.unsynced);
  if (choices.isExhaustive) return drawMixed(file, changes, choices, sectorBytes);
  // Without these, a file of many sectors would never be found whole or empty.
  switch (choices.choose(6)) {
    case 0:
      return arrivedWhole(file);
    case 1:
      return file.durable;
    case 2:
      return drawPrefix(file, changes, choices, sectorBytes);
    case 3:
      return extended(file, changes);
    default:
      return drawMixed(file, changes, choices, sectorBytes);
  }
}

/** Every unsynced change reached the disk. */
export function arrivedWhole(file: FileNode): Content {
  return file.hasDropped ? applyChanges(file.durable, dataChanges(file.unsynced)) : file.content;
}

/** The size arrived, the data did not: the zero tail of a delayed allocation. */
function extended(file: FileNode, changes: readonly DataChange[]): Content {
  const sizeBytes = changes.at(-1)?.sizeAfterBytes ?? 0;
  return contentOf(sized(file.durable, sizeBytes));
}

/** Changes arrived in order, up to a byte of the last one. */
function drawPrefix(file: FileNode, changes: readonly DataChange[], choices: Choices, sectorBytes: number): Content {
  const whole = choices.choose(changes.length + 1);
  const kept = changes.slice(0, whole);
  const next = changes[whole];
  if (next?.bytes === undefined || next.bytes.byteLength === 0) return applyChanges(file.durable, kept);
  const bytes = next.bytes.subarray(0, choices.choose(next.bytes.byteLength));
  const border = Math.ceil((next.positionBytes + bytes.byteLength) / sectorBytes) * sectorBytes;
  const sizeAfterBytes = Math.min(next.sizeAfterBytes, Math.max(border, next.sizeBeforeBytes));
  const size = { ...next, bytes: undefined, sizeAfterBytes };
  return applyChanges(file.durable, [...kept, { ...next, bytes }, size]);
}

function drawMixed(file: FileNode, changes: readonly DataChange[], choices: Choices, sectorBytes: number): Content {
  const sizeBytes = drawSize(file, changes, choices, sectorBytes);
  const bytes = sized(file.durable, sizeBytes);
  const sectors = Math.ceil(sizeBytes / sectorBytes);
  // How many changes touch each sector, then how many of them arrived.
  const arrived = new Int32Array(sectors);
  for (const change of changes) {
    const [first, end] = touched(change, sectorBytes, sectors);
    for (let sector = first; sector < end; sector += 1) arrived[sector] = (arrived[sector] as number) + 1;
  }
  const isTorn = new Uint8Array(sectors);
  for (let sector = 0; sector < sectors; sector += 1) {
    const count = arrived[sector] as number;
    if (count > 0) drawSector(sector, count, arrived, isTorn, choices);
  }
  for (const change of changes) {
    const [first, end] = touched(change, sectorBytes, sectors);
    for (let sector = first; sector < end; sector += 1) {
      const left = arrived[sector] as number;
      arrived[sector] = left - 1;
      const from = Math.max(changeStart(change), sector * sectorBytes);
      const to = Math.min(changeEnd(change), (sector + 1) * sectorBytes, sizeBytes);
      if (left > 0) overwrite(bytes, change, from, to);
      else if (left === 0 && isTorn[sector] === 1) overwrite(bytes, change, from, tear(from, to, choices));
    }
  }
  return contentOf(bytes);
}

/** Sizes after each number of changes, and the sector borders inside changes that extend the file. */
function drawSize(file: FileNode, changes: readonly DataChange[], choices: Choices, sectorBytes: number): number {
  const sizes = new Set([file.durable.sizeBytes]);
  for (const { sizeBeforeBytes, sizeAfterBytes } of changes) {
    const firstBorder = Math.floor(sizeBeforeBytes / sectorBytes + 1) * sectorBytes;
    const borders = Math.max(0, Math.ceil((sizeAfterBytes - firstBorder) / sectorBytes));
    if (choices.isExhaustive) {
      for (let index = 0; index < borders; index += 1) sizes.add(firstBorder + index * sectorBytes);
    } else if (borders > 0) {
      // One border for each change keeps the list short where writes are large.
      sizes.add(firstBorder + choices.choose(borders) * sectorBytes);
    }
    sizes.add(sizeAfterBytes);
  }
  const all = [...sizes];
  return all[choices.choose(all.length)] as number;
}

function drawSector(sector: number, count: number, arrived: Int32Array, isTorn: Uint8Array, choices: Choices): void {
  // Possibilities: 0 … count changes arrived whole, or some did and the next one is torn.
  const drawn = choices.isExhaustive ? choices.choose(count * 2 + 1) : drawLikely(count, choices);
  arrived[sector] = drawn > count ? drawn - count - 1 : drawn;
  isTorn[sector] = drawn > count ? 1 : 0;
}

/** Whole and lost sectors are drawn more often than torn ones and those in between. */
function drawLikely(count: number, choices: Choices): number {
  const kind = choices.choose(4);
  if (kind < 2) return kind === 0 ? 0 : count;
  return kind === 2 ? choices.choose(count + 1) : count + 1 + choices.choose(count);
}

function tear(from: number, to: number, choices: Choices): number {
  if (to - from < 2) return from;
  return choices.isExhaustive ? from + ((to - from) >> 1) : from + 1 + choices.choose(to - from - 1);
}

function overwrite(target: Uint8Array, change: DataChange, from: number, to: number): void {
  if (to <= from) return;
  const { bytes, positionBytes } = change;
  const start = Math.max(from, positionBytes);
  if (bytes === undefined) {
    target.fill(0, from, to);
    return;
  }
  // A write past the end leaves a hole of zeros before it.
  if (from < start) target.fill(0, from, Math.min(start, to));
  if (start < to) target.set(bytes.subarray(start - positionBytes, to - positionBytes), start);
}

function changeStart({ positionBytes, sizeBeforeBytes, bytes }: DataChange): number {
  return bytes === undefined ? positionBytes : Math.min(positionBytes, sizeBeforeBytes);
}

function changeEnd({ positionBytes, sizeBeforeBytes, sizeAfterBytes, bytes }: DataChange): number {
  return bytes === undefined ? Math.max(sizeBeforeBytes, sizeAfterBytes) : positionBytes + bytes.byteLength;
}

function touched(change: DataChange, sectorBytes: number, sectors: number): readonly [number, number] {
  const end = Math.min(sectors, Math.ceil(changeEnd(change) / sectorBytes));
  return [Math.floor(changeStart(change) / sectorBytes), end];
}

function sized(content: Content, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const kept = viewContent(content);
  bytes.set(kept.byteLength > sizeBytes ? kept.subarray(0, sizeBytes) : kept);
  return bytes;
}
