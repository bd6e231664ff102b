// The refusals of the routes of orders, as problems.

import type { PlaceAnswer, ValidateAnswer } from '../../app/orders.ts'
import { type Order, type Status } from '../../domain/order.ts'
import type { Reason } from '../../domain/reason.ts'
import { orderJson, reasonJson } from '../../wire/order.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { tooMany } from '../gates/limits/limits.ts'

export const unknownOrder = (): Problem => problem('NOT_FOUND', 'there is no such order')

/** The caller named another user. The answer reveals nothing: it refuses only what the caller itself sent. */
export const foreignUser = (pointer = '/userId'): Problem =>
  problem('FORBIDDEN', 'userId must be your own, or left out', {
    errors: [{ pointer, detail: 'is another user' }],
  })

export const mismatch = (differing: readonly string[]): Problem =>
  problem(
    'IDEMPOTENCY_MISMATCH',
    `this key already names another order: ${differing.join(', ')} differ; send the same order or a new key`,
    {
      errors: differing.map((name) => ({ pointer: `/${name}`, detail: 'differs from the order that holds the key' })),
    },
  )

export const voided = (): Problem =>
  problem('VOIDED', 'this key was made void, so no order can have it any more: send the order with a new key')

const badExpiry = (detail: string): Problem => invalid('Invalid order', [{ pointer: '/expiresAt', detail }])

/** A rule refused the order when it came in. `replayed`: that was an earlier request with this key. */
export const rejected = (order: Order, replayed: boolean): Problem => {
  const reason = order.reason ?? { code: 'UNKNOWN', text: null }
  return problem('ORDER_REJECTED', reason.text ?? reason.code, {
    members: { reason: reasonJson(reason), order: orderJson(order) },
    headers: { location: `/orders/${order.id}`, ...(replayed ? { 'idempotent-replayed': 'true' } : {}) },
  })
}

/** A rule would refuse the order: nothing is stored of it. */
export const wouldBeRejected = (reason: Reason): Problem =>
  problem('ORDER_REJECTED', reason.text ?? reason.code, { members: { reason: reasonJson(reason) } })

type PlacingRefusal = Exclude<PlaceAnswer | ValidateAnswer, { ok: true }>

export const tooManyRejected = (waitSeconds: number): Problem =>
  tooMany('too many orders of yours were refused: try again after the time in Retry-After', waitSeconds)

/** The problem of an order that was not placed, whichever route it came by. */
export const placingProblem = (refusal: PlacingRefusal): Problem => {
  switch (refusal.code) {
    case 'FORBIDDEN':
      return foreignUser()
    case 'IDEMPOTENCY_MISMATCH':
      return mismatch(refusal.differing)
    case 'ORDER_REJECTED':
      return rejected(refusal.order, refusal.replayed)
    case 'WOULD_BE_REJECTED':
      return wouldBeRejected(refusal.reason)
    case 'VOIDED':
      return voided()
    case 'EXPIRES_AT':
      return badExpiry(refusal.detail)
    case 'RATE_LIMITED':
      return tooManyRejected(refusal.waitSeconds)
    case 'STOPS_UNWATCHED':
      return stopsUnwatched()
    case 'OVERLOADED':
    case 'OUTCOME_UNKNOWN':
    case 'INTERNAL':
      return refused(refusal.code)
  }
}

const cannotCancel = (detail: string, status: Status): Problem =>
  problem('CONFLICT', detail, {
    title: 'Order cannot be canceled',
    members: { orderStatus: JSON.stringify(status) },
  })
/** Of POST …/cancel. */
export const notNew = (status: Status): Problem =>
  cannotCancel(`only an order with status NEW can be canceled, this one is ${status}`, status)
/** Of DELETE. */
export const notOpen = (status: Status): Problem =>
  cannotCancel(`nothing remains of this order to be canceled, it is ${status}`, status)

export const otherVersion = (version: number): Problem =>
  problem('PRECONDITION_FAILED', `the order has another version than If-Match asks for: it is "${version}" now`)

/** No stop is taken while a replica may pass over the trade that triggers it. */
const stopsUnwatched = (): Problem =>
  problem(
    'OVERLOADED',
    'no stop is taken while a replica of an older version runs, because it would trigger none: nothing was stored, try again after the upgrade',
  )
