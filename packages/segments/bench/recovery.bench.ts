// Question: how fast is what dead writers left recovered, and what does the number of files add to the number of bytes?
// Method: unfinished files on the real disk, found, scanned, hashed, synced and sealed; a format that looks for line ends
// alone. The files are laid out anew before each run, which is not timed.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { recoverSpool } from '@relaykit/segments';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { lineFormat } from './line-format.ts';
import { idAt, linesOf, temporarySpool } from './spool-on-disk.ts';

const totalBytes = isSmall ? 1_000_000 : 64_000_000;
const bench = new Bench({ ...benchTimes(), ...(isSmall ? {} : { time: 5_000, iterations: 5, warmupIterations: 1 }) });
let seenBytes = 0;

for (const fileCount of isSmall ? [1, 4] : [1, 8, 64]) {
  const spool = temporarySpool();
  const content = linesOf(totalBytes / fileCount);
  const layOut = (): void => {
    for (const name of readdirSync(spool.directory)) {
      if (name.startsWith('2')) rmSync(spool.pathOf(name));
    }
    for (let index = 0; index < fileCount; index += 1) {
      writeFileSync(spool.pathOf(`${idAt(index)}.ndjson.open`), content, { mode: 0o600 });
    }
  };
  bench.add(
    `${fileCount} unfinished file${fileCount === 1 ? '' : 's'}`,
    async () => {
      const { segmentsRecovered } = await recoverSpool(spool, [lineFormat]);
      if (segmentsRecovered !== fileCount) throw new Error(`recovered ${segmentsRecovered} of ${fileCount} files`);
      seenBytes += content.byteLength * fileCount;
    },
    { beforeEach: layOut },
  );
}
await bench.run();
printComparison(bench, {
  unit: 'bytes',
  perIteration: totalBytes,
  bytesPerIteration: totalBytes,
  durability: 'synced',
  seenBytes,
});
