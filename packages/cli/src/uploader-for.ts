import { HttpUploader } from '@relaykit/export-queue';
import type { SegmentUploader } from '@relaykit/types';
import type { LineSerializer } from './formats.ts';
import { fromArguments, UsageError } from './usage-error.ts';

/** What of the command line says where segments go. */
export interface DestinationOptions {
  readonly to: string;
  /** Each `Name: value`. */
  readonly header?: readonly string[];
  readonly s3Region?: string;
  readonly s3Endpoint?: string;
  readonly s3Key?: string;
  readonly natsMode?: 'segment' | 'event';
  readonly natsStream?: string;
}

/**
 * The uploader that an address asks for: `http:`, `https:`, `s3:`, `nats:` or `tls:`. Credentials of S3 and NATS come from
 * the environment, where other users of the machine do not see them, and never from the address.
 *
 * @throws UsageError - the address or an option beside it is not right; no word of a credential is in the message.
 */
export async function uploaderFor(
  options: DestinationOptions,
  formats: readonly LineSerializer[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<SegmentUploader> {
  const { to, header = [] } = options;
  const [, scheme = ''] = /^([a-z0-9+.-]+):/iu.exec(to) ?? [];
  if (scheme === 's3') return s3Uploader(options, env);
  if (scheme === 'nats' || scheme === 'tls') return natsUploader(options, formats, env);
  return fromArguments(() => new HttpUploader({ url: to, headers: parseHeaders(header) }));
}

async function s3Uploader(options: DestinationOptions, env: NodeJS.ProcessEnv): Promise<SegmentUploader> {
  const { to, header = [], s3Endpoint: endpoint, s3Key } = options;
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/?#]+)\/?([^?#]*)$/u.exec(to) ?? [];
  if (bucket === '') throw new UsageError('--to must be s3://BUCKET or s3://BUCKET/PREFIX.');
  const region = options.s3Region ?? env['AWS_REGION'];
  if (region === undefined) throw new UsageError('S3 needs a region: give --s3-region, or set AWS_REGION.');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new UsageError('S3 needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  }
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const { DEFAULT_KEY_TEMPLATE, S3Uploader } = await import('@relaykit/uploader-s3');
  const folder = prefix.replace(/\/+$/u, '');
  const keyTemplate = `${folder === '' ? '' : `${folder}/`}${s3Key ?? DEFAULT_KEY_TEMPLATE}`;
  const headers = fromArguments(() => parseHeaders(header));
  const address = { bucket, region, keyTemplate, headers, ...(endpoint === undefined ? {} : { endpoint }) };
  return fromArguments(() => new S3Uploader({ ...address, credentials }));
}

async function natsUploader(
  { to, header = [], natsMode: mode = 'segment', natsStream }: DestinationOptions,
  serializers: readonly LineSerializer[],
  env: NodeJS.ProcessEnv,
): Promise<SegmentUploader> {
  const { NATS_USER: user, NATS_PASSWORD: pass, NATS_TOKEN: token } = env;
  const [, scheme, servers = '', subject = ''] = /^(nats|tls):\/\/([^/?#@]+)\/([^/?#]+)$/u.exec(to) ?? [];
  if (subject === '') {
    throw new UsageError(
      '--to must be nats://HOST:PORT/SUBJECT, or tls://…, with the login in NATS_USER and NATS_PASSWORD or NATS_TOKEN.',
    );
  }
  if (header.length > 0) throw new UsageError('--header is for HTTP and S3; NATS has none.');
  const login = {
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
  };
  const connection = { servers: servers.split(','), ...login, ...(scheme === 'tls' ? { tls: {} } : {}) };
  const common = {
    connection,
    subject: unescaped(subject),
    ...(natsStream === undefined ? {} : { stream: natsStream }),
  };
  const { NatsUploader } = await import('@relaykit/uploader-nats');
  return fromArguments(
    () => new NatsUploader(mode === 'event' ? { ...common, mode, serializers } : { ...common, mode }),
  );
}

function unescaped(subject: string): string {
  try {
    return decodeURIComponent(subject);
  } catch {
    throw new UsageError(`the subject in --to must have %25 for a percent sign, got '${subject}'`);
  }
}

/** @throws TypeError - without the text, which may hold a secret. */
function parseHeaders(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const colon = header.indexOf(':');
      if (colon < 1) throw new TypeError('--header must be "Name: value"');
      return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
    }),
  );
}
