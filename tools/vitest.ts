import type { UserWorkspaceConfig } from 'vitest/config';

// Sibling packages resolve to their TypeScript sources, so that tests need no build.
const conditions = ['@relaykit/source', 'module', 'node', 'development|production'];

/** What every test project shares. Time limits are generous: a busy machine is slow, not wrong. */
export function packageTests(name: string, include: string[] = ['test/**/*.test.ts']): UserWorkspaceConfig {
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    test: { name, include, environment: 'node', testTimeout: 60_000, hookTimeout: 60_000 },
  };
}
