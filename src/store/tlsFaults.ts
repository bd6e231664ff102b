// Why a certificate was not accepted, in words that say what to mend. The codes are those of OpenSSL, as Node has them.

const reasons: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet: look at the clocks',
  CERT_REVOKED: 'it was revoked',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'no trusted authority signed it',
  UNABLE_TO_GET_ISSUER_CERT: 'no trusted authority signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no trusted authority signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'no trusted authority signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it signed itself and is not trusted',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong: another authority of the same name signed it',
  CERT_UNTRUSTED: 'it is not trusted',
  CERT_REJECTED: 'it is not trusted',
  CERT_CHAIN_TOO_LONG: 'its chain is too long',
  INVALID_CA: 'a certificate of its chain may not sign others',
  INVALID_PURPOSE: 'it is not for a server',
  PATH_LENGTH_EXCEEDED: 'its chain is too long',
  HOSTNAME_MISMATCH: 'it is for another host name',
}

/** Null if the error is not about a certificate of the other side. The library's own message follows in parentheses. */
export const certificateReason = (error: Error): string | null => {
  const reason = 'code' in error && typeof error.code === 'string' ? reasons[error.code] : undefined
  return reason === undefined ? null : `${reason} (${error.message})`
}
