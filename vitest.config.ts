import { defineConfig } from 'vitest/config';
import { packageTests } from './tools/vitest.ts';

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'demo/vitest.config.ts', packageTests('tidy', ['tools/**/*.test.ts'])],
  },
});
