import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('lets the process end that has events in memory', () => {
  const program = `
    import { RelayEventBuffer } from '@relaykit/buffer';
    import { InMemoryDiskWriter } from '@relaykit/testing';
    const buffer = new RelayEventBuffer({ persistence: new InMemoryDiskWriter(), flushIntervalMs: 1_000_000_000 });
    console.log(buffer.add(1).status);
  `;
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    ['--conditions=@relaykit/source', '--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8', timeout: 50_000 },
  );
  // With a timer that keeps it alive, the process would wait for eleven days, and be killed here.
  expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'added\n' });
}, 60_000);
