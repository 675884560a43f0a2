import { setTimeout as sleep } from 'node:timers/promises';
import { listSpoolFiles, readMetadataFile, type SpoolFile } from '@relaykit/segments';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { escapeControls } from '../control-characters.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type FormatOptions, isEncrypted, knownFormats, type LineSerializer } from '../formats.ts';
import { MessageOutput } from '../message-output.ts';
import { type SpoolView, viewSpool } from '../open-spool.ts';
import { directoryOption, jsonOption, keyFileOption, moment } from '../options.ts';
import { BulkOutput } from '../print.ts';
import { SegmentTail, type TailPiece } from '../segment-tail.ts';
import { readSpoolId, spoolIdOfSegments } from '../spool-id.ts';
import type { CommandSetup } from './command-setup.ts';

/** How often `--follow` looks for more. */
export const followIntervalMs = 200;

interface CatOptions extends Pick<FormatOptions, 'keyFile'> {
  readonly dir: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly follow?: true;
  readonly json?: true;
}

export function defineCat({ program, run }: CommandSetup): void {
  program
    .command('cat')
    .summary('print the events that wait')
    .description(
      'Prints the events that wait in a spool, one a line, with their own bytes, whatever format they are stored in. ' +
        'Segments follow in the order of their names: in order for each writer, about in time across writers. Takes no ' +
        'lock and changes nothing, so it is safe beside writers and exports.',
    )
    .addOption(directoryOption())
    .addOption(keyFileOption())
    .addOption(
      new Option('--since <time>', 'leave out segments that were sealed before: a time, or how long ago').argParser(
        moment(Date.now),
      ),
    )
    .addOption(
      new Option('--until <time>', 'leave out segments that were begun after')
        .argParser(moment(Date.now))
        .conflicts('follow'),
    )
    .option('-f, --follow', 'go on with what is recorded from now on, until a signal comes')
    .addOption(jsonOption('print objects with the members segment, sequence and event'))
    .addHelpText(
      'after',
      `
Times are those of segments, which is all that a spool knows of an event: what
was recorded between the two is there, and neighbours of it in the same
segments. Damage is named on standard error, and what is whole behind it is
printed. On a terminal control characters are shown as escapes of JSON.

Examples:
  relay cat --dir spool | jq .name
  relay cat --dir spool --since 15m --key-file relay.key
  relay cat --dir spool --follow

Exit codes: 0 everything was printed, 7 damage was found, 8 segments could not
be read: no key, a format of others, or a file that the system does not open;
1 failure, 2 wrong use.`,
    )
    .action(run(cat));
}

async function cat(options: CatOptions, context: CommandContext): Promise<ExitCode> {
  const formats = await knownFormats(options);
  const view = await viewSpool(options.dir);
  const printer = new EventPrinter(view, formats, options, context);
  await printer.printWaiting();
  while (options.follow && !context.signal.aborted && !printer.isLost) {
    await sleep(followIntervalMs, undefined, { signal: context.signal }).catch(() => undefined);
    await printer.printWaiting();
  }
  return printer.end();
}

class EventPrinter {
  readonly #view: SpoolView;
  readonly #formats: readonly LineSerializer[];
  readonly #options: CatOptions;
  readonly #signal: AbortSignal;
  /** A terminal would act on control characters; all others get the bytes of the event. */
  readonly #isTerminal: boolean;
  readonly #output: BulkOutput;
  readonly #messages: MessageOutput;
  readonly #tails = new Map<string, SegmentTail>();
  /** Read to their end, or not wanted. */
  readonly #done = new Set<string>();
  #damages = 0;
  #unread = 0;

  constructor(view: SpoolView, formats: readonly LineSerializer[], options: CatOptions, context: CommandContext) {
    this.#view = view;
    this.#formats = formats;
    this.#options = options;
    this.#signal = context.signal;
    this.#isTerminal = context.stdout.isTTY === true;
    this.#output = new BulkOutput(context);
    this.#messages = new MessageOutput(context.stderr, context.signal);
  }

  /** Whether nobody reads what is printed any more. */
  get isLost(): boolean {
    return this.#output.isLost;
  }

  /** Prints what is there by now and was not before. */
  async printWaiting(): Promise<void> {
    const files = (await listSpoolFiles(this.#view)).filter(({ kind }) => kind === 'sealed' || kind === 'active');
    const found = readSpoolId(this.#view);
    const spoolId = 'id' in found ? found.id : await spoolIdOfSegments(this.#view);
    const listed = new Map(files.map((file) => [file.segment.id, file]));
    // One that went is asked once more, so that what it left unread is said.
    for (const id of [...this.#tails.keys(), ...listed.keys()].toSorted()) {
      if (this.#signal.aborted || this.isLost) break;
      const file = listed.get(id);
      const tail = this.#tails.get(id) ?? (file && (await this.#begin(file, spoolId)));
      if (tail) await this.#print(tail);
    }
    for (const id of this.#done) if (!listed.has(id)) this.#done.delete(id);
    await this.#output.flush();
  }

  async end(): Promise<ExitCode> {
    await this.#output.end();
    await this.#messages.end([]);
    if (this.#damages > 0) return exitCodes.unsound;
    return this.#unread > 0 ? exitCodes.unfinished : exitCodes.done;
  }

  async #begin(file: SpoolFile, spoolId: string | undefined): Promise<SegmentTail | undefined> {
    const { segment } = file;
    if (this.#done.has(segment.id)) return undefined;
    const serializer = this.#formats.find(({ format }) => format.fileExtension === segment.fileExtension);
    if (!(await this.#isWanted(file))) this.#done.add(segment.id);
    else if (!serializer) this.#leaveOut(segment.id, `its format .${segment.fileExtension} needs ${needOf(file)}`);
    else {
      const tail = new SegmentTail({ view: this.#view, segment, serializer, spoolId });
      this.#tails.set(segment.id, tail);
      return tail;
    }
    return undefined;
  }

  async #isWanted({ kind, segment: { id, createdAtMs } }: SpoolFile): Promise<boolean> {
    const { since, until = Number.POSITIVE_INFINITY } = this.#options;
    if (createdAtMs > until) return false;
    // What was begun before may hold what came after; one that is open still surely may.
    if (since === undefined || createdAtMs >= since || kind === 'active') return true;
    // Where it cannot be read, the segment is tried, and says so.
    const metadata = await readMetadataFile(this.#view.fileSystem, this.#view.directory, id).catch(() => undefined);
    return metadata === undefined || Date.parse(metadata.sealedAt) >= since;
  }

  async #print(tail: SegmentTail): Promise<void> {
    const { id } = tail.segment;
    for await (const piece of tail.read()) {
      if (piece.kind === 'events') await this.#printEvents(id, piece);
      else if (piece.kind === 'unopened') this.#leaveOut(id, piece.reason);
      else {
        this.#damages += 1;
        this.#messages.say(`${id} is damaged at byte ${piece.positionBytes} (${piece.reason}); see relay verify`);
      }
      if (this.#signal.aborted || this.isLost) return;
    }
    if (tail.state === 'reading') return;
    if (tail.state === 'gone') this.#messages.say(`${id} went before it was read to its end: delivered, or dropped`);
    this.#tails.delete(id);
    this.#done.add(id);
  }

  async #printEvents(segmentId: string, { texts, sequence }: TailPiece & { kind: 'events' }): Promise<void> {
    for (const [index, own] of texts.entries()) {
      const text = this.#isTerminal ? escapeControls(own) : own;
      const line = this.#options.json
        ? `{"segment":"${segmentId}","sequence":${sequence + index},"event":${text}}`
        : text;
      const written = this.#output.write(line);
      // Most lines are gathered, and nothing is waited for.
      if (written) await written;
    }
  }

  #leaveOut(id: string, reason: string): void {
    this.#unread += 1;
    this.#done.add(id);
    this.#messages.say(`${id} is left out: ${reason}`);
  }
}

function needOf({ segment: { fileExtension } }: SpoolFile): string {
  return isEncrypted(fileExtension) ? '--key-file' : 'another program: this one does not know it';
}
