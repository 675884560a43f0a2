import type { LifecycleChange, LifecycleSource, Unsubscribe } from '@relaykit/types';

/** Subscribes, and keeps what is told. */
export function logOf(source: LifecycleSource): { readonly changes: LifecycleChange[]; readonly end: Unsubscribe } {
  const changes: LifecycleChange[] = [];
  return { changes, end: source.subscribe((change) => void changes.push(change)) };
}

/** A promise that a test settles. */
export function gate(): { readonly promise: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
