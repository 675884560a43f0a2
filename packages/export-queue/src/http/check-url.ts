/** What `checkUrl` lets pass. */
export interface CheckUrlOptions {
  readonly allowInsecureHttp: boolean;
  /** What messages call the address. Defaults to `url`. */
  readonly option?: string;
}

/**
 * @throws TypeError - never with the address itself, which may hold a credential in its path or query.
 */
export function checkUrl(url: string | URL, { allowInsecureHttp, option = 'url' }: CheckUrlOptions): URL {
  const checked = parse(url);
  if (checked === undefined || !['http:', 'https:'].includes(checked.protocol)) {
    throw new TypeError(`${option} must be an absolute http or https address, such as https://example.com/events`);
  }
  if (checked.username !== '' || checked.password !== '') {
    throw new TypeError(`${option} must not hold a user name or password; pass them in an option of their own`);
  }
  if (checked.protocol === 'http:' && !allowInsecureHttp && !isLoopback(checked.hostname)) {
    throw new TypeError(
      `${option} must be https, or its host loopback, unless allowInsecureHttp is true; got ${checked.origin}`,
    );
  }
  checked.hash = '';
  return checked;
}

function parse(url: string | URL): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** RFC 6761, section 6.3, and the loopback networks. The URL parser has brought every spelling into one form. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/u.test(hostname);
}
