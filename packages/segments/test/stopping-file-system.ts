import type { FileSystem } from '@relaykit/types';

type Verb = 'rename' | 'remove' | 'createFileSync' | 'syncDirectory';

/** Thrown where the story ends. */
export class Stopped extends Error {}

/**
 * A file system that stops at one step, as if the process had been killed there.
 *
 * @param endOfPath - How the path ends (of a rename: where it leads to).
 */
export function stopAt(fileSystem: FileSystem, verb: Verb, endOfPath: string): FileSystem {
  return new Proxy(fileSystem, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        if (name === verb && String(args[name === 'rename' ? 1 : 0]).endsWith(endOfPath)) throw new Stopped();
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** Runs a story to where it stops. */
export async function untilStopped(story: () => Promise<unknown>): Promise<void> {
  try {
    await story();
  } catch (error) {
    if (error instanceof Stopped || (error instanceof Error && error.cause instanceof Stopped)) return;
    throw error;
  }
  throw new Error('the story did not stop where it should');
}
