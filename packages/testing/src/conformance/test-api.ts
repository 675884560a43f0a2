/** The two functions of a test runner that the suites need. Those of Vitest, Jest and `node:test` fit. */
export interface TestApi {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
}

/** @throws TypeError - there is no `testApi`, and the runner has no global `describe` and `it` either. */
export function resolveTestApi(testApi: TestApi | undefined): TestApi {
  if (testApi !== undefined) return testApi;
  const { describe, it } = globalThis as Partial<TestApi>;
  if (typeof describe === 'function' && typeof it === 'function') return { describe, it };
  throw new TypeError('testApi must be given as { describe, it }: this test runner has no global ones');
}
