import { isIP } from 'node:net';
import { isLoopback } from '@relaykit/export-queue/uploader-kit';

/**
 * Whom the page answers: requests for this machine, for an address, and for names that were allowed. A page of somebody else
 * whose name is bound anew to this machine (DNS rebinding) asks under that name, and gets nothing. Who asks for an address
 * has looked up no name, so nothing can have been bound anew; which addresses lead here, a proxy or a container may hide.
 */
export class KnownHosts {
  readonly #names: ReadonlySet<string>;

  /** @param names - Names beside those of this machine, in any spelling, with or without a port. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.flatMap((name) => hostnameOf(name) ?? []));
  }

  /** @param host - The header `Host`; empty where there is none. */
  includes(host: string): boolean {
    const hostname = hostnameOf(host);
    return hostname !== undefined && (this.#names.has(hostname) || isLoopback(hostname) || isAddress(hostname));
  }
}

/**
 * The name or address of `host`, in the one spelling that URLs know: `LOCALHOST:80` is `localhost`, `127.1` is `127.0.0.1`.
 *
 * @returns `undefined` where it is neither.
 */
export function hostnameOf(host: string): string | undefined {
  // Whatever else stands in a URL would be left out silently.
  if (/[\s/\\?#@]/u.test(host)) return undefined;
  const text = isIP(host) === 6 ? `[${host}]` : host;
  return URL.canParse(`http://${text}`) ? new URL(`http://${text}`).hostname : undefined;
}

/** As it is given to a socket: an address of version 6 has brackets only in URLs. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/u, '$1');
}

function isAddress(hostname: string): boolean {
  return isIP(withoutBrackets(hostname)) !== 0;
}
