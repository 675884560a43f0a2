import { nodeFileSystem } from '@relaykit/segments';
import type { FileHandle, FileSystem } from '@relaykit/types';

/** `slow`: a sync takes 5 ms more. `failing`: writes fail while `isBroken` says so. */
export type DiskKind = 'healthy' | 'slow' | 'failing';

/** The real file system, slowed down or failing in the middle of files. */
export function diskOf(kind: DiskKind, isBroken: () => boolean): FileSystem {
  const handleOf = (handle: FileHandle): FileHandle =>
    overriding(handle, {
      writeSync(bytes: Uint8Array, positionBytes: number) {
        if (kind === 'failing' && isBroken()) throw Object.assign(new Error('EIO: the disk fails'), { code: 'EIO' });
        handle.writeSync(bytes, positionBytes);
      },
      async syncData() {
        if (kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 5));
        await handle.syncData();
      },
    });
  const real = nodeFileSystem();
  return overriding(real, {
    createFileSync: (path: string) => handleOf(real.createFileSync(path)),
    openFileSync: (path: string, access: 'read' | 'readWrite') => handleOf(real.openFileSync(path, access)),
  });
}

function overriding<Target extends object>(target: Target, overrides: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(name in overrides ? overrides : target, name);
      // Private members are the target's own.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
