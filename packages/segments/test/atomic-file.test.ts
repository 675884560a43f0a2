// Goal: a small file is replaced as a whole: after a crash anywhere the old or the new content is there, never a mix.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic, writeFileAtomicSync } from '../src/atomic-file.ts';
import { textOf } from './scene.ts';

const PATH = '/d/state.json';
const write = {
  asynchronously: (disk: SimulatedDisk, text: string) => writeFileAtomic(disk, PATH, new TextEncoder().encode(text)),
  'before it returns': async (disk: SimulatedDisk, text: string) =>
    writeFileAtomicSync(disk, PATH, new TextEncoder().encode(text)),
};

describe.for(Object.entries(write))('a file written %s', ([, run]) => {
  it('is old or new after a power cut at any step, and new once it is done', async () => {
    const disk = new SimulatedDisk();
    disk.placeFile(PATH, 'old'.repeat(400));
    const seen = new Set<string>();
    disk.onEveryStep((snapshot) => {
      for (const crashed of snapshot.crashes({ maxOutcomes: 64 })) seen.add(textOf(crashed, PATH).slice(0, 9));
    });
    await run(disk, 'new'.repeat(500));
    expect([...seen].sort()).toEqual(['newnewnew', 'oldoldold']);
    expect(new TextDecoder().decode(disk.persistedFiles().get(PATH))).toBe('new'.repeat(500));
    expect([...disk.files().keys()]).toEqual([PATH]);
  });

  it('takes the place of what an earlier crash left', async () => {
    const disk = new SimulatedDisk();
    disk.placeFile(`${PATH}.tmp`, 'a longer rest of an earlier attempt');
    await run(disk, 'new');
    expect(disk.files()).toEqual(new Map([[PATH, new TextEncoder().encode('new')]]));
  });

  it.for(['write', 'sync'] as const)(
    'that fails to %s leaves the old one, and no rest that takes room',
    async (name) => {
      const disk = new SimulatedDisk();
      disk.placeFile(PATH, 'old');
      disk.failNext(({ name: step, path }) => step === name && path.endsWith('.tmp'), 'ENOSPC');
      await expect(run(disk, 'new')).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(disk.files()).toEqual(new Map([[PATH, new TextEncoder().encode('old')]]));
      await run(disk, 'new');
      expect(textOf(disk, PATH)).toBe('new');
    },
  );

  it('tells of the write that failed, not of the tidying', async () => {
    const disk = new SimulatedDisk();
    disk.placeDirectory('/d');
    disk.failNext('write', 'ENOSPC');
    let writes = 0;
    disk.onStep = ({ name }) => {
      if (name === 'write') writes += 1;
      if (name === 'remove' && writes > 0) disk.failNext('remove', 'EIO');
    };
    await expect(run(disk, 'new')).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});
