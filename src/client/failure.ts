// Why a request got no answer, and what an answer that is a refusal says, in words for a person.

import { certificateReason } from '../store/tlsFaults.ts'
import { describe } from '../telemetry/log.ts'

/**
 * `certificate`: it will not get better by itself. `unsent`: no connection was made, so the service knows nothing of the request. `lost`:
 * the service may have got it.
 */
export type Failure = { kind: 'certificate' | 'unsent' | 'lost'; reason: string }

/** Bun's codes and Node's, for those that a person meets. */
const reasons: Readonly<Record<string, Failure>> = {
  ConnectionRefused: { kind: 'unsent', reason: 'nobody listens at this address' },
  ECONNREFUSED: { kind: 'unsent', reason: 'nobody listens at this address' },
  FailedToOpenSocket: { kind: 'unsent', reason: 'the address cannot be reached' },
  EHOSTUNREACH: { kind: 'unsent', reason: 'the address cannot be reached' },
  ENETUNREACH: { kind: 'unsent', reason: 'the address cannot be reached' },
  ENOTFOUND: { kind: 'unsent', reason: 'there is no host of this name' },
  ECONNRESET: { kind: 'lost', reason: 'the connection was lost' },
  ConnectionClosed: { kind: 'lost', reason: 'the connection was lost' },
}

/** What an error of `fetch` means. */
export const failureOf = (error: unknown): Failure => {
  const certificate = error instanceof Error ? certificateReason(error) : null
  if (certificate !== null)
    return { kind: 'certificate', reason: `the certificate of the service is not accepted: ${certificate}` }
  const { error: text, errorCode = '' } = describe(error)
  return reasons[errorCode] ?? { kind: 'lost', reason: text }
}

/** `Retry-After` in ms; null if the answer has none in seconds. */
export const retryAfterOf = (headers: Headers): number | null => {
  const text = headers.get('retry-after')
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null
}

/** What a problem says; empty if the text holds none. */
export const problemOf = (text: string): { code: string; detail: string } => {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown }
    return { code: typeof code === 'string' ? code : '', detail: typeof detail === 'string' ? detail : '' }
  } catch {
    return { code: '', detail: '' }
  }
}

/** Of a refused credential (401, 403): `what` completes "this credential may not …". */
export const accessRefusal = (status: 401 | 403, what: string, hasCredential: boolean): string => {
  if (status === 403) return `this credential may not ${what}`
  return hasCredential
    ? 'the service does not accept this credential (any more)'
    : 'the service asks for a credential: set ORDERS_API_KEY or ORDERS_TOKEN'
}
