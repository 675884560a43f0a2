import { join } from 'node:path';
import { listSpoolFiles, takeOwnership } from '@relaykit/segments';
import { describeError } from '../describe-error.ts';
import { formatAge, formatBytes, formatCount } from '../format.ts';
import { type SpoolView, viewSpool } from '../open-spool.ts';
import { type SpoolSnapshot, SpoolWatcher } from '../spool-snapshot.ts';
import { checkSegments } from './check-segments.ts';
import type { CheckResult } from './examine.ts';

/** What waits for somebody, or for a process that does not come. */
export async function checkSpool(directory: string): Promise<CheckResult[]> {
  try {
    const view = await viewSpool(directory);
    const snapshot = await new SpoolWatcher(view).snapshot();
    const segments = await checkSegments(view);
    return [await checkWriters(view), segments, checkDelivery(snapshot), checkAside(snapshot), checkNumbers(snapshot)];
  } catch (error) {
    return [{ check: 'spool', status: 'fail', message: describeError(error) }];
  }
}

async function checkWriters({ directory, fileSystem }: SpoolView): Promise<CheckResult> {
  const check = 'writers';
  let living = 0;
  let dead = 0;
  for (const { kind, fileName } of await listSpoolFiles({ directory, fileSystem })) {
    if (kind !== 'active' && kind !== 'atomic') continue;
    const ownership = await takeOwnership(fileSystem, join(directory, fileName));
    if (ownership.status === 'owned') await ownership.handle.close();
    if (ownership.status === 'busy') living += 1;
    else if (ownership.status === 'owned') dead += 1;
  }
  const message = `${formatCount(living, 'segment')} being written`;
  if (dead === 0) return { check, status: 'ok', message };
  return {
    check,
    status: 'warn',
    message: `${message}; ${formatCount(dead, 'file')} of writers that died, which the next start or relay repair seals`,
  };
}

function checkDelivery({ retrying, oldestPendingAt, at }: SpoolSnapshot): CheckResult {
  const check = 'delivery';
  const age =
    oldestPendingAt === undefined
      ? 'nothing waits'
      : `the oldest waits for ${formatAge(Date.parse(at) - Date.parse(oldestPendingAt))}`;
  const [first] = retrying;
  if (!first) return { check, status: 'ok', message: age };
  const message = `${age}; ${formatCount(retrying.length, 'segment')} failed so far, the last with: ${first.lastError ?? 'no reason given'}`;
  return { check, status: 'warn', message };
}

function checkAside({ segments, bytes }: SpoolSnapshot): CheckResult {
  const check = 'aside';
  const parts: string[] = [];
  if (segments.held > 0) parts.push(`${formatCount(segments.held, 'segment')} held back (relay repair --release-held)`);
  if (segments.unknown > 0) parts.push(`${formatCount(segments.unknown, 'segment')} without metadata (relay repair)`);
  if (bytes.quarantined > 0) parts.push(`${formatBytes(bytes.quarantined)} in quarantine, which is not bounded`);
  if (parts.length === 0) return { check, status: 'ok', message: 'nothing is held back or in quarantine' };
  return { check, status: 'warn', message: parts.join('; ') };
}

function checkNumbers({ lost, repeated, added }: SpoolSnapshot): CheckResult {
  const check = 'events';
  if (repeated > 0)
    return {
      check,
      status: 'fail',
      message: `${formatCount(repeated, 'event')} stand in two places; run relay verify`,
    };
  if (lost > 0)
    return {
      check,
      status: 'warn',
      message: `${formatCount(lost, 'event')} of ${added.toLocaleString('en-US')} nowhere: lost in a crash, or damaged`,
    };
  return { check, status: 'ok', message: `${formatCount(added, 'event')}, each in one place` };
}
