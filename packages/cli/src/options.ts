import { InvalidArgumentError, Option } from 'commander';

/** Options that several commands share, with one wording. */

export function directoryOption(description = 'spool directory'): Option {
  return new Option('--dir <directory>', description).argParser(path).makeOptionMandatory();
}

/** Empty is what a variable that is not set leaves of a path. */
function path(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('It must be a path, such as . for the working directory.');
}

export function unsafeDirectoryOption(): Option {
  return new Option(
    '--allow-unsafe-directory',
    'accept a directory that others may change, a symbolic link, or a network file system',
  );
}

export function keyFileOption(description = 'keys of encrypted segments; a file that nobody else can read'): Option {
  return new Option('--key-file <file>', description);
}

export function jsonOption(description: string): Option {
  return new Option('--json', description);
}

/** A whole number, at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/u.test(text) && Number.isSafeInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`It must be a whole number >= ${minimum}.`);
  };
}

const unitsOfSize: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Bytes: `8388608`, `8Mi`, `64k`. */
export function byteSize(minimum: number): (text: string) => number {
  return (text) => {
    const [, digits = '', unit = '?'] = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi|)B?$/u.exec(text) ?? [];
    const value = unit === '' ? Number(digits) : Math.round(Number(digits) * (unitsOfSize[unit] ?? Number.NaN));
    if (Number.isSafeInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(
      `It must be a whole number >= ${minimum}, in bytes, or with a unit: k, M, G (thousands), Ki, Mi, Gi (1,024s).`,
    );
  };
}

const unitsOfTime: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, min: 6e4, h: 36e5, d: 864e5 };

/** `undefined` where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/u.exec(text) ?? [];
  const value = Math.round(Number(digits) * (unitsOfTime[unit] ?? Number.NaN));
  return digits !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** Milliseconds: `250ms`, `30s`, `5m`, `1h`, `7d`. */
export function duration(minimumMs: number): (text: string) => number {
  return (text) => {
    const value = parseDuration(text);
    if (value !== undefined && value >= minimumMs) return value;
    throw new InvalidArgumentError(
      `It must be a duration of at least ${minimumMs} ms, such as 250ms, 30s, 5m, 1h or 7d.`,
    );
  };
}

/** Milliseconds since the epoch: a date of ISO 8601, or a duration that is so long ago. */
export function moment(nowMs: () => number): (text: string) => number {
  return (text) => {
    const ago = parseDuration(text);
    if (ago !== undefined) return nowMs() - ago;
    // Other texts that Date.parse takes mean different things in different places.
    const at = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/u.test(text)
      ? Date.parse(text)
      : Number.NaN;
    if (!Number.isNaN(at)) return at;
    throw new InvalidArgumentError(
      'It must be a time such as 2026-11-22T16:40:00Z, or how long ago: 90s, 15m, 2h, 7d.',
    );
  };
}
