// Goal: any number of processes share a spool: each event is delivered once, whoever recovers whose segment.
import { expect, it, onTestFinished } from 'vitest';
import { startChild, temporaryDirectory } from './child-process.ts';
import { recoverAndRead } from './recovered.ts';

it('two processes write, one is killed, two others recover and deliver at once', async () => {
  const directory = temporaryDirectory(onTestFinished);
  const exporters = [startChild('export-until-told.ts', directory), startChild('export-until-told.ts', directory)];
  const closing = startChild('write-and-close.ts', directory, 'a', '60');
  const killed = startChild('write-and-close.ts', directory, 'b', '100000');
  await killed.said(30);
  killed.process.kill('SIGKILL');
  await Promise.all([killed.ended, closing.ended]);
  for (const { process } of exporters) process.stdin?.end();
  expect(await Promise.all(exporters.map(({ ended }) => ended))).toEqual([0, 0]);

  const idsOf = (lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(' '));
  const delivered = exporters.flatMap(({ lines }) => idsOf(lines));
  const once = new Set(delivered);
  const acknowledged = [closing, killed].flatMap(({ lines }) => idsOf(lines));
  expect(acknowledged.filter((id) => !once.has(id))).toEqual([]);
  expect(once.size).toBe(delivered.length);
  const { ids, accounts } = await recoverAndRead(directory);
  expect(ids).toEqual([]);
  expect(accounts).toMatchObject({ delivered: delivered.length, pending: 0, lost: 0, repeated: 0, unsealedFiles: 0 });
});
