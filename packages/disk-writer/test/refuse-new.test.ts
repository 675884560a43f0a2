// Goal: a spool that is full already takes nothing more, from the first write of a new writer on.
import { retainTotalBytes, rotateByBytes } from '@relaykit/rotation';
import { SimulatedDisk } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { FileDiskWriter } from '../src/index.ts';

const text = 'x'.repeat(1_000);

it('refuses the first write of a writer that finds the spool full, and takes it once there is room', async () => {
  const fileSystem = new SimulatedDisk();
  const options = { directory: '/spool', fileSystem, rotation: rotateByBytes(1_024) } as const;
  const first = new FileDiskWriter({ ...options });
  for (let n = 0; n < 5; n += 1) await first.write([{ n, text }]);
  await first.close();
  const sealed = [...fileSystem.files().keys()].filter((path) => path.endsWith('.ndjson') && !path.includes('ledger'));
  expect(sealed).toHaveLength(5);

  const second = new FileDiskWriter({ ...options, retention: retainTotalBytes(2_048), whenFull: 'refuseNew' });
  await expect(second.write([{ n: 5 }])).rejects.toMatchObject({
    code: 'RELAY_STORAGE_FULL',
    facts: { systemCode: 'RELAY_RETENTION' },
  });
  for (const path of sealed.slice(0, 4)) await fileSystem.remove(path);
  await expect.poll(() => second.write([{ n: 5 }]).then(() => 'stored'), { timeout: 10_000 }).toBe('stored');
  await second.close();
});
