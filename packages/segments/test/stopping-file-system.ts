import type { FileHandle, FileSystem } from '@relaykit/types';

type Verb = 'rename' | 'remove' | 'createFileSync' | 'syncDirectory';

/** Thrown where the story ends. */
export class Stopped extends Error {}

/**
 * A file system that stops at one step, as if the process had been killed there.
 *
 * @param endOfPath - How the path ends (of a rename: where it leads to).
 */
export function stopAt(fileSystem: FileSystem, verb: Verb, endOfPath: string): FileSystem {
  return proxyOf(fileSystem, (name, args, call) => {
    if (name === verb && String(args[name === 'rename' ? 1 : 0]).endsWith(endOfPath)) throw new Stopped();
    return call();
  });
}

/** The same at the first write to a file that is created or opened before it returns. */
export function stopAtWrite(fileSystem: FileSystem, endOfPath: string): FileSystem {
  const isMet = (path: unknown): boolean => String(path).endsWith(endOfPath);
  return proxyOf(fileSystem, (name, args, call) => {
    const made = call();
    if (!isMet(args[0]) || (name !== 'createFileSync' && name !== 'openFileSync')) return made;
    return proxyOf(made as FileHandle, (verb, _, write) => {
      if (verb === 'writeSync') throw new Stopped();
      return write();
    });
  });
}

function proxyOf<T extends object>(
  object: T,
  around: (name: string | symbol, args: readonly unknown[], call: () => unknown) => unknown,
): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => around(name, args, () => Reflect.apply(member, target, args));
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
