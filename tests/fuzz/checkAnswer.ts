// Checks an answer against the contract: names the fault in a sentence, or gives null.

import type { Expected } from './expectedAnswer.ts'
import { canonicalAmount, type Key, type Terms } from './expectedOrder.ts'
import { membersOf, parseStrict, type Json } from './strictJson.ts'
import type { Answer } from './wire.ts'

const codes: Record<number, string> = {
  400: 'BAD_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'IDEMPOTENCY_MISMATCH',
  503: 'OVERLOADED',
}
const reasons: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  503: 'Service Unavailable',
}
const problemMembers = ['type', 'title', 'status', 'detail', 'code', 'message', 'errors', 'timestamp', 'error', 'path']
const orderMembers = [
  'id',
  'userId',
  'clientOrderId',
  'ticker',
  'side',
  'type',
  'timeInForce',
  'quantity',
  'price',
  'stopPrice',
  'displayQuantity',
  'postOnly',
  'expiresAt',
  'status',
  'filledQuantity',
  'remainingQuantity',
  'lastFillPrice',
  'averageFillPrice',
  'triggeredAt',
  'reason',
  'createdAt',
  'updatedAt',
  'version',
]

/** The statuses with which the server's own parser may refuse what is no HTTP, without a body. */
const bareStatuses = [400, 413, 417, 431, 501, 505]

/** The planted secret, stack frames, places in files, SQL, libraries, and what a runtime says. */
export const internals = new RegExp(
  [
    's3cr3t',
    String.raw`\bat \S+ \(|\bat \S+:\d+|\.[jt]s:\d+|node_modules|bunfs|/src/|/home/|/root/`,
    String.raw`\b(select|insert into|update|delete from) |postgres|elysia|typebox|sinclair|platformatic|memoirist`,
    String.raw`(Type|Syntax|Range|Reference|URI)Error|JSON Parse|undefined|\[object`,
  ].join('|'),
  'i',
)

/** The internals, or parts of the input, that an answer gives away. A problem repeats the path alone. */
const leakOf = ({ head, body }: Answer): string | null =>
  internals.exec(`${head}\n${body.replace(/"path":"[^"]*"/, '')}`)?.[0] ?? null

const encodedPath = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}){0,256}$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

export const sameNames = (found: Iterable<string>, expected: readonly string[]): boolean =>
  [...found].toSorted().join() === expected.toSorted().join()

export const textOf = (value: Json | undefined): string | null => (value?.kind === 'string' ? value.value : null)

const isErrors = (value: Json | undefined): boolean =>
  value?.kind === 'array' &&
  value.items.every((item) => {
    const members = membersOf(item)
    return (
      sameNames(members.keys(), ['pointer', 'detail']) && [...members.values()].every((text) => text.kind === 'string')
    )
  })

/** RFC 9457, always the same members, and what existing clients read. */
export const problemMembersFault = (
  members: Map<string, Json>,
  status: number,
  path: string | null,
  code: string | undefined = codes[status],
): string | null => {
  if (
    !sameNames(
      members.keys(),
      status === 409 && members.has('orderStatus') ? [...problemMembers, 'orderStatus'] : problemMembers,
    )
  )
    return `the problem has the members ${[...members.keys()].join()}`
  const number = members.get('status')
  if (number?.kind !== 'number' || Number(number.source) !== status) return 'the problem names another status'
  if (textOf(members.get('code')) !== code) return `a ${status} with code ${textOf(members.get('code'))}`
  if (textOf(members.get('detail')) === null || textOf(members.get('detail')) !== textOf(members.get('message')))
    return 'detail and message differ'
  if (!instant.test(textOf(members.get('timestamp')) ?? '')) return 'timestamp is no instant'
  if (textOf(members.get('error')) !== reasons[status]) return `a ${status} with error ${textOf(members.get('error'))}`
  const shown = textOf(members.get('path'))
  if (shown === null || shown.length > 256 || !encodedPath.test(shown) || (path !== null && shown !== path))
    return `the problem names the path ${shown}`
  return isErrors(members.get('errors')) ? null : 'errors is no list of { pointer, detail }'
}

/** `code`: where it is not the usual one of its status. */
export const problemFault = (answer: Answer, path: string | null, code?: string): string | null => {
  const { status, headers, body } = answer
  const leak = leakOf(answer)
  if (leak !== null) return `the problem gives away "${leak}"`
  if (headers.get('content-type') !== 'application/problem+json')
    return `a ${status} of type ${headers.get('content-type')}`
  const parsed = parseStrict(body)
  if (parsed === null || parsed === 'TOO_DEEP') return 'the problem is no JSON'
  if (status === 405 && !headers.has('allow')) return 'a 405 without Allow'
  if (status === 503 && !headers.has('retry-after')) return 'a 503 without Retry-After'
  return problemMembersFault(membersOf(parsed), status, path, code)
}

export type TakenOrder = { id: string; replayed: boolean }

const amountIn = (value: Json | undefined): string | null =>
  value?.kind === 'number' ? canonicalAmount(value.source) : null
const plainNumber = /^(0|[1-9]\d*)(\.\d*[1-9])?$/

/** A 202 has to answer with exactly the order that was asked for. */
export const orderFault = (members: Map<string, Json>, terms: Terms): string | null => {
  if (!sameNames(members.keys(), orderMembers)) return `the order has the members ${[...members.keys()].join()}`
  for (const name of ['userId', 'clientOrderId', 'ticker', 'side', 'type', 'timeInForce'] as const)
    if (textOf(members.get(name)) !== terms[name]) return `${name} should be ${terms[name]}`
  const postOnly = members.get('postOnly')
  if (postOnly?.kind !== 'literal' || postOnly.value !== terms.postOnly) return `postOnly should be ${terms.postOnly}`
  const end = textOf(members.get('expiresAt'))
  if (terms.timeInForce === 'DAY' ? !instant.test(end ?? '') : end !== terms.expiresAt)
    return `expiresAt should be ${terms.expiresAt}`
  for (const name of ['quantity', 'price', 'stopPrice', 'displayQuantity'] as const) {
    if (amountIn(members.get(name)) !== terms[name]) return `${name} should be ${terms[name]}`
    const value = members.get(name)
    if (value?.kind === 'number' && !plainNumber.test(value.source)) return `${name} is written as ${value.source}`
  }
  return null
}

const voidedText = '{"voided":true}'

/** Either it is void, or the answer has the order with that key. */
const voidFault = ({ body }: Answer, { userId, clientOrderId }: Key): string | null => {
  if (body === voidedText) return null
  const parsed = parseStrict(body)
  if (parsed === null || parsed === 'TOO_DEEP') return 'the answer is no JSON'
  const members = membersOf(parsed)
  const voided = members.get('voided')
  if (!sameNames(members.keys(), ['voided', 'order']) || voided?.kind !== 'literal' || voided.value !== false)
    return 'neither void nor an order'
  const order = membersOf(members.get('order')!)
  if (!sameNames(order.keys(), orderMembers)) return `the order has the members ${[...order.keys()].join()}`
  return textOf(order.get('userId')) === userId && textOf(order.get('clientOrderId')) === clientOrderId
    ? null
    : 'the order has another key'
}

export const isVoided = ({ body }: Answer): boolean => body === voidedText

const placedFault = ({ headers, body }: Answer, terms: Terms): string | null => {
  const parsed = parseStrict(body)
  if (parsed === null || parsed === 'TOO_DEEP') return 'the order is no JSON'
  const members = membersOf(parsed)
  if (headers.get('location') !== `/orders/${textOf(members.get('id'))}`) return 'Location is not that of the order'
  return orderFault(members, terms)
}

export const takenOrder = ({ headers, body }: Answer): TakenOrder => ({
  id: (JSON.parse(body) as { id: string }).id,
  replayed: headers.get('idempotent-replayed') === 'true',
})

/** Whether an answer is one that the contract allows; `headOnly`: it has no body. */
export const answerFault = (answer: Answer, expected: Expected, headOnly: boolean): string | null => {
  const { status, headers, body } = answer
  if (expected.bare && body === '' && bareStatuses.includes(status)) return null
  if (status !== 503 && !expected.statuses.includes(status))
    return `answered ${status} instead of ${expected.statuses.join(' or ')}`
  if (headOnly) return null
  const isPlacing = expected.terms !== null || expected.path === '/orders/validate'
  if (status >= 400) return problemFault(answer, expected.path, status === 409 && isPlacing ? 'VOIDED' : undefined)
  if (status === 200 && expected.voiding !== null) return voidFault(answer, expected.voiding)
  if (status === 202 && expected.terms !== null) return placedFault(answer, expected.terms)
  if (!(headers.get('content-type') ?? '').startsWith('application/json')) return null
  const parsed = parseStrict(body)
  return parsed === null || parsed === 'TOO_DEEP' ? 'the answer is no JSON' : null
}

/** Checks the answer to bytes that are no HTTP: the parser's bare answer, or one of ours. */
export const rawAnswerFault = (answer: Answer): string | null => {
  if (answer.status < 400) return null
  if (answer.status === 503) return problemFault(answer, null)
  if (answer.status >= 500 && answer.status !== 501 && answer.status !== 505) return `answered ${answer.status}`
  if (answer.body !== '') return problemFault(answer, null)
  return bareStatuses.includes(answer.status) ? null : `a bare ${answer.status}`
}
