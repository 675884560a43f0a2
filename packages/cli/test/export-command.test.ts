// Goal: relay export delivers what is ready, once, in order, and its exit code tells what became of it.
// Method: spools made by relay record, receivers on loopback that answer by script.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from './command.ts';
import { jsonLines, relay } from './in-process.ts';
import { type Delivery, TestReceiver } from './receiver.ts';
import { newSpool, segmentFiles } from './spool.ts';

/** One segment a line. */
async function spoolOf(...lines: readonly string[]): Promise<string> {
  const spool = await newSpool();
  for (const line of lines) expect(await run(['record', '--dir', spool], `${line}\n`)).toMatchObject({ code: 0 });
  return spool;
}

/** Writes the state of a segment of which an attempt failed. */
async function putOff(spool: string, id: string, nextAttemptAtMs: number): Promise<void> {
  const state = { attempts: 3, firstFailureAtMs: Date.now() - 1_000, nextAttemptAtMs, lastError: 'answered 503' };
  await writeFile(join(spool, `${id}.export.json`), JSON.stringify(state));
}

const isSecond = ({ body }: Delivery): boolean => body.toString() === '2\n';

describe('relay export', () => {
  it('delivers each segment with one POST, oldest first, removes it, and ends', async () => {
    const spool = await spoolOf('{"a":1}', '2', '"drei"');
    await using receiver = await TestReceiver.start();
    const ended = await run(['export', '--dir', spool, '--to', receiver.url, '--header', 'Authorization: Bearer x:y']);
    expect(ended).toEqual({
      code: 0,
      signal: null,
      stdout: '3 segments delivered: 3 events, 17 bytes\n',
      stderr: '',
    });
    expect(receiver.bytes.toString()).toBe('{"a":1}\n2\n"drei"\n');
    expect(new Set(receiver.keys).size).toBe(3);
    for (const { method, headers } of receiver.deliveries) {
      expect(method).toBe('POST');
      expect(headers).toMatchObject({ 'content-type': 'application/x-ndjson', authorization: 'Bearer x:y' });
    }
    expect(await segmentFiles(spool)).toEqual([]);

    const again = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(again).toMatchObject({ code: 0, stdout: '0 segments delivered: 0 events, 0 bytes\n' });
    expect(receiver.deliveries).toHaveLength(3);
  });

  it('keeps what the receiver cannot take now, delivers the rest, and ends with 4', async () => {
    const spool = await spoolOf('1', '2', '3');
    await using receiver = await TestReceiver.start((delivery) => (isSecond(delivery) ? 500 : 204));
    const ended = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/^relay: \S+ is not delivered and stays: .*500/u);
    expect(ended.stdout).toMatch(
      /^1 segment not delivered; the next attempt is due in \d+ s, at \S+Z; run the command again then$/mu,
    );
    expect(await segmentFiles(spool)).toHaveLength(1);
  });

  it('ends with 4 when nobody listens', async () => {
    const spool = await spoolOf('1');
    const receiver = await TestReceiver.start();
    const { url } = receiver;
    await receiver[Symbol.asyncDispose]();
    const ended = await run(['export', '--dir', spool, '--to', url]);
    expect(ended).toMatchObject({ code: 4, stderr: expect.stringMatching(/ECONNREFUSED.*: nobody listens there\n/u) });
    // The segment is named once a line.
    const [{ id } = { id: '?' }] = jsonLines<{ id: string }>(await relay(['ls', '--dir', spool, '--json']));
    expect(ended.stderr.split(id)).toHaveLength(2);
    expect(await segmentFiles(spool)).toHaveLength(1);
  });

  it('sends nothing of segments that failed before their next attempt, and says when that is', async () => {
    const spool = await spoolOf('1', '2', '3');
    const [first = '', second = ''] = (await segmentFiles(spool)).map((name) => name.slice(0, -7));
    const inAnHour = Date.now() + 3_500_000;
    await putOff(spool, first, inAnHour);
    await putOff(spool, second, inAnHour - 600_000);
    await using receiver = await TestReceiver.start(() => 200);
    const texts = await relay(['export', '--dir', spool, '--to', receiver.url]);
    expect(receiver.bytes.toString()).toBe('3\n');
    const at = new Date(inAnHour - 600_000).toISOString();
    expect(texts.code).toBe(4);
    expect(texts.stdout).toMatch(/^2 segments not delivered; the next attempt is due in 4\d min \d+ s, at /mu);
    expect(texts.stdout).toContain(`, at ${at}; run the command again then\n`);
    const [facts] = jsonLines(await relay(['export', '--dir', spool, '--to', receiver.url, '--json']));
    expect(facts).toMatchObject({ remaining: 2, waiting: 2, nextAttemptAt: at });

    // A time that the queue takes for damage says nothing.
    await relay(['record', '--dir', spool], { stdin: '4\n' });
    const fourth = (await segmentFiles(spool)).at(-1)?.slice(0, -7) ?? '';
    await putOff(spool, fourth, Number.MAX_SAFE_INTEGER);
    await putOff(spool, second, Number.MAX_SAFE_INTEGER);
    await using refusing = await TestReceiver.start(() => 401);
    const blocked = await relay(['export', '--dir', spool, '--to', refusing.url]);
    expect(blocked.code).toBe(5);
    expect(blocked.stdout).toContain('3 segments not delivered, 1 of them because attempts failed; the next');
    expect(blocked.stdout).toContain(new Date(inAnHour).toISOString());
  });

  it('names no attempt of a segment that is held back', async () => {
    const spool = await spoolOf('1', '2');
    const [first = '', second = ''] = (await segmentFiles(spool)).map((name) => name.slice(0, -7));
    await rm(join(spool, `${first}.meta.json`));
    await relay(['repair', '--dir', spool]);
    await putOff(spool, first, Date.now() + 1_000_000);
    const inAnHour = Date.now() + 3_500_000;
    await putOff(spool, second, inAnHour);
    const ended = await relay(['export', '--dir', spool, '--to', 'http://127.0.0.1:9/', '--json']);
    const [facts] = jsonLines(ended);
    expect(facts).toMatchObject({ held: 1, remaining: 2, waiting: 1, nextAttemptAt: new Date(inAnHour).toISOString() });
  });

  it('has no time to say where nothing waits', async () => {
    const spool = await spoolOf('1');
    await using receiver = await TestReceiver.start();
    const [facts = {}] = jsonLines(await relay(['export', '--dir', spool, '--to', receiver.url, '--json']));
    expect(facts).toMatchObject({ delivered: 1, waiting: 0 });
    expect(facts).not.toHaveProperty('nextAttemptAt');
  });

  it('stops at an answer that speaks of the address, removes nothing, and ends with 5', async () => {
    const spool = await spoolOf('1', '2');
    await using receiver = await TestReceiver.start(() => 401);
    const ended = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(ended).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/stopped: .*401; check --to and --header, nothing was removed/u),
    });
    expect(receiver.deliveries).toHaveLength(1);
    expect(await segmentFiles(spool)).toHaveLength(2);
  });

  it('puts what the receiver refuses for good into quarantine and ends with 6', async () => {
    const spool = await spoolOf('1', '2', '3');
    await using receiver = await TestReceiver.start((delivery) => (isSecond(delivery) ? 422 : 200));
    const ended = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(/^relay: \S+ is in quarantine: .*422/u);
    // Once, though both the reason and its cause say it.
    expect(ended.stderr.match(/\b422\b/gu)).toHaveLength(1);
    expect(ended.stdout).toContain('1 segment refused or damaged, now in quarantine\n');
    expect(await segmentFiles(spool)).toEqual([]);
    expect(await segmentFiles(join(spool, 'quarantine'))).toHaveLength(1);
  });

  it('sends nothing of a segment with a changed byte, puts it into quarantine and ends with 6', async () => {
    const spool = await spoolOf('1', '{"a":2}', '3');
    const [, file = ''] = await segmentFiles(spool);
    const bytes = await readFile(join(spool, file));
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    await writeFile(join(spool, file), bytes);
    await using receiver = await TestReceiver.start();
    const ended = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(/^relay: \S+ is in quarantine: damaged: .*SHA-256/u);
    expect(receiver.bytes.toString()).toBe('1\n3\n');
    expect(await segmentFiles(join(spool, 'quarantine'))).toEqual([file]);
  });

  it('says so where there is no spool, and makes none', async () => {
    const spool = await newSpool();
    const missing = await run(['export', '--dir', spool, '--to', 'http://127.0.0.1:9/']);
    expect(missing).toMatchObject({
      code: 1,
      stderr: `relay: There is no directory ${spool}; check --dir. relay record creates it.\n`,
    });
    const folder = dirname(spool);
    await writeFile(join(folder, 'notes.txt'), 'mine');
    const other = await run(['export', '--dir', folder, '--to', 'http://127.0.0.1:9/']);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('is no spool, spool.json is missing') });
    expect(await segmentFiles(folder)).toEqual([]);
  });
});
