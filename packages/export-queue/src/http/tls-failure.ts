/** Verification results of OpenSSL as Node names them ("X509 certificate error codes" of its TLS page). */
const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  'AKID_ISSUER_SERIAL_MISMATCH',
  'AKID_SKID_MISMATCH',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'SUBJECT_ISSUER_MISMATCH',
]);

const CODE_FAMILIES = /^(?:CERT_|CRL_|ERR_TLS_CERT_|ERROR_IN_CERT_|ERROR_IN_CRL_|UNABLE_TO_)/u;

/**
 * Whether a certificate was judged and found wrong, which only a person mends. Other trouble of TLS passes by itself: a
 * byte that the way changed, a load balancer that is being exchanged, a portal that answers in plain HTTP.
 */
export function isCertificateFailure(systemCode: string | undefined): boolean {
  return systemCode !== undefined && (CERTIFICATE_CODES.has(systemCode) || CODE_FAMILIES.test(systemCode));
}

/** Of TLS, though of no certificate: nothing of it concerns the segment, so the receiver is left alone for a while. */
export function isTlsFailure(systemCode: string | undefined): boolean {
  return systemCode !== undefined && /^(?:EPROTO$|ERR_OSSL_|ERR_SSL_|ERR_TLS_)/u.test(systemCode);
}
