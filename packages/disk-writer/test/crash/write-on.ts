import { ManualClock, type SimulatedDisk } from '@relaykit/testing';
import type { EventSerializer } from '@relaykit/types';
import { FileDiskWriter } from '../../src/index.ts';
import type { Expectation } from './expectation.ts';
import { checkPromises, type OracleOptions } from './oracle.ts';
import { serializer } from './scenario-run.ts';
import { readSpoolContents, SPOOL } from './spool-contents.ts';

/** A recovered spool takes new events, and they harm nothing that was there. */
export async function writeOn(disk: SimulatedDisk, expectation: Expectation, options: OracleOptions): Promise<void> {
  const writer = new FileDiskWriter<string>({
    directory: SPOOL,
    fileSystem: disk,
    clock: new ManualClock(),
    serializer: serializer as unknown as EventSerializer<string>,
  });
  const lines = ['{"after":1}', '{"after":2}'];
  await writer.write(lines, { durability: 'synced' });
  await writer.close();
  const { pending } = readSpoolContents(disk.files(), options.mayMove);
  const last = pending.at(-1);
  if (last?.lines.join() !== lines.join()) throw new Error(`written on, and the last segment is ${last?.id}`);
  const old = new Map([...disk.files()].filter(([path]) => !path.includes(last.id)));
  checkPromises(old, expectation, options);
}
