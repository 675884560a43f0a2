import type { LifecycleSource } from '@relaykit/types';
import { LifecycleListeners } from './lifecycle-listeners.ts';

/** What is needed of `window`; said here, so that the types of this package need no DOM. */
export interface PageTarget {
  addEventListener(type: string, listener: (event: object) => void, options: { readonly capture: boolean }): void;
  removeEventListener(type: string, listener: (event: object) => void, options: { readonly capture: boolean }): void;
}

/** What is needed of `document`. */
export interface PageDocument extends PageTarget {
  readonly visibilityState: string;
}

/** The page that `pageLifecycle` listens to. */
export interface PageLifecycleOptions {
  /** For tests and frames. Defaults to the global `document`. */
  readonly document?: PageDocument;
  /** For tests and frames. Defaults to the global `window`. */
  readonly window?: PageTarget;
}

/**
 * The lifecycle of a page, after the Page Lifecycle API. Nothing is installed before the first listener.
 *
 * - `background`: the page is hidden (`visibilitychange`), frozen (`freeze`), or left (`pagehide`). On phones being hidden
 *   is often the last that a page hears.
 * - `foreground`: it is visible again, resumed, or comes back from the back/forward cache.
 * - `exit`: it is left for good (`pagehide`, not `persisted`), after `background`; only synchronous work still happens,
 *   such as `navigator.sendBeacon` or `localStorage` in the persistence's `writeSync`.
 *
 * `unload` and `beforeunload` are not used: they keep pages out of the back/forward cache.
 *
 * @throws TypeError - there is no page.
 */
export function pageLifecycle(options: PageLifecycleOptions = {}): LifecycleSource {
  const { document = globalThis.document, window = globalThis.window } = options;
  for (const [name, target] of Object.entries({ document, window })) {
    if (typeof target?.addEventListener === 'function') continue;
    throw new TypeError(`${name} must be that of a page; in Node.js use nodeLifecycle() of '@relaykit/buffer/node'`);
  }
  const listeners: LifecycleListeners = new LifecycleListeners(() => {
    const onVisibility = (): void =>
      void listeners.tell(document.visibilityState === 'hidden' ? 'background' : 'foreground');
    const onBackground = (): void => void listeners.tell('background');
    const onForeground = (): void => void listeners.tell('foreground');
    const onHide = (event: object): void => {
      onBackground();
      if (!isPersisted(event)) void listeners.tell('exit');
    };
    const onShow = (event: object): void => {
      if (isPersisted(event)) onForeground();
    };
    const installed: readonly (readonly [PageTarget, string, (event: object) => void])[] = [
      [document, 'visibilitychange', onVisibility],
      [document, 'freeze', onBackground],
      [document, 'resume', onForeground],
      [window, 'pagehide', onHide],
      [window, 'pageshow', onShow],
    ];
    // Captured: nothing on the page can keep them from being called.
    for (const [target, type, listener] of installed) target.addEventListener(type, listener, { capture: true });
    return () => {
      for (const [target, type, listener] of installed) target.removeEventListener(type, listener, { capture: true });
    };
  });
  return listeners;
}

/** Whether the page goes to, or comes from, the back/forward cache. */
function isPersisted(event: object): boolean {
  return (event as { readonly persisted?: unknown }).persisted === true;
}
