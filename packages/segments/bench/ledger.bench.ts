// Question: what does it cost to record what became of a segment, and to look it up, as the ledger grows?
// Method: a ledger on the real disk, each record under the lock and synced. At 1,000 lines a ledger is folded, so longer
// ones are rare; the growing one is folded as it grows.
import { writeFileSync } from 'node:fs';
import type { LedgerRecord, Spool } from '@relaykit/segments';
import { Bench } from 'tinybench';
import { benchTimes, printComparison } from '../../../tools/bench.ts';
import { idAt, temporarySpool } from './spool-on-disk.ts';

function recordAt(index: number): LedgerRecord {
  const at = '2026-01-01T00:00:00.000Z';
  return { kind: 'segment', id: idAt(index), outcome: 'delivered', firstSequence: index, eventCount: 1, bytes: 8, at };
}

function spoolWithLedger(lines: number): Spool {
  const spool = temporarySpool();
  const text = Array.from({ length: lines }, (_, index) => `${JSON.stringify(recordAt(index))}\n`).join('');
  writeFileSync(spool.pathOf('ledger.ndjson'), text, { mode: 0o600 });
  return spool;
}

let seen = 0;
const bench = new Bench(benchTimes());
let next = 1_000_000;
for (const lines of [0, 900]) {
  const { ledger } = spoolWithLedger(lines);
  bench.add(`record behind ${lines} lines, and as it grows`, async () => {
    next += 1;
    seen += (await ledger.record(recordAt(next))).eventCount;
  });
}
for (const lines of [1, 900]) {
  const { ledger } = spoolWithLedger(lines);
  bench.add(`find in ${lines} lines`, async () => {
    seen += (await ledger.find(idAt(lines - 1)))?.eventCount ?? 0;
  });
}
await bench.run();
if (seen === 0) throw new Error('nothing was found');
printComparison(bench, { unit: 'records', perIteration: 1, durability: 'synced', seen });
