import { fstatSync } from 'node:fs';

/** A shell lets `relay record < DIRECTORY` begin; Node reads nothing from it and says nothing. */
export function isDirectory({ fd }: { readonly fd?: number }): boolean {
  return fd !== undefined && fstatSync(fd).isDirectory();
}

/** How many bytes there are to read, where that is known: of a file, not of a pipe or terminal. */
export function sizeOfFile({ fd }: { readonly fd?: number }): number | undefined {
  if (fd === undefined) return undefined;
  const found = fstatSync(fd);
  return found.isFile() ? found.size : undefined;
}
