// Compares the clients' log with the table of orders: every 202 is an order with the terms of the request, no order exists that
// nobody may have placed, no key has two orders, and a cancel with the answer 200 holds.

import { amountOf, JsonNumber } from './amounts.ts'
import type { Answer, Evidence, LogLine, OrderRow, Report, Terms } from './evidence.ts'

/** `sentAt` and `answeredAt` are lines of the log: of two things, the one with the lower line happened first. */
type Attempt = { n: number; sentAt: number; answeredAt: number; answer: Answer | null }
type Placing = Attempt & { terms: Terms }
type Canceling = Attempt & { op: 'cancel' | 'delete' }

export type Requests = {
  /** Attempts that share a user and a key; a request without a key stands alone. */
  placings: Map<string, Placing[]>
  cancels: Map<string, Canceling[]>
  gets: Map<string, Attempt[]>
}

const nameOf = (terms: Pick<Terms, 'userId' | 'key'>): string => `${terms.userId} ${terms.key ?? ''}`

const into = <T>(map: Map<string, T[]>, name: string, item: T): void => {
  const list = map.get(name)
  if (list === undefined) map.set(name, [item])
  else list.push(item)
}

export const readRequests = (log: readonly LogLine[]): Requests => {
  const requests: Requests = { placings: new Map(), cancels: new Map(), gets: new Map() }
  const attempts = new Map<number, Attempt>()
  log.forEach((line, at) => {
    if ('answer' in line) {
      const attempt = attempts.get(line.answer)
      if (attempt !== undefined) Object.assign(attempt, { answeredAt: at, answer: line })
      return
    }
    const attempt: Attempt = { n: line.sent, sentAt: at, answeredAt: Infinity, answer: null }
    attempts.set(line.sent, attempt)
    if (line.op === 'place') into(requests.placings, nameOf(line.terms), Object.assign(attempt, { terms: line.terms }))
    else if (line.op === 'get') into(requests.gets, line.orderId, attempt)
    else into(requests.cancels, line.orderId, Object.assign(attempt, { op: line.op }))
  })
  return requests
}

const isAcked = ({ answer }: Attempt): boolean => answer?.status === 202
const isLost = ({ answer }: Attempt): boolean =>
  answer === null || answer.status === 504 || (answer.status === 0 && answer.error !== 'refused')
/** A 503, a 4xx, a 500 and a connection that nobody took store nothing. */
const mayHaveStored = (attempt: Attempt): boolean => isAcked(attempt) || isLost(attempt)

/** For each order: the first line at which it may have been accepted, and the line by which it certainly was. */
export const acceptances = ({ placings }: Requests, orders: readonly OrderRow[]) =>
  new Map(
    orders.map((order) => {
      const attempts = (placings.get(nameOf(order)) ?? []).filter(mayHaveStored)
      const sentAt = Math.min(...attempts.map((attempt) => attempt.sentAt))
      return [order.id, { sentAt, ackedAt: Math.min(...attempts.filter(isAcked).map((a) => a.answeredAt)) }] as const
    }),
  )

export const cancellations = ({ cancels }: Requests) =>
  new Map(
    [...cancels].map(([id, attempts]) => {
      const successes = attempts.filter(({ answer }) => answer?.status === 200)
      const may = attempts.filter((attempt) => successes.includes(attempt) || isLost(attempt))
      const sentAt = Math.min(...may.map((attempt) => attempt.sentAt))
      return [id, { sentAt, ackedAt: Math.min(...successes.map((attempt) => attempt.answeredAt)) }] as const
    }),
  )

/**
 * The numbers of the requests that may have made this order, and of those that may have canceled it. A request whose answer says that it
 * placed the order is the only one.
 */
export const originsOf = ({ placings, cancels }: Requests, order: OrderRow) => {
  const placing = (placings.get(nameOf(order)) ?? []).filter(mayHaveStored)
  const first = placing.filter((attempt) => isAcked(attempt) && attempt.answer?.replayed !== true)
  const canceling = (cancels.get(order.id) ?? []).filter((attempt) => attempt.answer?.status === 200 || isLost(attempt))
  return { placing: (first.length > 0 ? first : placing).map(({ n }) => n), canceling: canceling.map(({ n }) => n) }
}

type Accepted = { sentAt: number; ackedAt: number }

/**
 * Promise 4 wherever events of orders stand in an order (`place` rises): if B was sent after A was acknowledged, A stands before B. Read from
 * the end: no event may have been sent after the acknowledgement of one that stands behind it.
 */
export const checkTickerOrder = (
  events: readonly { id: string; ticker: string; place: number | bigint }[],
  accepted: ReadonlyMap<string, Accepted>,
  report: (text: string) => void,
): void => {
  for (const [ticker, ofTicker] of Map.groupBy(events, (event) => event.ticker)) {
    let behind = { ackedAt: Infinity, id: '' }
    for (const { id } of ofTicker.toSorted((a, b) => (a.place < b.place ? 1 : -1))) {
      const { sentAt, ackedAt } = accepted.get(id) ?? { sentAt: -Infinity, ackedAt: Infinity }
      if (behind.ackedAt < sentAt)
        report(`${ticker}: order ${behind.id} was accepted before ${id} and stands behind it`)
      if (ackedAt < behind.ackedAt) behind = { ackedAt, id }
    }
  }
}

const amountText = (text: string): bigint | null => amountOf(new JsonNumber(text))

const amountOrNull = (text: string | null): bigint | null => (text === null ? null : amountText(text))

const sameTerms = (order: OrderRow, terms: Terms): boolean =>
  order.userId === terms.userId &&
  order.key === terms.key &&
  order.ticker === terms.ticker &&
  order.side === terms.side &&
  order.type === terms.type &&
  order.timeInForce === terms.timeInForce &&
  order.quantity === amountText(terms.quantity) &&
  order.price === amountOrNull(terms.price) &&
  order.stopPrice === amountOrNull(terms.stopPrice) &&
  order.displayQuantity === amountOrNull(terms.displayQuantity) &&
  order.postOnly === terms.postOnly &&
  // The end of a DAY order is the service's to fix.
  (terms.timeInForce === 'DAY' || order.expiresAt === (terms.expiresAt === null ? null : Date.parse(terms.expiresAt)))

const checkAcked = (attempts: readonly Placing[], orders: ReadonlyMap<string, OrderRow>, report: Report): void => {
  const acked = attempts.filter(isAcked)
  for (const { n, answer, terms } of acked) {
    const order = orders.get(answer?.orderId ?? '')
    if (order === undefined) report('ACKED_ORDER_MISSING', `request ${n} was answered 202 with ${answer?.orderId}`)
    else if (!sameTerms(order, terms)) report('ORDER_TERMS_DIFFER', `order ${order.id}, request ${n}`)
  }
  const ids = new Set(acked.map(({ answer }) => answer?.orderId))
  if (ids.size > 1) report('KEY_MADE_TWO', `202 with ${[...ids].join(' and ')} for ${nameOf(acked[0]!.terms)}`)
  const first = acked.filter(({ answer }) => answer?.replayed !== true)
  const before = first.find((late) => acked.some((early) => early.answeredAt < late.sentAt))
  if (first.length > 1 || before !== undefined)
    report('WRONG_ANSWER', `request ${(before ?? first[1]!).n} repeats a key and is not marked as replayed`)
}

const checkRefused = (attempts: readonly Placing[], order: OrderRow | undefined, report: Report): void => {
  for (const { n, answer, terms } of attempts) {
    const status = answer?.status ?? 0
    if (status === 500) report('INTERNAL_ERROR', `request ${n} was answered 500`)
    else if (status === 422 && (order === undefined || sameTerms(order, terms)))
      report('WRONG_ANSWER', `request ${n} was answered 422 and no other order holds its key`)
    // An end that had passed when the request was tried again.
    else if (status === 400 && terms.expiresAt !== null) continue
    else if (![0, 202, 422, 503, 504].includes(status))
      report('WRONG_ANSWER', `request ${n}, a lawful order, was answered ${status}`)
  }
}

const checkPlacings = ({ placings }: Requests, { orders }: Evidence, report: Report): void => {
  const byId = new Map(orders.map((order) => [order.id, order]))
  const byName = new Map<string, OrderRow[]>()
  for (const order of orders) into(byName, nameOf(order), order)
  for (const [name, attempts] of placings) {
    const [order, second] = byName.get(name) ?? []
    if (second !== undefined) report('KEY_MADE_TWO', `orders ${order!.id} and ${second.id} for ${name}`)
    checkAcked(attempts, byId, report)
    checkRefused(attempts, order, report)
  }
  for (const order of orders) {
    const attempts = (placings.get(nameOf(order)) ?? []).filter(mayHaveStored)
    if (!attempts.some(({ terms }) => sameTerms(order, terms)))
      report('ORDER_FROM_NOWHERE', `order ${order.id}: no request that was not refused asked for it`)
  }
}

/** What a cancel of either kind must take. */
const refusable = { cancel: ['NEW'], delete: ['NEW', 'PARTIALLY_FILLED', 'CANCELED'] }

const checkCancels = ({ cancels }: Requests, { orders }: Evidence, report: Report): void => {
  const byId = new Map(orders.map((order) => [order.id, order]))
  for (const [id, attempts] of cancels) {
    const status = byId.get(id)?.status
    for (const { n, op, answer } of attempts) {
      const answered = answer?.status ?? 0
      if (answered === 500) report('INTERNAL_ERROR', `cancel ${n} was answered 500`)
      else if (answered === 200 && status !== 'CANCELED')
        report('CANCEL_LOST', `order ${id} is ${status}, cancel ${n} was answered 200`)
      else if (answered === 409 && refusable[op].includes(answer?.orderStatus ?? ''))
        report('WRONG_ANSWER', `${op} ${n} of order ${id} was refused because it is ${answer?.orderStatus}`)
      else if (![0, 200, 409, 503, 504].includes(answered))
        report('WRONG_ANSWER', `cancel ${n} of order ${id} was answered ${answered}`)
    }
  }
  const possible = (id: string): boolean =>
    (cancels.get(id) ?? []).some((attempt) => attempt.answer?.status === 200 || isLost(attempt))
  for (const order of orders)
    if (order.reasonCode === 'USER_CANCELED' && !possible(order.id))
      report('CANCEL_FROM_NOWHERE', `order ${order.id} is CANCELED and no cancel of it may have succeeded`)
}

/** Orders are read only after they were acknowledged. */
const checkGets = ({ gets }: Requests, report: Report): void => {
  for (const [id, attempts] of gets)
    for (const { n, answer } of attempts) {
      const status = answer?.status ?? 0
      if (status === 500) report('INTERNAL_ERROR', `read ${n} was answered 500`)
      else if (![0, 200, 503].includes(status))
        report('WRONG_ANSWER', `read ${n} of order ${id} was answered ${status}`)
    }
}

export const checkRequests = (requests: Requests, evidence: Evidence, report: Report): void => {
  checkPlacings(requests, evidence, report)
  checkCancels(requests, evidence, report)
  checkGets(requests, report)
}
