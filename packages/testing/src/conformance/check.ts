// Assertions that need no test runner: each throws an Error whose message says what was expected.

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Compares by JSON, so for plain data with the same order of members. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [actualText, expectedText] = [toText(actual), toText(expected)];
  check(actualText === expectedText, `${what}: expected ${expectedText}, got ${actualText}`);
}

export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  checkEqual(Array.from(actual), Array.from(expected), what);
}

/** What the promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: expected a rejection, got ${toText(value)}`);
}

/** What the call throws. */
export function errorOf(call: () => unknown, what: string): unknown {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: expected an exception, got ${toText(value)}`);
}

function toText(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
