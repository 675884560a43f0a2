// Taken once: a test that fakes timers later must not make a flush wait for its clock. Browsers have none.
const { setImmediate: inNextTurn } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Resolves once everything else of this turn of the event loop has run; at once where the platform cannot tell. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (inNextTurn === undefined) resolve();
    else inNextTurn(resolve);
  });
}
