import { join } from 'node:path';
import { nodeFileSystem, SPOOL_FILE } from '@relaykit/segments';
import type { FileSystem } from '@relaykit/types';
import { describeError } from '../describe-error.ts';
import { readKeyFile } from '../key-file.ts';
import { checkClock } from './check-clock.ts';
import { checkDirectory, checkFileModes, checkSpace } from './check-directory.ts';
import { checkDisk } from './check-disk.ts';
import { checkSpool } from './check-spool.ts';

/** `warn`: works, and somebody should know. `fail`: does not work, or not safely. */
export interface CheckResult {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
}

export interface ExamineOptions {
  readonly directory: string;
  readonly keyFile?: string;
  readonly fileSystem?: FileSystem;
}

/** All checks, in the order in which a person would make them. None of them throws. */
export async function examine({
  directory,
  keyFile,
  fileSystem = nodeFileSystem(),
}: ExamineOptions): Promise<CheckResult[]> {
  const results: CheckResult[] = [checkNode()];
  const found = checkDirectory(fileSystem, directory);
  results.push(found);
  if (keyFile !== undefined) results.push(checkKeys(keyFile, fileSystem));
  if (found.status === 'fail' || fileSystem.statSync(directory) === undefined) return results;
  results.push(await checkSpace(fileSystem, directory));
  results.push(...(await checkDisk(fileSystem, directory)));
  if (fileSystem.statSync(join(directory, SPOOL_FILE))) {
    results.push(await checkFileModes(fileSystem, directory));
    results.push(await checkClock(fileSystem, directory));
    results.push(...(await checkSpool(directory)));
  } else {
    results.push({ check: 'spool', status: 'warn', message: 'there is none yet; relay record makes one' });
  }
  return results;
}

function checkNode(): CheckResult {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isSupported = major > 20 || (major === 20 && minor >= 19);
  const message = `${process.version} on ${process.platform} ${process.arch}`;
  return isSupported
    ? { check: 'node', status: 'ok', message }
    : { check: 'node', status: 'fail', message: `${message}; 20.19 or newer is needed` };
}

function checkKeys(keyFile: string, fileSystem: FileSystem): CheckResult {
  try {
    const { current, others = [] } = readKeyFile(keyFile, fileSystem);
    const ids = [current, ...others].map(({ id }) => id);
    return { check: 'keys', status: 'ok', message: `${ids.join(', ')}; ${current.id} encrypts` };
  } catch (error) {
    return { check: 'keys', status: 'fail', message: describeError(error) };
  }
}
