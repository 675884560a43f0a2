import type { FileHandle, FileSystem } from '@relaykit/types';
import { check, checkEqual } from './check.ts';

/** A file system to test. */
export interface FileSystemFixture {
  readonly fileSystem: FileSystem;
  /** Without a slash at the end. */
  readonly directory: string;
  /** Creates a symbolic link. Without it, links are not tested. */
  placeSymlink?(path: string, target: string): void;
  /** Creates something that is neither file, directory nor link, such as a FIFO. Without it, that is not tested. */
  placeOther?(path: string): void;
  /** Removes the directory; called after the test. */
  dispose?(): void | Promise<void>;
}

/** Defines one test in a fresh directory. */
export type FileSystemTest = (name: string, run: (fixture: FileSystemFixture) => Promise<void>) => void;

/** Creates a file, writes to it and closes it. */
export function put(fileSystem: FileSystem, path: string, text: string): void {
  const handle = fileSystem.createFileSync(path);
  handle.writeSync(utf8(text), 0);
  handle.closeSync();
}

/** The text of a file, by its name. */
export function get(fileSystem: FileSystem, path: string): string {
  const handle = fileSystem.openFileSync(path, 'read');
  try {
    return textOf(handle);
  } finally {
    handle.closeSync();
  }
}

export function textOf(handle: FileHandle): string {
  return new TextDecoder().decode(handle.readSync(0, handle.statSync().sizeBytes));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Compares the operating system's code of an error. */
export function checkCode(error: unknown, code: string, what: string): void {
  check(error instanceof Error, `${what}: expected an Error, got ${String(error)}`);
  checkEqual('code' in error ? error.code : undefined, code, `${what}, code of "${error.message}"`);
}
