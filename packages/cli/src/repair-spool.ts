import {
  listSpoolFiles,
  parseSpoolFile,
  Quarantine,
  type RecoveryReport,
  recoverSpool,
  releaseDamaged,
  repairSealed,
  restoreSpoolId,
  type SealedRepair,
  SPOOL_FILE,
  Spool,
  type SpoolFile,
} from '@relaykit/segments';
import { type FileSystem, isRelayError } from '@relaykit/types';
import { describeError } from './describe-error.ts';
import type { LineSerializer } from './formats.ts';
import { removeDamagedState } from './repair-export-state.ts';
import { readSpoolId, spoolIdOfSegments } from './spool-id.ts';

export interface RepairSpoolOptions {
  readonly directory: string;
  readonly allowUnsafeDirectory: boolean;
  readonly fileSystem: FileSystem;
  readonly formats: readonly LineSerializer[];
  /** Also lets segments go that were held back for want of somebody who looks at them. */
  readonly releaseHeld: boolean;
  readonly onRead: (segments: number) => void;
}

/** What was done to one file. */
export interface RepairAction {
  readonly file: string;
  readonly action:
    | 'spoolIdRestored'
    | 'metadataRebuilt'
    | 'salvaged'
    | 'quarantined'
    | 'exportStateRemoved'
    /** Back from quarantine: it is whole. */
    | 'requeued'
    | 'released'
    /** Left as it is, for a reason that may go away. */
    | 'left';
  readonly message: string;
}

export interface RepairReport {
  readonly recovery: RecoveryReport;
  readonly actions: readonly RepairAction[];
}

/**
 * Mends what can be mended: gives the spool its id back, does what recovery does at every start, and looks into every
 * sealed segment, which recovery does not, also into those that an export found damaged and put into quarantine. Nothing
 * whole is given up; what is damaged goes to quarantine as it is.
 */
export async function repairSpool(options: RepairSpoolOptions): Promise<RepairReport> {
  const { directory, allowUnsafeDirectory, fileSystem, formats } = options;
  const actions: RepairAction[] = [];
  await repairSpoolId(options, actions);
  const spool = Spool.openSync({ directory, allowUnsafeDirectory, fileSystem });
  const recovery = await recoverSpool(spool, formats);
  const requeued = await requeueDamaged(spool, formats);
  for (const file of await listSpoolFiles(spool)) {
    if (file.kind !== 'sealed') continue;
    try {
      const status = await repairSegment(spool, file, options, actions);
      if (status === 'intact' && requeued.has(file.segment.id)) {
        actions.push({ file: file.fileName, action: 'requeued', message: 'it is whole, and will be delivered' });
      }
    } catch (error) {
      // One bad file costs itself.
      if (isRelayError(error, 'RELAY_LOCK_UNAVAILABLE') || isRelayError(error, 'RELAY_STORAGE_FULL')) throw error;
      actions.push({ file: file.fileName, action: 'left', message: describeError(error) });
    }
    options.onRead(1);
  }
  return { recovery, actions };
}

async function repairSegment(
  spool: Spool,
  file: SpoolFile,
  { formats, releaseHeld: mayRelease }: RepairSpoolOptions,
  actions: RepairAction[],
): Promise<SealedRepair['status']> {
  const name = file.fileName;
  const outcome = await repairSealed(spool, file, formats);
  if (outcome.status === 'repaired') {
    const { salvaged } = outcome;
    if (salvaged) {
      const held = salvaged.exportReady
        ? ''
        : ', held back: a changed line may look whole; look at them, then relay repair --release-held';
      const message = `${salvaged.eventCount.toLocaleString('en-US')} whole events are in ${salvaged.id} now${held}`;
      actions.push({ file: name, action: 'salvaged', message });
    }
    actions.push({ file: name, action: 'quarantined', message: 'damaged; the file is in quarantine/ as it was' });
  } else if (outcome.status === 'intact' && outcome.isMetadataRebuilt) {
    actions.push({ file: name, action: 'metadataRebuilt', message: 'its metadata is written anew; held back' });
  } else if (outcome.status === 'busy' || outcome.status === 'waiting') {
    const why = outcome.status === 'busy' ? 'another process has it just now' : 'its format or key is not known here';
    actions.push({ file: name, action: 'left', message: why });
  }
  if (outcome.status === 'intact' && (await removeDamagedState(spool, file))) {
    actions.push({ file: name, action: 'exportStateRemoved', message: 'it was damaged; the segment is tried at once' });
  }
  if (mayRelease && outcome.status === 'intact' && (await releaseDamaged(spool, file))) {
    actions.push({ file: name, action: 'released', message: 'will be delivered' });
  }
  return outcome.status;
}

/** An export that finds a segment damaged puts it aside, with all of its events. Back among the others it can be mended. */
async function requeueDamaged(spool: Spool, formats: readonly LineSerializer[]): Promise<ReadonlySet<string>> {
  const quarantine = new Quarantine(spool);
  const requeued = new Set<string>();
  for (const { id, fileName, reason, isWhole } of await quarantine.list()) {
    const extension = parseSpoolFile(fileName)?.segment.fileExtension;
    const isReadable = formats.some(({ format }) => format.fileExtension === extension);
    if (!isWhole || !isReadable || !reason.startsWith('damaged')) continue;
    if ((await quarantine.requeue(id)).status === 'requeued') requeued.add(id);
  }
  return requeued;
}

/** Frames may be bound to the id, so it is looked for in metadata before a new one is made. */
async function repairSpoolId({ directory, fileSystem }: RepairSpoolOptions, actions: RepairAction[]): Promise<void> {
  const place = { directory, fileSystem };
  if ('id' in readSpoolId(place)) return;
  const spoolId = await spoolIdOfSegments(place);
  if (spoolId === undefined) return;
  await restoreSpoolId(fileSystem, directory, spoolId);
  actions.push({ file: SPOOL_FILE, action: 'spoolIdRestored', message: `written anew, with the id ${spoolId}` });
}
