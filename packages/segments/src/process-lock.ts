/** Files locked by this process under `ownership: 'singleProcess'`, by device and inode. */
const owned = new Set<string>();

/**
 * Stands in for the kernel lock where there is none: it keeps the parts of one process apart, on the caller's promise
 * that no other process uses the spool.
 *
 * @returns A function that releases the lock, or `undefined` where somebody in this process holds it.
 */
export function tryProcessLock(device: bigint, inode: bigint): (() => void) | undefined {
  const key = `${device}:${inode}`;
  if (owned.has(key)) return undefined;
  owned.add(key);
  return () => {
    owned.delete(key);
  };
}
