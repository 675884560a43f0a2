import type { FileStat } from '@relaykit/types';
import { type Node, storedBytes } from './nodes.ts';

/** The one device of a simulated disk. */
const DEVICE = 0x51n;

const DIRECTORY_BYTES = 4096;

/** `userId` tells whether the simulated platform knows owners at all. */
export function fileStat(node: Node, userId: number | undefined): FileStat {
  return {
    kind: node.kind,
    sizeBytes: sizeBytes(node),
    modifiedAtMs: node.modifiedAtMs,
    device: DEVICE,
    inode: BigInt(node.number),
    linkCount: node.linkCount,
    mode: node.mode,
    ownerId: userId === undefined ? undefined : node.ownerId,
  };
}

function sizeBytes(node: Node): number {
  if (node.kind === 'directory') return DIRECTORY_BYTES;
  return node.kind === 'symbolicLink' ? new TextEncoder().encode(node.target).byteLength : storedBytes(node);
}
