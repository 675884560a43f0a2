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
  'EPROTO',
]);

const CODE_FAMILIES = /^(?:CERT_|CRL_|ERR_OSSL_|ERR_SSL_|ERR_TLS_|ERROR_IN_CERT_|ERROR_IN_CRL_|UNABLE_TO_)/u;

/** A reset in the middle of the handshake has an ordinary code: that is the network, not the certificate. */
export function isTlsFailure(systemCode: string | undefined): boolean {
  return systemCode !== undefined && (CERTIFICATE_CODES.has(systemCode) || CODE_FAMILIES.test(systemCode));
}
