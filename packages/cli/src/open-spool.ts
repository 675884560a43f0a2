import { Ledger, nodeFileSystem, Spool, type SpoolOptions, systemClock } from '@relaykit/segments';
import type { Clock, FileSystem } from '@relaykit/types';
import { requireSpool } from './require-spool.ts';

/** A spool for commands that only look: no lock, no recovery, nothing written. */
export interface SpoolView {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly ledger: Ledger;
}

/** @throws Error - there is no spool. */
export async function viewSpool(directory: string): Promise<SpoolView> {
  await requireSpool(directory);
  const [fileSystem, clock] = [nodeFileSystem(), systemClock()];
  return { directory, fileSystem, clock, ledger: new Ledger({ directory, fileSystem, clock }) };
}

/** The same for commands that change it. */
export async function openSpool({
  dir: directory,
  allowUnsafeDirectory = false,
  fileSystem,
}: {
  readonly dir: string;
  readonly allowUnsafeDirectory?: boolean;
  readonly fileSystem?: SpoolOptions['fileSystem'];
}): Promise<Spool> {
  await requireSpool(directory);
  return Spool.openSync({ directory, allowUnsafeDirectory, ...(fileSystem ? { fileSystem } : {}) });
}
