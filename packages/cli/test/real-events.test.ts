// Goal: real events arrive byte for byte, in order, none twice; after a SIGKILL, no acknowledged line is missing.
// Method: a day of Wikipedia edits through the real commands to a receiver on loopback; kills at random moments.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { FileDiskWriter } from '@relaykit/disk-writer';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import type { EventSerializer } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { RunningCommand, run } from './command.ts';
import { type Delivery, TestReceiver } from './receiver.ts';
import { newSpool, segmentFiles } from './spool.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const file = resolve(root, '..', 'shared', 'data', 'wikipedia-edits-2015-09-12.ndjson.gz');
const isThere = existsSync(file);
if (!isThere) console.warn(`skipped: the Wikipedia edits are not at ${file}`);

const killRounds = 6;

describe.skipIf(!isThere)('a day of Wikipedia edits', () => {
  const input = isThere ? gunzipSync(readFileSync(file)) : Buffer.alloc(0);

  it('arrives byte for byte, in order, once', async () => {
    const spool = await newSpool();
    const recorded = await run(['record', '--dir', spool, '--ack'], input);
    expect(recorded.code).toBe(0);
    const [, segments] = /^relay: 39,244 lines stored in (\d+) segments\n$/u.exec(recorded.stderr) ?? [];
    expect(recorded.stdout).toMatch(/\{"lines":39244,"stored":39244,"refused":0,"blank":0\}\n$/u);

    await using receiver = await TestReceiver.start();
    const exported = await run(['export', '--dir', spool, '--to', receiver.url]);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(receiver.deliveries).toHaveLength(Number(segments));
    expect(new Set(receiver.keys).size).toBe(Number(segments));
    expect(receiver.bytes.equals(input)).toBe(true);
    expect(await segmentFiles(spool)).toEqual([]);
  });

  it('arrives once, segment by segment, where two processes export one spool', async () => {
    const spool = await newSpool();
    // As many segments as there are thousands of lines.
    const lines = input.toString('utf8').split('\n').slice(0, -1);
    const writer = new FileDiskWriter<string>({
      directory: spool,
      serializer: new RawJSONLineSerializer() as unknown as EventSerializer<string>,
    });
    let segments = 0;
    for (let first = 0; first < lines.length; first += 1_000, segments += 1) {
      await writer.write(lines.slice(first, first + 1_000));
      await writer.rotate();
    }
    await writer.close();

    await using receiver = await TestReceiver.start();
    const exporters = await Promise.all([1, 2].map(() => run(['export', '--dir', spool, '--to', receiver.url])));
    // Whoever comes to the end first may leave to the other what that one is just sending.
    for (const { code, stderr } of exporters) expect([0, 4], stderr).toContain(code);
    expect(await run(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 0 });
    expect(receiver.deliveries).toHaveLength(segments);
    expect(new Set(receiver.keys).size).toBe(segments);
    const inOrder = [...receiver.deliveries].sort((a, b) => firstOf(a) - firstOf(b));
    expect(Buffer.concat(inOrder.map(({ body }) => body)).equals(input)).toBe(true);
    expect(await segmentFiles(spool)).toEqual([]);
  });

  it('loses no acknowledged line and tears none when the recorder is killed', async () => {
    const seed = Date.now();
    let state = seed >>> 0;
    // Numerical Recipes' linear congruential generator: enough to choose moments, and a seed repeats the choice.
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 1; round <= killRounds; round += 1) {
      const spool = await newSpool();
      const killAtLines = Math.floor(random() * 39_000);
      const command = new RunningCommand(['record', '--dir', spool, '--ack']);
      command.process.stdout.on('data', () => {
        if (acknowledgedLines(command.stdout) >= killAtLines) command.process.kill('SIGKILL');
      });
      // Left open, so that nothing but the kill ends the command.
      command.process.stdin.write(input);
      const { signal, stdout } = await command.ended;
      const about = `seed ${seed}, round ${round}, killed at ${killAtLines} lines`;
      expect(signal, about).toBe('SIGKILL');

      await using receiver = await TestReceiver.start();
      expect(await run(['export', '--dir', spool, '--to', receiver.url]), about).toMatchObject({ code: 0 });
      const { bytes } = receiver;
      expect(bytes.equals(input.subarray(0, bytes.length)), `${about}: a prefix of the input`).toBe(true);
      expect(bytes.at(-1), `${about}: no torn line`).toBe(0x0a);
      const arrivedLines = bytes.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 0);
      expect(arrivedLines, about).toBeGreaterThanOrEqual(acknowledgedLines(stdout));
      expect(new Set(receiver.keys).size, about).toBe(receiver.keys.length);
      expect(await segmentFiles(spool), about).toEqual([]);
    }
  });
});

/** What the last whole acknowledgement says. */
function acknowledgedLines(stdout: string): number {
  const last = stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .trimEnd()
    .split('\n')
    .at(-1);
  return last ? (JSON.parse(last) as { readonly lines: number }).lines : 0;
}

function firstOf({ headers }: Delivery): number {
  return Number(headers['relay-first-sequence']);
}
