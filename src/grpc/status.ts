// Problems as statuses: the code that each has, and its details in the trailer `grpc-status-details-bin`, as clients of gRPC expect them.

import { Metadata, status, type StatusObject } from '@grpc/grpc-js'
import { codecOf, type Plain } from './messages.ts'

/** The status code by the code of the problem; contract for clients. */
const codes: Readonly<Record<string, status>> = {
  BAD_REQUEST: status.INVALID_ARGUMENT,
  UNAUTHORIZED: status.UNAUTHENTICATED,
  FORBIDDEN: status.PERMISSION_DENIED,
  NOT_FOUND: status.NOT_FOUND,
  CONFLICT: status.FAILED_PRECONDITION,
  VOIDED: status.FAILED_PRECONDITION,
  ORDER_REJECTED: status.FAILED_PRECONDITION,
  PRECONDITION_FAILED: status.FAILED_PRECONDITION,
  CURSOR_EXPIRED: status.OUT_OF_RANGE,
  PAYLOAD_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  IDEMPOTENCY_MISMATCH: status.ALREADY_EXISTS,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  LAGGING: status.RESOURCE_EXHAUSTED,
  OVERLOADED: status.UNAVAILABLE,
  STOPPING: status.UNAVAILABLE,
  OUTCOME_UNKNOWN: status.UNKNOWN,
}
export const codeOf = (problemCode: string): status => codes[problemCode] ?? status.INTERNAL

/** The name of a status code: OK, INVALID_ARGUMENT … */
export const statusName = (code: status | null | undefined): string => status[code ?? status.UNKNOWN] ?? 'UNKNOWN'

type Fault = { pointer: string; detail: string }

/** A refusal as the JSON of a problem says it. `retryAfter`: seconds as text, or null. */
export type Refusal = {
  code: string
  detail: string
  errors?: readonly Fault[]
  /** Members for ErrorInfo: texts. */
  metadata?: Readonly<Record<string, string>>
  retryAfter?: string | null
}

const domain = 'orders.v1'

/**
 * A status goes out as headers, twice over, and many clients take no more than 8 KiB of those: of a larger one they see neither code nor
 * detail.
 */
const [violationsMax, messageMax] = [16, 1_000]

const shortened = (text: string): string =>
  text.length <= messageMax ? text : `${text.slice(0, messageMax).toWellFormed()}…`

const [rpcStatus, errorInfo, badRequest, retryInfo] = ['Status', 'ErrorInfo', 'BadRequest', 'RetryInfo'].map((name) =>
  codecOf(`google.rpc.${name}`),
) as [ReturnType<typeof codecOf>, ReturnType<typeof codecOf>, ReturnType<typeof codecOf>, ReturnType<typeof codecOf>]

const packed = (name: string, value: Buffer): Plain => ({ typeUrl: `type.googleapis.com/google.rpc.${name}`, value })

const detailsOf = ({ code, errors = [], metadata = {}, retryAfter = null }: Refusal): Plain[] => [
  packed('ErrorInfo', errorInfo.encode({ reason: code, domain, metadata })),
  ...(errors.length === 0
    ? []
    : [
        packed(
          'BadRequest',
          badRequest.encode({
            fieldViolations: errors
              .slice(0, violationsMax)
              .map(({ pointer, detail }) => ({ field: pointer, description: detail })),
          }),
        ),
      ]),
  ...(retryAfter === null
    ? []
    : [packed('RetryInfo', retryInfo.encode({ retryDelay: { seconds: Number(retryAfter) } }))]),
]

/** The status of a refusal. `trailer`: what goes along with it. */
export const statusOf = (refusal: Refusal, trailer = new Metadata()): StatusObject => {
  const code = codeOf(refusal.code)
  const detail = shortened(refusal.detail)
  trailer.set('grpc-status-details-bin', rpcStatus.encode({ code, message: detail, details: detailsOf(refusal) }))
  return { code, details: detail, metadata: trailer }
}

/** Of a message that cannot be read. */
export const malformed = (detail: string): StatusObject => statusOf({ code: 'BAD_REQUEST', detail })

/** Of a call on which the service failed; the log has the cause. */
export const failed = (): StatusObject => statusOf({ code: 'INTERNAL', detail: 'the service failed on this request' })
