import { checkSpool } from './check-spool.ts';
import { MAX_SEGMENT_AGE_MS, SPOOL, type SpoolWorld } from './spool-world.ts';

/** Once a disk works again, everything accepted is sealed and listed within this, though nobody writes any more. */
export const SEALED_WITHIN_MS: number = MAX_SEGMENT_AGE_MS + 20_000;

/** Ends all faults, lets time pass, and expects no acknowledged event outside of sealed segments. */
export async function expectAllSealed(world: SpoolWorld): Promise<void> {
  world.endFaults();
  await world.clock.advanceAsync(SEALED_WITHIN_MS);
  await checkSpool(world, 'running');
  const unsealed = [...world.disk.files()].filter(([path]) => /^\/spool\/[^/]+\.(open|atomic|salvage)$/.test(path));
  for (const [path] of unsealed) {
    const kept = world.linesAt(path).filter((text) => world.list.byText.get(text)?.state === 'kept');
    if (kept.length > 0) {
      const name = path.slice(SPOOL.length + 1);
      throw new Error(`not sealed within ${SEALED_WITHIN_MS} ms: ${kept.length} events in ${name}`);
    }
  }
}
