// Explains TLS and login failures of a broker and names the setting to check. Every other error speaks for itself.
// If the library has a code, the code decides. For the three failures of `byMessage` it has only PLT_KFK_USER or PLT_KFK_NETWORK, which
// stand for much else too, so its message decides: tests/kafka/refusal.test.ts compares these texts with the real library.

import { certificateReason } from '../store/tlsFaults.ts'

const byApiId: Readonly<Record<string, string>> = {
  SASL_AUTHENTICATION_FAILED:
    'the broker refused the login: look at KAFKA_SASL_USERNAME, its password and KAFKA_SASL_MECHANISM, and at the user on the broker',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not offer this KAFKA_SASL_MECHANISM',
  ILLEGAL_SASL_STATE:
    'the broker asks for no login at this port: look at KAFKA_SECURITY_PROTOCOL and KAFKA_BOOTSTRAP_SERVERS',
}

const byMessage: readonly (readonly [start: string, explanation: string])[] = [
  ['Broker requires TLS', 'the broker speaks TLS at this port: KAFKA_SECURITY_PROTOCOL must be SSL or SASL_SSL'],
  [
    'TLS handshake failed',
    'the broker does not speak TLS at this port: look at KAFKA_SECURITY_PROTOCOL and KAFKA_BOOTSTRAP_SERVERS',
  ],
  // A broker closes the connection of a client that shows no certificate or does not log in.
  [
    'Connection closed',
    'the broker closed the connection; if it asks for a login or a certificate, see KAFKA_SECURITY_PROTOCOL and KAFKA_TLS_CERT_FILE',
  ],
]

const explain = (error: Error): string | null => {
  const certificate = certificateReason(error)
  if (certificate !== null) return `the certificate of the broker is not accepted: ${certificate}`
  if ('apiId' in error && typeof error.apiId === 'string' && error.apiId in byApiId) return byApiId[error.apiId]!
  return byMessage.find(([start]) => error.message.startsWith(start))?.[1] ?? null
}

/**
 * Explains an error of the library, which wraps the first cause several times, as causes and in lists.
 * @returns null if no part of it is about security
 */
export const refusalOf = (error: unknown): string | null => {
  if (!(error instanceof Error)) return null
  const inner: unknown[] = [...(error instanceof AggregateError ? (error.errors as unknown[]) : []), error.cause]
  for (const one of inner) {
    const explanation = refusalOf(one)
    if (explanation !== null) return explanation
  }
  return explain(error)
}
