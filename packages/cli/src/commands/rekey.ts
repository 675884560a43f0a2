import {
  listSpoolFiles,
  type RekeyOutcome,
  recoverSpool,
  rekeySegment,
  type Spool,
  type SpoolFile,
} from '@relaykit/segments';
import type { KeySet } from '@relaykit/serializer-encrypted';
import type { CommandContext } from '../command-context.ts';
import { describeError } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatCount } from '../format.ts';
import { formatsWith, isEncrypted, type LineSerializer } from '../formats.ts';
import { jsonLine } from '../json-line.ts';
import { readKeyFile } from '../key-file.ts';
import { MessageOutput } from '../message-output.ts';
import { openSpool } from '../open-spool.ts';
import { directoryOption, jsonOption, keyFileOption, unsafeDirectoryOption } from '../options.ts';
import { print } from '../print.ts';
import { startProgress } from '../progress.ts';
import type { CommandSetup } from './command-setup.ts';

interface RekeyCommandOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly keyFile: string;
  readonly includeTried?: true;
  readonly json?: true;
}

export function defineRekey({ program, run }: CommandSetup): void {
  program
    .command('rekey')
    .summary('give encrypted segments that wait the current key')
    .description(
      'Encrypts sealed segments anew with the first key of the key file, so that an old key can be retired. The others of ' +
        'the file decrypt. May run beside writers and exports, and may be cut off anywhere: each event stands in one segment.',
    )
    .addOption(directoryOption())
    .addOption(unsafeDirectoryOption())
    .addOption(
      keyFileOption('the new key first, then the old ones; a file that nobody else can read').makeOptionMandatory(),
    )
    .option(
      '--include-tried',
      'also take segments of which a delivery was tried: the receiver may get their events twice',
    )
    .addOption(jsonOption('print the counts as one JSON object'))
    .addHelpText(
      'after',
      `
The bytes of a segment never change once it is sealed, so the result is another
one, with an id a millisecond later. That id is the Idempotency-Key of its
delivery. Where a delivery was tried already the receiver may have the events
under the old id; such segments keep their key until they are delivered, unless
--include-tried is given.

Segments without encryption stay as they are, and the exit code says so.
Segments that are being written follow the key of their writer: start it with
the new key file first. What is in quarantine is not touched. The old bytes are
unlinked, which does not wipe them off a disk.

Example:
  umask 077
  { echo "2026-12 $(openssl rand -hex 32)"; cat relay.key; } > new.key
  relay rekey --dir spool --key-file new.key

Exit codes: 0 all is under the current key, 8 some keep theirs or have none,
1 failure, 2 wrong use.`,
    )
    .action(run(rekey));
}

type Counts = Record<Exclude<RekeyOutcome['status'], 'plain' | 'gone'> | 'keyMissing', number>;

async function rekey(options: RekeyCommandOptions, context: CommandContext): Promise<ExitCode> {
  const keys = readKeyFile(options.keyFile);
  const formats = await formatsWith(keys);
  const spool = await openSpool(options);
  // A rekeying that was cut off is brought to its end first.
  await recoverSpool(spool, formats);
  const sealed = (await listSpoolFiles(spool)).filter(({ kind }) => kind === 'sealed');
  const files = sealed.filter(({ segment }) => isEncrypted(segment.fileExtension));
  const unencrypted = sealed.length - files.length;
  const messages = new MessageOutput(context.stderr, context.signal);
  const progress = startProgress({ stream: context.stderr, messages, unit: 'segments', total: files.length });
  const counts: Counts = { rekeyed: 0, current: 0, tried: 0, order: 0, damaged: 0, busy: 0, keyMissing: 0 };
  try {
    const rekeyOne = await segmentRekeyer(spool, formats, keys, options.includeTried === true);
    // The newest first: each makes room in front of it for the one before.
    for (const file of files.toReversed()) {
      if (context.signal.aborted) break;
      const status = await rekeyOne(file, (text) => progress.say(`${file.segment.id} keeps its key: ${text}`));
      if (status !== 'plain' && status !== 'gone') counts[status] += 1;
      progress.advance(1);
    }
  } finally {
    progress.stop();
  }
  const { rekeyed, current, ...left } = counts;
  const leftCount = Object.values(left).reduce((sum, count) => sum + count, 0);
  const lines = options.json ? [jsonLine({ ...counts, unencrypted })] : describeCounts(counts);
  if (unencrypted > 0 && !options.json) {
    lines.push(
      `${formatCount(unencrypted, 'segment')} without encryption, left as they are: this changes keys and adds none`,
    );
  }
  await print(context, lines);
  await messages.end([]);
  // Whoever asks for one key over everything has to hear of what is under none.
  return leftCount + unencrypted > 0 || context.signal.aborted ? exitCodes.unfinished : exitCodes.done;
}

async function segmentRekeyer(
  spool: Spool,
  formats: readonly LineSerializer[],
  keys: KeySet,
  includeTried: boolean,
): Promise<(file: SpoolFile, say: (text: string) => void) => Promise<RekeyOutcome['status'] | 'keyMissing'>> {
  const currentFormats = await formatsWith({ current: keys.current });
  return async (file, say) => {
    const isOf = ({ format }: LineSerializer): boolean => format.fileExtension === file.segment.fileExtension;
    const [serializer, currentOnly] = [formats.find(isOf), currentFormats.find(isOf)];
    if (!serializer || !currentOnly) return 'plain';
    try {
      return (await rekeySegment(spool, file, serializer, { currentOnly, includeTried })).status;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'RELAY_KEY_MISSING')) throw error;
      say(describeError(error));
      return 'keyMissing';
    }
  };
}

function describeCounts({ rekeyed, current, tried, order, damaged, busy, keyMissing }: Counts): string[] {
  const lines = [
    `${formatCount(rekeyed, 'segment')} encrypted anew, ${formatCount(current, 'segment')} under the current key before`,
  ];
  if (tried > 0) lines.push(`${formatCount(tried, 'segment')} left: a delivery was tried; see --include-tried`);
  if (order > 0)
    lines.push(`${formatCount(order, 'segment')} left: the next of its writer is too close; deliver that first`);
  if (damaged > 0) lines.push(`${formatCount(damaged, 'segment')} left: damaged; run relay repair`);
  if (busy > 0) lines.push(`${formatCount(busy, 'segment')} left: another process has it; run the command again`);
  if (keyMissing > 0) lines.push(`${formatCount(keyMissing, 'segment')} left: their key is not in the file`);
  return lines;
}
