import type { FileSystem } from '@relaykit/types';

export interface Gate {
  readonly fileSystem: FileSystem;
  readonly reached: Promise<void>;
  open(): void;
}

/** A process that stops for a while, right behind the first operation of this kind. */
export function gateAfter(fileSystem: FileSystem, verb: 'rename' | 'syncDirectory', endOfPath: string): Gate {
  const [reached, arrive] = promise();
  const [opened, open] = promise();
  const gated = new Proxy(fileSystem, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== verb) return member.bind(target);
      return async (...paths: readonly string[]): Promise<void> => {
        await Reflect.apply(member, target, paths);
        if (!paths.at(-1)?.endsWith(endOfPath)) return;
        arrive();
        await opened;
      };
    },
  });
  return { fileSystem: gated, reached, open };
}

function promise(): readonly [Promise<void>, () => void] {
  let resolve: () => void = () => undefined;
  const made = new Promise<void>((settle) => {
    resolve = settle;
  });
  return [made, resolve];
}
