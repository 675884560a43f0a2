export { DEFAULT_SIGNALS, type NodeLifecycleOptions, nodeLifecycle } from './node-lifecycle.ts';
export type { ProcessLike } from './process-hooks.ts';
