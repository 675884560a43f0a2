import { isRelayError } from '@relaykit/types';

/** Gives an error of the packages below the words of the command line: its options instead of theirs. */
export function inCommandTerms(error: unknown): unknown {
  if (isRelayError(error, 'RELAY_SPOOL_UNSAFE')) {
    return new Error(error.message.replace('allowUnsafeDirectory: true', '--allow-unsafe-directory'));
  }
  if (isRelayError(error, 'RELAY_STORAGE_FULL') && error.facts.systemCode === 'RELAY_RETENTION') {
    return new Error(
      `The spool ${error.facts.path} has reached its limits; all that was acknowledged stays. Deliver it with relay ` +
        'export, raise --max-spool-bytes, or let the oldest events go with --when-full drop-oldest.',
    );
  }
  if (isRelayError(error, 'RELAY_STORAGE_FAILED')) {
    // Operations are called as in code, such as createDirectory.
    const message = error.message.replace(/^Cannot [a-z]+[A-Z]\w*/u, (text) =>
      text.replaceAll(/(?<=\w)[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`),
    );
    return new Error(message, { cause: error.cause });
  }
  return error instanceof Error ? (describeSystemError(error) ?? error) : error;
}

const systemAdvice: Readonly<Record<string, string>> = {
  EACCES: 'give this user access to it, or run as the user whose it is',
  EPERM: 'give this user access to it, or run as the user whose it is',
  ENOTDIR: 'a part of the path is a file; check the path',
  ELOOP: 'links in it lead in a circle, or to where none may lead; check the path',
  ENAMETOOLONG: 'the path is too long; check it',
};

const systemVerbs: Readonly<Record<string, string>> = {
  lstat: 'look at',
  stat: 'look at',
  open: 'open',
  scandir: 'list',
  mkdir: 'create',
};

/** What the operating system alone has said: it names neither what was tried, in plain words, nor what to do. */
function describeSystemError(error: Error & { code?: unknown; path?: unknown; syscall?: unknown }): Error | undefined {
  const { code, path, syscall } = error;
  const advice = typeof code === 'string' && Object.hasOwn(systemAdvice, code) ? systemAdvice[code] : undefined;
  if (advice === undefined || typeof path !== 'string') return undefined;
  const verb = systemVerbs[String(syscall)] ?? 'use';
  return new Error(`Cannot ${verb} ${path}; ${advice}`, { cause: error });
}

/** Beginnings of messages about options, and what they are in the command line. The first that fits. */
const optionTerms: readonly (readonly [RegExp, string])[] = [
  [/^url must be https, .*; got /u, '--to must be https, or http to this machine; got '],
  [
    /^url must not hold a user name or password.*/u,
    '--to must not hold a user name or password; send them with --header "Authorization: …"',
  ],
  [/^url /u, '--to '],
  [/^headers must have names/u, '--header must have a name'],
  [/^headers? /u, '--header '],
  [/^endpoint must be https, .*; got /u, '--s3-endpoint must be https, or http to this machine; got '],
  [
    /^endpoint must not hold a user name or password.*/u,
    '--s3-endpoint must not hold a user name or password; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ],
  [/^endpoint /u, '--s3-endpoint '],
  [/^region /u, '--s3-region, or AWS_REGION, '],
  [/^bucket /u, 'the bucket in --to '],
  [/^keyTemplate /u, 'the prefix in --to and --s3-key, in one, '],
  [/^credentials\.accessKeyId /u, 'AWS_ACCESS_KEY_ID '],
  [/^credentials\.secretAccessKey /u, 'AWS_SECRET_ACCESS_KEY '],
  [/^credentials\.sessionToken /u, 'AWS_SESSION_TOKEN '],
  [/^tls must be given.*/u, '--to must be tls://…, or nats:// to this machine'],
  [
    /^servers must be named by host, .*/u,
    '--to must name servers by host, not by address, in tls://…: their certificates are checked',
  ],
  [/^servers /u, 'the servers in --to '],
  [/^subject /u, 'the subject in --to '],
  [/^stream /u, '--nats-stream '],
  [/^maxEventBytes /u, '--max-event-bytes '],
];

/** The same for what a constructor says of an option that breaks its rule. */
export function optionInCommandTerms(message: string): string {
  const found = optionTerms.find(([beginning]) => beginning.test(message));
  return found ? message.replace(...found) : message;
}
