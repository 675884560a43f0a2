// Runs the real command from its sources, as a process of its own.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningCommand {
  readonly process: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, ['--conditions=@relaykit/source', '--import', tsx, bin, ...args], {
      env: { ...process.env, ...env },
    });
    this.process.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('utf8');
    });
    this.process.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('utf8');
    });
    // The command may end before it has read everything.
    this.process.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves once standard output holds what is looked for; fails if the command ends without it. */
  async untilStdout(text: string): Promise<void> {
    let hasEnded = false;
    void this.ended.then(() => {
      hasEnded = true;
    });
    while (!this.stdout.includes(text)) {
      if (hasEnded) throw new Error(`ended without printing ${text}: ${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Where the command's streams are to be something else than pipes that are read. */
export interface CommandStreams {
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
}

/** The command's process, with streams of the test's own. */
export function spawnCommand(args: readonly string[], { stdin, stdout, stderr }: CommandStreams): ChildProcess {
  return spawn(process.execPath, ['--conditions=@relaykit/source', '--import', tsx, bin, ...args], {
    stdio: [stdin ?? 'pipe', stdout ?? 'pipe', stderr ?? 'pipe'],
  });
}

/** Runs such a process to its end. */
export async function runWith(args: readonly string[], streams: CommandStreams): Promise<Ended> {
  const child = spawnCommand(args, streams);
  const ended = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      ended[name] += chunk.toString('utf8');
    });
  }
  child.stdin?.end();
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...ended };
}

/** Runs the command to its end with this standard input. */
export function run(args: readonly string[], input: string | Uint8Array = '', env?: NodeJS.ProcessEnv): Promise<Ended> {
  const command = new RunningCommand(args, env);
  command.process.stdin.end(input);
  return command.ended;
}
