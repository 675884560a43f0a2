import { checkUrl } from '@relaykit/export-queue/uploader-kit';

/** `path`: the bucket is in the path. `virtualHost`: it is in the host name. */
export type S3Addressing = 'path' | 'virtualHost';

export interface ObjectAddressOptions {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | URL | undefined;
  readonly addressing: S3Addressing | undefined;
  readonly allowInsecureHttp: boolean;
}

/** Amazon's rules ("General purpose bucket naming rules"): the name becomes part of a host name. */
const DNS_BUCKET = /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]$/u;

/** What other stores allow, as long as it needs no escaping. */
const PATH_BUCKET = /^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9])){1,253}[A-Za-z0-9]$/u;

const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;

/** Where the objects of one bucket are. */
export class ObjectAddress {
  /** Without bucket in a path or key; all that errors tell. */
  readonly origin: string;
  readonly #base: string;

  /** @throws TypeError - an option breaks its rule. */
  constructor({ bucket, region, endpoint, addressing, allowInsecureHttp }: ObjectAddressOptions) {
    if (typeof region !== 'string' || !REGION.test(region)) {
      throw new TypeError(`region must be lower-case letters, digits and -, such as eu-central-1, got '${region}'`);
    }
    const url = checkUrl(endpoint ?? `https://s3.${region}.amazonaws.com`, { allowInsecureHttp, option: 'endpoint' });
    if (url.search !== '') throw new TypeError('endpoint must have no query');
    // Anything else is escaped in one way here and in another by the store, which then refuses the signature.
    if (!/^[A-Za-z0-9/_.~-]*$/u.test(url.pathname))
      throw new TypeError('endpoint must have a plain path: A-Z a-z 0-9 /_.~-');
    // Behind an address of one's own there is mostly one host name, and a certificate for it alone. A dot in the bucket's
    // name is more than the wildcard of a certificate covers.
    const style = addressing ?? (endpoint === undefined && !String(bucket).includes('.') ? 'virtualHost' : 'path');
    if (style !== 'path' && style !== 'virtualHost') {
      throw new TypeError(`addressing must be 'path' or 'virtualHost', got ${String(style)}`);
    }
    const isValid = typeof bucket === 'string' && (style === 'path' ? PATH_BUCKET : DNS_BUCKET).test(bucket);
    if (!isValid) throw new TypeError(`bucket must be a bucket's name, 3 to 63 of a-z, 0-9, . and -, got '${bucket}'`);
    if (style === 'virtualHost') {
      if (bucket.includes('.') && url.protocol === 'https:') {
        throw new TypeError(`addressing must be 'path' for a bucket with a dot in its name, got 'virtualHost'`);
      }
      const host = `${bucket}.${url.hostname}`;
      url.hostname = host;
      // The URL parser leaves a host alone that cannot have names in front, such as an address; the first part of each key
      // would then be taken for the bucket.
      if (url.hostname !== host) throw new TypeError("addressing must be 'path' where endpoint is an IP address");
    }
    this.origin = url.origin;
    const path = url.pathname.replace(/\/+$/u, '');
    this.#base = `${url.origin}${path}/${style === 'path' ? `${bucket}/` : ''}`;
  }

  /** Characters of `key` are those that `checkKeyTemplate` allows. */
  urlOf(key: string): URL {
    return new URL(this.#base + key);
  }
}
