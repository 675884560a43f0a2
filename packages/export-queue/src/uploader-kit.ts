// What uploaders share: the checks of their options, errors that tell no secret, and exchanges over HTTP with their limits.
export { checkMethods, checkWholeNumber } from './check.ts';
export { describeCause, systemCodeOf } from './describe-cause.ts';
export { type CheckUrlOptions, checkUrl, isLoopback } from './http/check-url.ts';
export {
  type ExchangeOptions,
  type HttpAnswer,
  HttpExchanges,
  type HttpExchangesOptions,
  type PreparedRequest,
} from './http/http-exchange.ts';
export { type CheckHeadersOptions, checkHeaders, hexToBase64, isHeaderValue } from './http/http-headers.ts';
export { receiptOf } from './http/receipt.ts';
export { parseHttpDate, parseRetryAfterMs, type RetryAfterContext } from './http/retry-after.ts';
export { isCertificateFailure } from './http/tls-failure.ts';
export { safeLogger } from './safe-logger.ts';
export { untilAborted } from './until-aborted.ts';
