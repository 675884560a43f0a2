// Goal: verify names each damage of the golden set with file and place, repair mends what can be mended, and nothing
// that is whole is lost.
// Method: every damage in every format. The spools are built and damaged the same way each time; write-damage-set.mts
// puts them into a folder, to be looked at.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/exit-codes.ts';
import type { Finding } from '../../src/findings.ts';
import { jsonLines, relay } from '../in-process.ts';
import { damages } from './damages.ts';
import { buildSoundSpool, type FormatName, formats, lineOf, type SoundSpool } from './sound-spool.ts';

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-damage-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(format: FormatName): Promise<SoundSpool> {
  count += 1;
  const place = join(folder, String(count));
  await mkdir(place);
  return buildSoundSpool(place, format);
}

const optionsOf = ({ directory, keyFile }: SoundSpool): string[] => ['--dir', directory, '--key-file', keyFile];

async function verify(spool: SoundSpool): Promise<{ code: number; findings: Finding[] }> {
  const outcome = await relay(['verify', ...optionsOf(spool), '--json']);
  const lines = jsonLines<Finding & { sound?: boolean }>(outcome).filter(({ sound }) => sound === undefined);
  return { code: outcome.code, findings: lines.filter(({ severity }) => severity !== 'note') };
}

async function eventsIn(spool: SoundSpool): Promise<string[]> {
  const { stdout } = await relay(['cat', ...optionsOf(spool)]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Every file with what is in it. */
async function contentOf(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      files[path] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
  }
  return files;
}

/** A repair says that it did nothing, and did nothing. */
async function expectNothingToDo(spool: SoundSpool): Promise<void> {
  const before = await contentOf(spool.directory);
  for (const options of [['--dry-run'], []]) {
    const [report] = jsonLines(await relay(['repair', ...optionsOf(spool), '--json', ...options]));
    expect(report).toMatchObject({ actions: [] });
    expect(await contentOf(spool.directory), options.join()).toEqual(before);
  }
}

describe.each(Object.keys(formats) as FormatName[])('damage in a spool, %s', (format) => {
  it('finds nothing wrong with a sound one', async () => {
    const spool = await build(format);
    expect(await verify(spool)).toMatchObject({ code: exitCodes.done, findings: [{ code: 'unsealed' }] });
    expect(await eventsIn(spool)).toEqual(Array.from({ length: 27 }, (_, n) => lineOf(n)));
    const before = await contentOf(join(spool.directory, '..'));
    expect((await relay(['repair', ...optionsOf(spool)])).code).toBe(exitCodes.done);
    const after = await contentOf(join(spool.directory, '..'));
    for (const { fileName } of [spool.first, spool.second]) {
      const path = join(spool.directory, fileName);
      expect(after[path], fileName).toBe(before[path]);
    }
    expect(await verify(spool)).toEqual({ code: exitCodes.done, findings: [] });
  });

  const sealed = damages.filter((damage) => damage.isSeenByExport && (damage.formats?.includes(format) ?? true));
  it.each(sealed.map((damage) => [damage.name, damage] as const))('%s, seen by an export first', async (_, damage) => {
    const spool = await build(format);
    await damage.apply(spool);
    // Nobody listens there, so that all else stays.
    const exported = await relay(['export', '--dir', spool.directory, '--to', 'http://127.0.0.1:1/', '--json']);
    expect(jsonLines(exported)[0]).toMatchObject({ delivered: 0, quarantined: 1 });
    expect(await eventsIn(spool)).not.toContain(lineOf(0));

    const before = await contentOf(spool.directory);
    const dry = await relay(['repair', ...optionsOf(spool), '--dry-run', '--json']);
    expect(await contentOf(spool.directory), 'a dry run changes nothing').toEqual(before);
    const repaired = await relay(['repair', ...optionsOf(spool), '--json']);
    expect(repaired).toMatchObject({ code: exitCodes.done, stderr: '' });
    expect(jsonLines(dry)[0]?.['actions']).toEqual(jsonLines(repaired)[0]?.['actions']);

    const lost = new Set(damage.lost(spool));
    const kept = Array.from({ length: 27 }, (_unused, n) => n).filter((n) => !lost.has(n));
    expect(await eventsIn(spool)).toEqual(expect.arrayContaining(kept.map(lineOf)));
    expect((await verify(spool)).findings).toEqual([]);
    const file = join(spool.directory, 'quarantine', spool.first.fileName);
    expect((await contentOf(spool.directory))[file], 'kept as it is').toBe(before[file]);
    // Nothing is left to do.
    await expectNothingToDo(spool);
  });

  const journeys = sealed.flatMap((damage) =>
    [false, true].map(
      (isExported) => [damage.name, isExported ? 'exported and repaired' : 'repaired', damage] as const,
    ),
  );
  it.each(journeys)('counts every event of a last segment with %s, %s', async (_, journey, damage) => {
    const spool = await build(format);
    const { directory, first, second, open } = spool;
    for (const name of [second.fileName, `${second.id}.meta.json`, open.fileName]) await rm(join(directory, name));
    await damage.apply(spool);
    if (journey.startsWith('exported')) await relay(['export', '--dir', directory, '--to', 'http://127.0.0.1:1/']);
    await relay(['repair', ...optionsOf(spool)]);
    // A line with another digit is counted as the event that it was.
    const lost = damage.name.startsWith('a digit') ? 0 : damage.lost(spool).length;
    const added = first.events.length;
    const accounts = { added, pending: added - lost, quarantined: 0, lost, repeated: 0 };
    expect(jsonLines(await relay(['stat', '--dir', directory, '--json']))[0]).toMatchObject(accounts);
    await relay(['quarantine', 'discard', '--dir', directory, '--all']);
    expect(jsonLines(await relay(['stat', '--dir', directory, '--json']))[0]).toMatchObject(accounts);
  });

  const possible = damages.filter((damage) => damage.formats?.includes(format) ?? true);
  it.each(possible.map((damage) => [damage.name, damage] as const))('%s', async (_, damage) => {
    const spool = await build(format);
    await damage.apply(spool);

    const expected = damage.expected(spool);
    const { code, findings } = await verify(spool);
    const named = findings.filter((finding) => finding.code !== 'unsealed');
    expect(named.map(({ code: found, file }) => ({ code: found, file }))).toEqual(
      expected.map(({ code: wanted, file }) => ({ code: wanted, file })),
    );
    expect(named).toMatchObject(expected);
    const isDamaged = expected.some(({ severity }) => severity === 'damage');
    expect(code).toBe(isDamaged ? exitCodes.unsound : exitCodes.done);

    const before = await contentOf(spool.directory);
    const dry = await relay(['repair', ...optionsOf(spool), '--dry-run', '--json']);
    expect(dry).toMatchObject({ code: exitCodes.done, stderr: '' });
    expect(await contentOf(spool.directory), 'a dry run changes nothing').toEqual(before);

    const repaired = await relay(['repair', ...optionsOf(spool), '--json']);
    expect(repaired).toMatchObject({ code: exitCodes.done, stderr: '' });
    // The dry run took the same steps.
    const [planned, done] = [dry, repaired].map((outcome) => jsonLines(outcome)[0]);
    expect(planned?.['actions']).toEqual(done?.['actions']);
    expect(planned?.['recovery']).toMatchObject({ ...(done?.['recovery'] as object), durationMs: expect.any(Number) });

    const lost = new Set(damage.lost(spool));
    const kept = Array.from({ length: 27 }, (_unused, n) => n).filter((n) => !lost.has(n));
    const events = await eventsIn(spool);
    if (damage.name.startsWith('a digit')) expect(events).toEqual(expect.arrayContaining(kept.map(lineOf)));
    else expect(events).toEqual(kept.map(lineOf));
    const file = damage.quarantined?.(spool);
    if (file !== undefined) {
      const path = join(spool.directory, 'quarantine', file);
      expect((await contentOf(spool.directory))[path], 'kept as it is').toBe(before[join(spool.directory, file)]);
      // Put back, what is whole in it would be there twice.
      const requeue = await relay(['quarantine', 'requeue', '--dir', spool.directory, '--all']);
      expect(requeue).toMatchObject({ code: exitCodes.unfinished });
    }
    const after = await verify(spool);
    expect(after.findings.map(({ code: left }) => left)).toEqual(
      damage.staysDamaged ? expected.map(({ code: wanted }) => wanted) : [],
    );
    // There is nothing left to do.
    await expectNothingToDo(spool);
  });
});
