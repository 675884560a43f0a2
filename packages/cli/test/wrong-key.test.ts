// Goal: a key that has the right name and other bytes, or a spool without its id, is said to be that: no command calls
// such a segment empty, sound or damaged.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../src/exit-codes.ts';
import type { Finding } from '../src/findings.ts';
import { buildSoundSpool, type SoundSpool } from './damage/sound-spool.ts';
import { jsonLines, relay } from './in-process.ts';

let folder: string;
let spool: SoundSpool;

async function verify(keyFile: string): Promise<{ code: number; findings: Finding[] }> {
  const outcome = await relay(['verify', '--dir', spool.directory, '--key-file', keyFile, '--json']);
  return { code: outcome.code, findings: jsonLines<Finding>(outcome).filter(({ severity }) => severity !== undefined) };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-key-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(['encrypted', 'gzip, encrypted'] as const)('a key with other bytes, %s', (format) => {
  beforeEach(async () => {
    spool = await buildSoundSpool(folder, format);
  });

  it('leaves sealed and open segments out, each with the reason', async () => {
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, `golden ${'0e'.repeat(32)}\n`, { mode: 0o600 });

    const printed = await relay(['cat', '--dir', spool.directory, '--key-file', wrong]);
    expect(printed).toMatchObject({ code: exitCodes.unfinished, stdout: '' });
    for (const { id } of [spool.first, spool.second, spool.open])
      expect(printed.stderr).toContain(`${id} is left out: no frame opens with the key golden: it has other bytes`);

    const { code, findings } = await verify(wrong);
    expect(code).toBe(exitCodes.unfinished);
    const unchecked = [spool.first, spool.second, spool.open].map(({ fileName: file }) => ({
      severity: 'unchecked',
      code: 'keyMissing',
      file,
      message: expect.stringContaining('no frame opens with the key golden'),
    }));
    expect(findings.filter((finding) => finding.code !== 'unsealed')).toEqual(unchecked);
  });

  it('judges no open segment where spool.json is gone, and no segment under that of another spool', async () => {
    const path = join(spool.directory, 'spool.json');
    await rm(path);
    const printed = await relay(['cat', '--dir', spool.directory, '--key-file', spool.keyFile]);
    expect(printed).toMatchObject({ code: exitCodes.failed, stderr: expect.stringContaining('spool.json is missing') });
    // Here metadata names the spool.
    const gone = await verify(spool.keyFile);
    expect(gone.findings.filter(({ code }) => code !== 'unsealed')).toMatchObject([{ code: 'spoolFileMissing' }]);

    await writeFile(path, `{"formatVersion":1,"spoolId":"${'ab'.repeat(16)}"}\n`, { mode: 0o600 });
    const foreign = await relay(['cat', '--dir', spool.directory, '--key-file', spool.keyFile]);
    expect(foreign).toMatchObject({ code: exitCodes.unfinished, stdout: '' });
    expect(foreign.stderr.match(/is left out: .* spool\.json is missing or of another spool/gu)).toHaveLength(3);
    const { code, findings } = await verify(spool.keyFile);
    expect(code).toBe(exitCodes.unfinished);
    expect(findings.filter(({ severity }) => severity === 'unchecked')).toHaveLength(3);
  });
});
