// Orders and cancel requests of sessions of FIX, a batch a statement: the same judgement and the same rows as for HTTP, and the numbers of their
// messages move in the same statement. What cannot be done waits in fix_due for an answer, whoever dies before it is given.

import type { Order } from '../domain/order.ts'
import { isLockTimeout } from '../store/faults.ts'
import {
  cancelFixOrders,
  insertFixOrders,
  readFixOutcome,
  requestName,
  type FixMessage,
  type FixOutcome,
  type FixStored,
  type NewFixOrder,
  type NewFixRequest,
} from '../store/fixOrders.ts'
import { readOrders, type InsertOptions } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { passCrashPoint } from './crashPoint.ts'
import type { FoundLocked } from './foundLocked.ts'
import type { KeyFill } from './keyFill.ts'
import {
  answerOf,
  judgeAndStore,
  newRejection,
  type Judged,
  type OrderAnswer,
  type Placement,
  type Placing,
} from './place.ts'

export type FixPlacement = Placement & Pick<NewFixOrder, 'message' | 'heldBack'>

/**
 * `DUE`: the number is consumed, and the message waits in fix_due. `SESSION_LOST`: nothing was done; the session is another's, or expects
 * another number.
 */
export type FixRefusal = { ok: false; code: 'DUE' | 'SESSION_LOST' }
/** A canceled order is answered by its report, which comes from the log. */
export type FixCancelResult = { ok: true } | FixRefusal
export type FixPlaceResult = OrderAnswer | FixRefusal

const due: FixRefusal = { ok: false, code: 'DUE' }
const lost: FixRefusal = { ok: false, code: 'SESSION_LOST' }
const nothingDone: FixOutcome = { due: new Set(), done: new Set() }

/** What became of the messages whose sessions this statement did not move: an earlier attempt may have. */
const outcomeOf = (db: Database, messages: readonly FixMessage[], { moved }: FixStored): Promise<FixOutcome> => {
  const still = messages.filter(({ session }) => !moved.has(session))
  return still.length === 0 ? Promise.resolve(nothingDone) : db.run((sql) => readFixOutcome(sql, still))
}

const readById = async (db: Database, ids: readonly string[]): Promise<Map<string, Order>> => {
  const orders = ids.length === 0 ? [] : await db.run((sql) => readOrders(sql, ids))
  return new Map(orders.map((order) => [order.id, order]))
}

/** In the order of their messages. Those that the caller has had too many of refused wait too. */
const newOrdersOf = (placements: readonly FixPlacement[], judged: readonly Judged<FixPlacement>[]): NewFixOrder[] => {
  const byNumber = new Map(judged.map((one) => [requestName(one.placement.message), one]))
  return placements.map((placement) => {
    const one = byNumber.get(requestName(placement.message))
    if (one === undefined) return placement
    return one.waitSeconds === null ? one.placement : { ...one.placement, heldBack: 'RATE_LIMITED' }
  })
}

/**
 * Stores a batch: the orders of each session in one statement with their numbers, which have to follow each other. Returns one result for
 * each, in order. Idempotent: called again with the same placements it stores nothing twice, and says what became of them.
 */
export const placeFixOrders = async (
  db: Database,
  placements: readonly FixPlacement[],
  placing: Placing,
): Promise<FixPlaceResult[]> => {
  const open = placements.filter(({ heldBack }) => heldBack === null)
  const store = (judged: Judged<FixPlacement>[], options: InsertOptions) =>
    db.run(async (sql) => {
      const orders = newOrdersOf(placements, judged)
      return { orders, ...(await insertFixOrders(sql, orders, options)) }
    })
  const { result } = await judgeAndStore({ placements: open, store }, placing)
  passCrashPoint('after-commit-before-answer')
  if (result.moved.size > 0) placing.onCommitted()
  const messages = placements.map(({ message }) => message)
  const outcome = await outcomeOf(db, messages, result)
  const earlier = placements.filter(({ message }) => outcome.done.has(requestName(message)))
  const orders = await readById(
    db,
    earlier.map(({ order }) => order.id),
  )
  return result.orders.map((placement, i): FixPlaceResult => {
    const { order, message } = placement
    const read = orders.get(order.id)
    const answer: FixPlaceResult = result.stored.has(order.id)
      ? answerOf(order, false)
      : read !== undefined
        ? answerOf(read, false)
        : result.moved.has(message.session) || outcome.due.has(requestName(message))
          ? due
          : lost
    const refusal = answer.ok || answer.code === 'ORDER_REJECTED' ? newRejection(answer) : null
    if (refusal === null) placing.rejections.putBack(placements[i]!)
    else placing.onRejected?.(refusal.code)
    return answer
  })
}

type CancelAttempt = { now: Date; keyFill: KeyFill; foundLocked: FoundLocked; onCommitted: () => void }

const targetIds = (requests: readonly NewFixRequest[]): string[] =>
  requests.flatMap(({ target }) => (target !== null && 'orderId' in target ? [target.orderId] : []))

/**
 * Waits once for an order that somebody holds locked; then the orders that are locked are passed by, so that a session which holds one of them holds up
 * no other.
 */
const cancelUnlocked = async (
  db: Database,
  requests: readonly NewFixRequest[],
  { now, keyFill, foundLocked }: CancelAttempt,
): Promise<FixStored> => {
  const keysFilled = await keyFill.isDone()
  const run = async (skipLocked: readonly string[] | 'all'): Promise<FixStored> => {
    const stored = await db.run((sql) => cancelFixOrders(sql, requests, { now, keysFilled, skipLocked }))
    const tried = requests.filter(({ message }) => stored.moved.has(message.session))
    foundLocked.note(targetIds(tried), stored.locked)
    return stored
  }
  try {
    return await run(foundLocked.among(targetIds(requests)))
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return run('all')
  }
}

/** Cancels a batch likewise. Of an order that another request cancels first, or that stays locked, the request waits for its answer. */
export const cancelFixBatch = async (
  db: Database,
  requests: readonly NewFixRequest[],
  attempt: CancelAttempt,
): Promise<FixCancelResult[]> => {
  const stored = await cancelUnlocked(db, requests, attempt)
  passCrashPoint('after-commit-before-answer')
  if (stored.moved.size > 0) attempt.onCommitted()
  const messages = requests.map(({ message }) => message)
  const outcome = await outcomeOf(db, messages, stored)
  return messages.map((message): FixCancelResult => {
    const name = requestName(message)
    if (stored.stored.has(name) || outcome.done.has(name)) return { ok: true }
    return stored.moved.has(message.session) || outcome.due.has(name) ? due : lost
  })
}
