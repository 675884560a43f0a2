import type { FrameScan } from '@relaykit/types';
import { printable } from './describe-error.ts';

/** Which key a segment lacks: one that is not in the file, or one of that name with other bytes. */
export type LackingKey = Pick<FrameScan, 'missingKeyId' | 'unopenedKeyId'>;

/** Why encrypted frames were not looked into, and what to do; `undefined` where no key is to blame. */
export function describeKeys({ missingKeyId, unopenedKeyId }: LackingKey): string | undefined {
  if (missingKeyId !== undefined) return `the key ${printable(missingKeyId)} is missing; check --key-file`;
  if (unopenedKeyId === undefined) return undefined;
  return `no frame opens with the key ${printable(unopenedKeyId)}: it has other bytes than the one that encrypted them, or spool.json is missing or of another spool; check --key-file, then spool.json`;
}
