import { AwsV4Signer } from 'aws4fetch';
import type { S3Credentials } from './s3-credentials.ts';

export interface SignRequestOptions {
  readonly method: string;
  readonly url: URL;
  /** All are signed; lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly credentials: S3Credentials;
  readonly region: string;
  /** Milliseconds since the epoch. A store refuses what is more than 15 minutes off its own clock. */
  readonly atMs: number;
}

/** SHA-256 of nothing: what a request without body is signed with. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Signs a request by AWS Signature Version 4, in headers. The body is signed by its hash: a store that gets other bytes
 * refuses them, over http as well.
 *
 * @returns All headers to be sent but `host`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export async function signRequest(options: SignRequestOptions): Promise<Record<string, string>> {
  const { method, url, headers, sha256, credentials, region, atMs } = options;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: { ...headers, 'x-amz-content-sha256': sha256 },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region,
    datetime: new Date(atMs).toISOString().replaceAll(/[:-]|\.\d{3}/gu, ''),
    allHeaders: true,
  });
  const signed = await signer.sign();
  return Object.fromEntries(signed.headers);
}
