// Goal: relay ls shows what waits, to people and to programs, and touches nothing.
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunningCommand, run, runWith } from './command.ts';
import { newSpool, segmentFiles } from './spool.ts';

describe('relay ls', () => {
  it('shows sealed segments and the one that is being written', async () => {
    const spool = await newSpool();
    await run(['record', '--dir', spool], '1\n2\n');
    const writer = new RunningCommand(['record', '--dir', spool, '--ack']);
    writer.process.stdin.write('"still open"\n');
    await writer.untilStdout('"stored":1');

    const [table, json] = await Promise.all([run(['ls', '--dir', spool]), run(['ls', '--dir', spool, '--json'])]);
    const [sealedFile = '', openFile = ''] = await segmentFiles(spool);
    const sealedId = sealedFile.replace('.ndjson', '');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(new RegExp(`^${sealedId} +\\d+ s +2 +4 bytes +ready *$`, 'mu'));
    expect(table.stdout).toContain('1 sealed segment with 2 events, 1 open; 17 bytes in all\n');
    expect(json.code).toBe(0);
    const sha256 = createHash('sha256')
      .update(await readFile(join(spool, sealedFile)))
      .digest('hex');
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      expect.objectContaining({ state: 'ready', id: sealedId, eventCount: 2, bytes: 4, sha256 }),
      { state: 'open', id: openFile.replace('.ndjson.open', ''), createdAt: expect.any(String), bytes: 13 },
    ]);

    // The writer was not disturbed.
    writer.process.stdin.end('"goes on"\n');
    expect(await writer.ended).toMatchObject({ code: 0, stderr: 'relay: 2 lines stored in 1 segment\n' });
  });

  it('says that nothing waits, and prints no JSON for it', async () => {
    const spool = await newSpool();
    await run(['record', '--dir', spool]);
    expect(await run(['ls', '--dir', spool])).toMatchObject({ code: 0, stdout: 'No segments wait.\n' });
    expect(await run(['ls', '--dir', spool, '--json'])).toMatchObject({ code: 0, stdout: '' });
  });

  it('fails where there is no spool', async () => {
    const spool = await newSpool();
    expect(await run(['ls', '--dir', spool])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('check --dir'),
    });
  });

  it('shows a sealed segment whose metadata is lost', async () => {
    const spool = await newSpool();
    await run(['record', '--dir', spool], '1\n2\n');
    const [file = ''] = await segmentFiles(spool);
    const id = file.replace('.ndjson', '');
    await rm(join(spool, `${id}.meta.json`));
    const [table, json] = await Promise.all([run(['ls', '--dir', spool]), run(['ls', '--dir', spool, '--json'])]);
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(new RegExp(`^${id} +\\d+ s +\\? +4 bytes +metadata lost *$`, 'mu'));
    expect(table.stdout).toContain('\n?: the metadata is lost; ');
    expect(JSON.parse(json.stdout)).toEqual({ state: 'unknown', id, createdAt: expect.any(String), bytes: 4 });
  });

  it('fails where standard output cannot be written', async () => {
    const spool = await newSpool();
    await run(['record', '--dir', spool], '1\n');
    const stdout = openSync('/dev/full', 'w');
    const ended = await runWith(['ls', '--dir', spool], { stdout });
    closeSync(stdout);
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^relay: Cannot write to standard output: ENOSPC/u),
    });
  });

  it('is quiet when its reader goes away', async () => {
    const spool = await newSpool();
    await run(['record', '--dir', spool], '1\n');
    const command = new RunningCommand(['ls', '--dir', spool]);
    command.process.stdout.destroy();
    expect(await command.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('says that a file is no directory', async () => {
    const path = await newSpool();
    await writeFile(path, 'mine');
    expect(await run(['ls', '--dir', path])).toMatchObject({
      code: 1,
      stderr: `relay: ${path} is not a directory; check --dir.\n`,
    });
  });
});
