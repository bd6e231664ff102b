// What an operation answered, as a message or as a status. The operations are those of HTTP, so both doors judge alike.

import { Metadata, type StatusObject } from '@grpc/grpc-js'
import type { Plain } from './messages.ts'
import { codeOf, statusOf, type Refusal } from './status.ts'

/** Numbers leave JSON as their own digits: amounts are exact, and whole numbers are read from text as well. */
const digits = (_name: string, value: unknown, context?: { source: string }): unknown =>
  typeof value === 'number' ? context!.source : value
export const parseAnswer = (text: string): Plain => JSON.parse(text, digits) as Plain

/** Headers of an answer that clients of gRPC get as trailing metadata. */
const shownHeaders = ['x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after', 'www-authenticate']

export const trailerOf = ({ headers }: Response): Metadata => {
  const trailer = new Metadata()
  for (const name of shownHeaders) {
    const value = headers.get(name)
    if (value !== null) trailer.set(name, value)
  }
  return trailer
}

type Problem = { code: string; detail: string; errors?: Refusal['errors']; order?: { id: string } } & Plain

/** What ErrorInfo says beside the code: the order that was stored, and why. */
const metadataOf = ({ order, reason, orderStatus }: Problem): Record<string, string> => ({
  ...(order === undefined ? {} : { orderId: order.id }),
  ...(typeof orderStatus === 'string' ? { orderStatus } : {}),
  ...(typeof reason === 'string' ? { reason } : {}),
  ...(typeof reason === 'object' && reason !== null ? { reason: String((reason as Plain)['code']) } : {}),
})

export type Answer = { ok: true; value: Plain; response: Response } | { ok: false; status: StatusObject }

const refusedBy = (problem: Problem, response: Response): StatusObject =>
  statusOf(
    {
      code: problem.code,
      detail: problem.detail,
      errors: problem.errors ?? [],
      metadata: metadataOf(problem),
      retryAfter: response.headers.get('retry-after'),
    },
    trailerOf(response),
  )

/** Reads the whole answer. */
export const readAnswer = async (response: Response): Promise<Answer> => {
  const value = parseAnswer(await response.text())
  return response.ok ? { ok: true, value, response } : { ok: false, status: refusedBy(value as Problem, response) }
}

type BatchResult = { order?: Plain; problem?: Problem; replayed?: boolean }

/** One result of many: its order, or what it would have got alone. */
export const placeResult = ({ order, problem, replayed = false }: BatchResult): Plain =>
  problem === undefined
    ? { order, replayed }
    : {
        refusal: {
          status: codeOf(problem.code),
          code: problem.code,
          detail: problem.detail,
          errors: problem.errors,
          order: problem.order,
        },
        replayed,
      }
