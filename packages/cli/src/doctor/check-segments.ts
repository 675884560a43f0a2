import { join } from 'node:path';
import { listSpoolFiles, readMetadataFile, type SpoolFile } from '@relaykit/segments';
import { describeError } from '../describe-error.ts';
import { formatCount } from '../format.ts';
import type { SpoolView } from '../open-spool.ts';
import type { CheckResult } from './examine.ts';

/** What is wrong with one segment. */
interface Fault {
  readonly kind: 'unreadable' | 'short';
  readonly message: string;
}

/** Whether each sealed segment opens and is as long as it was. Their bytes are not read: that is for `relay verify`. */
export async function checkSegments(view: SpoolView): Promise<CheckResult> {
  const check = 'segments';
  const { records } = await view.ledger.content();
  const faults: Fault[] = [];
  let count = 0;
  for (const file of await listSpoolFiles(view)) {
    if (file.kind !== 'sealed' || records.has(file.segment.id)) continue;
    count += 1;
    const fault = await findFault(view, file);
    if (fault) faults.push(fault);
  }
  if (faults.length === 0) {
    return { check, status: 'ok', message: `${formatCount(count, 'sealed segment')}, none shorter than it was` };
  }
  const unreadable = faults.filter(({ kind }) => kind === 'unreadable');
  const short = faults.filter(({ kind }) => kind === 'short');
  const parts = [
    ...describe(unreadable, 'cannot be read', 'see what stands there and whose it is'),
    ...describe(short, 'lost bytes', 'relay repair keeps the events that are whole'),
  ];
  return { check, status: 'fail', message: `${parts.join('; ')}; relay verify names each` };
}

async function findFault(view: SpoolView, file: SpoolFile): Promise<Fault | undefined> {
  const { directory, fileSystem } = view;
  const { fileName, segment } = file;
  const path = join(directory, fileName);
  const metadata = await readMetadataFile(fileSystem, directory, segment.id);
  // Where nobody knows its length, a segment is at least not empty: none is sealed without an event.
  const { bytes } = metadata ?? { bytes: 1 };
  const sizeBytes = await sizeOf(view, path);
  if (sizeBytes instanceof Error) return { kind: 'unreadable', message: `${fileName}: ${describeError(sizeBytes)}` };
  if (sizeBytes >= bytes) return undefined;
  // What is being removed is renamed, and then emptied.
  if (!(await fileSystem.stat(path))) return undefined;
  const message = metadata
    ? `${fileName}: ${formatCount(sizeBytes, 'byte')} of ${bytes.toLocaleString('en-US')}`
    : `${fileName}: it is empty`;
  return { kind: 'short', message };
}

/** Of what went meanwhile nothing is missing. */
async function sizeOf({ fileSystem }: SpoolView, path: string): Promise<number | Error> {
  try {
    const handle = await fileSystem.openFile(path, 'read');
    try {
      return (await handle.stat()).sizeBytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(await fileSystem.stat(path))) return Number.POSITIVE_INFINITY;
    return error instanceof Error ? error : new Error(String(error));
  }
}

function describe(faults: readonly Fault[], what: string, advice: string): string[] {
  const [first] = faults;
  if (!first) return [];
  const which = faults.length === 1 ? first.message : `the first is ${first.message}`;
  return [`${formatCount(faults.length, 'segment')} ${what} (${which}); ${advice}`];
}
