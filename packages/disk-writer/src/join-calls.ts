/** A function whose calls share their work. */
export interface JoinedCalls<T> {
  (): Promise<T>;
  /** Resolves once nothing is under way, whatever became of it. */
  idle(): Promise<void>;
}

/** Makes calls that overlap share one run; the next call after it ended begins another. */
export function joinCalls<T>(work: () => Promise<T>): JoinedCalls<T> {
  let running: Promise<T> | undefined;
  const call = (): Promise<T> => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
  const idle = async (): Promise<void> => {
    while (running) await running.catch(() => undefined);
  };
  return Object.assign(call, { idle });
}
