/** An access key, as a store or a token service hands it out. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** Printable ASCII without spaces: what every store hands out, and what a header may hold. */
const PRINTABLE = /^[\x21-\x7e]{1,8192}$/u;

/** @throws TypeError - naming the member, never its value. */
export function checkCredentials(credentials: S3Credentials): S3Credentials {
  if (typeof credentials !== 'object' || credentials === null) {
    throw new TypeError(
      'credentials must be an object with accessKeyId and secretAccessKey, or a function that returns one',
    );
  }
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  check('accessKeyId', accessKeyId);
  check('secretAccessKey', secretAccessKey);
  if (sessionToken === undefined) return { accessKeyId, secretAccessKey };
  check('sessionToken', sessionToken);
  return { accessKeyId, secretAccessKey, sessionToken };
}

function check(member: string, value: unknown): void {
  if (typeof value !== 'string' || !PRINTABLE.test(value)) {
    throw new TypeError(`credentials.${member} must be printable ASCII without spaces`);
  }
}
