// Goal: an exporter that is killed between the receiver's 2xx and the deletion of the segment sends nothing again that
// the ledger has, and what it does send again comes with the same key and the same bytes.
// Method: real processes and a receiver on loopback that answers 200 and then has the exporter killed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RunningCommand, run } from './command.ts';
import { type Delivery, TestReceiver } from './receiver.ts';
import { newSpool, segmentFiles } from './spool.ts';

const ROUNDS = 4;
const SEGMENTS = 4;

const keyOf = ({ headers }: Delivery): string => String(headers['idempotency-key']);

it('sends again only what nobody can know of', { timeout: 600_000 }, async () => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const spool = await newSpool();
    const lines = Array.from({ length: SEGMENTS }, (_, n) => `{"round":${round},"n":${n}}\n`);
    for (const line of lines) expect((await run(['record', '--dir', spool], line)).code).toBe(0);

    // From at once to some milliseconds later: before the record, between record and deletion, in the next upload.
    const killAfterMs = (round - 1) * 2;
    let exporter: RunningCommand | undefined;
    await using receiver = await TestReceiver.start(() => {
      if (receiver.deliveries.length === 2) setTimeout(() => exporter?.process.kill('SIGKILL'), killAfterMs);
      return 200;
    });
    exporter = new RunningCommand(['export', '--dir', spool, '--to', receiver.url]);
    await exporter.ended;
    const ledger = await readFile(join(spool, 'ledger.ndjson'), 'utf8').catch(() => '');
    const recorded = ledger
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { readonly id: string }).id);
    const before = receiver.deliveries.length;

    const about = `round ${round}, killed ${killAfterMs} ms after an answer`;
    expect(await run(['export', '--dir', spool, '--to', receiver.url]), about).toMatchObject({ code: 0 });
    const sentAgain = receiver.deliveries.slice(before).map(keyOf);
    expect(
      sentAgain.filter((key) => recorded.includes(key)),
      about,
    ).toEqual([]);
    const bodies = new Map<string, string>();
    for (const delivery of receiver.deliveries) {
      const body = delivery.body.toString('utf8');
      expect(bodies.get(keyOf(delivery)) ?? body, about).toBe(body);
      bodies.set(keyOf(delivery), body);
    }
    expect([...bodies.values()].sort(), about).toEqual(lines);
    // One upload at a time: only the one whose outcome was not recorded may have come twice.
    expect(receiver.deliveries.length, about).toBeLessThanOrEqual(SEGMENTS + 1);
    expect(await segmentFiles(spool), about).toEqual([]);
  }
});
