import { findSpoolIdSync, listSpoolFiles, readMetadataFile } from '@relaykit/segments';
import { isRelayError } from '@relaykit/types';
import type { SpoolView } from './open-spool.ts';

type Place = Pick<SpoolView, 'directory' | 'fileSystem'>;

/**
 * The spool's id, or why there is none: `spool.json` is missing or damaged.
 *
 * @throws RelayError `RELAY_SPOOL_UNSUPPORTED` - of a newer version; nothing may be said of such a spool.
 */
export function readSpoolId({ directory, fileSystem }: Place): { readonly id: string } | { readonly cause: unknown } {
  try {
    const id = findSpoolIdSync(fileSystem, directory);
    return id === undefined ? { cause: undefined } : { id };
  } catch (cause) {
    if (isRelayError(cause, 'RELAY_SPOOL_UNSUPPORTED') && cause.facts.foundVersion !== undefined) throw cause;
    return { cause };
  }
}

/** The id that most segments were written under: those that somebody brought from elsewhere are the fewer. */
export async function spoolIdOfSegments({ directory, fileSystem }: Place): Promise<string | undefined> {
  const votes = new Map<string, number>();
  for (const { kind, segment } of await listSpoolFiles({ directory, fileSystem })) {
    const metadata = kind === 'metadata' ? await readMetadataFile(fileSystem, directory, segment.id) : undefined;
    if (metadata) votes.set(metadata.spoolId, (votes.get(metadata.spoolId) ?? 0) + 1);
  }
  return [...votes].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
