import type { ByteSource, EventSerializer, SegmentContext } from '@relaykit/types';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata } from './metadata-file.ts';
import type { Spool } from './spool.ts';

/** Metadata to look into, the newest first: a spool has one id, and neighbours that came from elsewhere are few. */
const MAX_METADATA_READ = 100;
const MAX_SPOOLS_TRIED = 4;

/**
 * Why no frame of a segment opens, though the key of that name is known: in words for who has to put it right. Metadata in
 * the directory names the spool it was written in, so a spool whose `spool.json` was lost can be told from a wrong key.
 */
export async function whyUnopened(
  spool: Spool,
  serializer: EventSerializer<unknown>,
  source: ByteSource,
  context: SegmentContext,
  keyId: string,
): Promise<string> {
  for (const spoolId of await otherSpoolsNamed(spool)) {
    const { unopenedKeyId, missingKeyId, eventCount } = await serializer.scan(source, { ...context, spoolId });
    if (unopenedKeyId === undefined && missingKeyId === undefined && eventCount > 0) {
      return `it belongs to the spool ${spoolId}, and this one is ${spool.spoolId}: put the spool.json of ${spoolId} back`;
    }
  }
  return `no frame in it opens with the key ${keyId}, which has other bytes than the one that encrypted it, or the file is of another spool than ${spool.spoolId}: give the right key, or put the right spool.json back`;
}

async function otherSpoolsNamed(spool: Spool): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const described = (await listSpoolFiles(spool)).filter(({ kind }) => kind === 'metadata');
  for (const { segment } of described.reverse().slice(0, MAX_METADATA_READ)) {
    const spoolId = (await readMetadata(spool, segment.id))?.spoolId;
    if (spoolId !== undefined && spoolId !== spool.spoolId) found.add(spoolId);
    if (found.size === MAX_SPOOLS_TRIED) break;
  }
  return found;
}
