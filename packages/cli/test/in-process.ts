// Runs the command in this process, with streams of its own: for what needs no process and no signal.
import { Readable, Writable } from 'node:stream';
import { runCommand } from '../src/index.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InProcessOptions {
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Makes standard output a terminal of this size. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  readonly onStdout?: (all: string) => void;
}

/** @param args - What stands behind the command's name. */
export async function relay(args: readonly string[], options: InProcessOptions = {}): Promise<Outcome> {
  const { stdin = '', signal = new AbortController().signal, terminal, onStdout } = options;
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written[name] += chunk.toString('utf8');
        if (name === 'stdout') onStdout?.(written.stdout);
        done();
      },
    });
  const stdout = Object.assign(sink('stdout'), terminal ? { isTTY: true, ...terminal } : {});
  const input = Readable.from(stdin.length > 0 ? [Buffer.from(stdin)] : []);
  const code = await runCommand(args, { stdin: input, stdout, stderr: sink('stderr'), signal, version: '1.2.3' });
  return { code, ...written };
}

/** The lines of JSON that a command printed. */
export function jsonLines<Line = Record<string, unknown>>({ stdout }: Outcome): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
