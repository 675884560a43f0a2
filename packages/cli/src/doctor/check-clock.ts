import { listSpoolFiles } from '@relaykit/segments';
import type { FileSystem } from '@relaykit/types';
import { formatDuration } from '../format.ts';
import type { CheckResult } from './examine.ts';

/** When this was written: a clock before that has not been set. */
const writtenMs = Date.UTC(2026, 0, 1);
/** How far a name may be ahead, for clocks that are set now and then. */
const toleranceMs = 5_000;

/** Names of segments carry the time; those of the future push all later ones behind them. */
export async function checkClock(fileSystem: FileSystem, directory: string): Promise<CheckResult> {
  const check = 'clock';
  const nowMs = Date.now();
  if (nowMs < writtenMs) {
    return { check, status: 'fail', message: `it says ${new Date(nowMs).toISOString()}; set it` };
  }
  const files = await listSpoolFiles({ directory, fileSystem });
  const newestMs = files.reduce((newest, { segment }) => Math.max(newest, segment.createdAtMs), 0);
  const aheadMs = newestMs - nowMs;
  if (aheadMs > toleranceMs) {
    const message = `the newest segment is named ${formatDuration(aheadMs)} ahead: the clock was wrong then, or is now`;
    return { check, status: 'warn', message };
  }
  return { check, status: 'ok', message: new Date(nowMs).toISOString() };
}
