/**
 * - `background`: the application is hidden or suspended; store what is in memory soon.
 * - `foreground`: it is back.
 * - `terminate`: it has been asked to end and there is still time for asynchronous work.
 * - `exit`: it ends with this call; only synchronous work still happens.
 */
export type LifecycleChange = 'background' | 'foreground' | 'terminate' | 'exit';

/** Ends a subscription. Calling it again is harmless. */
export type Unsubscribe = () => void;

/**
 * Tells when an application leaves the foreground or ends.
 */
export interface LifecycleSource {
  /**
   * Handlers on the process or page are installed with the first listener and removed with the last.
   * For `terminate` a listener may return a promise; the source waits for it before the process goes on ending.
   */
  subscribe(listener: (change: LifecycleChange) => void | Promise<void>): Unsubscribe;
}
