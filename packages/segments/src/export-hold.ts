import type { SegmentMetadata } from '@relaykit/types';

/** The reason of what a writer with `holdExport` seals: it waits for a consent, and goes or stays as a whole. */
export const HELD_BY_WRITER = 'holdExport';

/** The members of metadata that say whether a segment may be delivered. */
export type ExportHold = Pick<SegmentMetadata, 'exportReady' | 'heldReason'>;

export function exportHold(isHeld: boolean): ExportHold {
  return isHeld ? { exportReady: false, heldReason: HELD_BY_WRITER } : { exportReady: true };
}
