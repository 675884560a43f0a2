// Captured when loaded, so that a runner's fake timers do not stop the turns that a test waits for.
const { setTimeout } = globalThis;
const setImmediate = (globalThis as { readonly setImmediate?: (run: () => void) => unknown }).setImmediate;

/** How many turns of the event loop `settle` waits: enough for chains of promises with a message or two in between. */
export const DEFAULT_SETTLE_TURNS = 4;

/** Waits for promises that need no timer and no I/O: a few turns of the event loop, each with all its microtasks. */
export async function settle(turns: number = DEFAULT_SETTLE_TURNS): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise<void>((resolve) => {
      if (setImmediate === undefined) setTimeout(resolve, 0);
      else setImmediate(resolve);
    });
  }
}
