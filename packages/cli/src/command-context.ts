import type { Readable, Writable } from 'node:stream';

/** The process as the command sees it, so that tests can give it another. */
export interface CommandContext {
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly fd?: number; setRawMode?(isRaw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Asks the command to end in good order. */
  readonly signal: AbortSignal;
  readonly version: string;
}
