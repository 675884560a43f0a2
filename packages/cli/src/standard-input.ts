import { fstatSync } from 'node:fs';

/** A shell lets `relay record < DIRECTORY` begin; Node reads nothing from it and says nothing. */
export function isDirectory({ fd }: { readonly fd?: number }): boolean {
  return fd !== undefined && fstatSync(fd).isDirectory();
}
