/** One request, ready to be sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names; `content-length` among them, exact. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the exchange at whatever stage, the reading of the response body included. */
  readonly signal: AbortSignal;
}

/** The head of an answer; its body is still on its way. */
export interface HttpResponse {
  readonly status: number;
  /** The value of a header by its lower-case name. */
  header(name: string): string | undefined;
  /** Whoever does not read it to its end aborts the request's signal, which drops the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Exchanges a request for an answer. Never follows redirects. */
export interface HttpTransport {
  /**
   * Resolves with the head of the answer, also where that comes before the body was sent.
   *
   * @throws What the network or `request.body` threw; the signal's reason when aborted.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Ends idle connections. Calling it again is harmless. */
  close(): Promise<void>;
}
