type Callable = (callback: () => void) => unknown;

// Taken once: a test that fakes timers later must not make a flush wait for its clock. Browsers have none.
const { setImmediate: found } = globalThis as { setImmediate?: Callable };
// Faked already: by Sinon's timers, which Vitest and Jest use, or by those of old Jest.
const isFake = found !== undefined && ('clock' in found || '_isMockFunction' in found);
const inNextTurn = isFake ? undefined : found;

/** Resolves once everything else of this turn of the event loop has run; at once where the platform cannot tell. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (inNextTurn === undefined) resolve();
    else inNextTurn(resolve);
  });
}
