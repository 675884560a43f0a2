import { createRequire } from 'node:module';

/** The version in this package's own package.json. */
export function readPackageVersion(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { readonly version: string };
  return manifest.version;
}
