// Compares the clients' log with the table of orders: every 202 is an order with the terms of the request, no order exists that
// nobody may have placed, no key has two orders, and a cancel with the answer 200 holds.

import { amountOf, JsonNumber } from './amounts.ts'
import type { ControlRequest } from './controlEvidence.ts'
import type { Answer, Evidence, FixOrigin, LogLine, OrderRow, Report, Terms } from './evidence.ts'

/** `sentAt` and `answeredAt` are lines of the log: of two things, the one with the lower line happened first. */
export type Attempt = { n: number; sentAt: number; answeredAt: number; answer: Answer | null }
type Placing = Attempt & { terms: Terms; fix?: FixOrigin }
type Canceling = Attempt & { op: 'cancel' | 'delete'; fix?: FixOrigin }
type Of<Op> = Attempt & { request: Extract<ControlRequest, { op: Op }> }
export type Trading = Of<'trading'>
export type Voiding = Of<'void'>
export type Mass = Of<'mass'>
export type Arming = Of<'arm'>

export type Requests = {
  /** Attempts that share a user and a key; a request without a key stands alone. An order of a batch is an attempt. */
  placings: Map<string, Placing[]>
  cancels: Map<string, Canceling[]>
  gets: Map<string, Attempt[]>
  tradings: Trading[]
  /** By user and key. */
  voids: Map<string, Voiding[]>
  masses: Mass[]
  /** By user. */
  armings: Map<string, Arming[]>
}

export const nameOf = (terms: Pick<Terms, 'userId' | 'key'>): string => `${terms.userId} ${terms.key ?? ''}`

const into = <T>(map: Map<string, T[]>, name: string, item: T): void => {
  const list = map.get(name)
  if (list === undefined) map.set(name, [item])
  else list.push(item)
}

const noRequests = (): Requests => ({
  placings: new Map(),
  cancels: new Map(),
  gets: new Map(),
  tradings: [],
  voids: new Map(),
  masses: [],
  armings: new Map(),
})

const byFix = ({ fix }: { fix?: FixOrigin }): { fix?: FixOrigin } => (fix === undefined ? {} : { fix })

/** Puts an attempt where its kind has its place; returns what it consists of. */
const enter = (requests: Requests, line: Exclude<LogLine, Answer>, attempt: Attempt): Attempt[] => {
  const of = <R>(request: R) => Object.assign(attempt, { request })
  switch (line.op) {
    case 'place':
      into(requests.placings, nameOf(line.terms), Object.assign(attempt, { terms: line.terms }, byFix(line)))
      return [attempt]
    case 'batch':
      return line.orders.map((terms) => {
        const part = { ...attempt, terms }
        into(requests.placings, nameOf(terms), part)
        return part
      })
    case 'get':
      into(requests.gets, line.orderId, attempt)
      return [attempt]
    case 'cancel':
    case 'delete':
      into(requests.cancels, line.orderId, Object.assign(attempt, { op: line.op }, byFix(line)))
      return [attempt]
    case 'trading':
      requests.tradings.push(of(line))
      return [attempt]
    case 'void':
      into(requests.voids, nameOf(line), of(line))
      return [attempt]
    case 'mass':
      requests.masses.push(of(line))
      return [attempt]
    case 'arm':
      into(requests.armings, line.userId, of(line))
      return [attempt]
  }
}

/** What was answered to the n-th order of a batch. */
const resultOf = (answer: Answer, at: number): Answer => {
  const result = answer.status === 200 ? answer.results?.[at] : undefined
  return result === undefined ? answer : { answer: answer.answer, at: answer.at, ...result }
}

/** The orders of which this line says that they were accepted, and when it was read. */
export const acknowledgedBy = (line: LogLine): { id: string; at: number }[] => {
  if (!('answer' in line)) return []
  const parts: readonly Pick<Answer, 'status' | 'orderId'>[] = line.results ?? [line]
  return parts.flatMap(({ status, orderId: id }) => (status === 202 && id !== undefined ? [{ id, at: line.at }] : []))
}

export const readRequests = (log: readonly LogLine[]): Requests => {
  const requests = noRequests()
  const attempts = new Map<number, Attempt[]>()
  log.forEach((line, at) => {
    if ('answer' in line)
      attempts
        .get(line.answer)
        ?.forEach((attempt, i) => Object.assign(attempt, { answeredAt: at, answer: resultOf(line, i) }))
    else
      attempts.set(line.sent, enter(requests, line, { n: line.sent, sentAt: at, answeredAt: Infinity, answer: null }))
  })
  return requests
}

const isAcked = ({ answer }: Attempt): boolean => answer?.status === 202
/** A rule refused the order, which is stored all the same. */
const isRejected = ({ answer }: Attempt): boolean => answer?.status === 422 && answer.code === 'ORDER_REJECTED'
const isStored = (attempt: Attempt): boolean => isAcked(attempt) || isRejected(attempt)
export const isLost = ({ answer }: Attempt): boolean =>
  answer === null || answer.status === 504 || (answer.status === 0 && answer.error !== 'refused')
/** A 503, another 4xx, a 500 and a connection that nobody took store nothing. */
const mayHaveStored = (attempt: Attempt): boolean => isStored(attempt) || isLost(attempt)

/** For each order: the first line at which it may have been accepted, and the line by which it certainly was. */
export const acceptances = ({ placings }: Requests, orders: readonly OrderRow[]) =>
  new Map(
    orders.map((order) => {
      const attempts = (placings.get(nameOf(order)) ?? []).filter(mayHaveStored)
      const sentAt = Math.min(...attempts.map((attempt) => attempt.sentAt))
      return [order.id, { sentAt, ackedAt: Math.min(...attempts.filter(isStored).map((a) => a.answeredAt)) }] as const
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
 * The requests that may have made this order, and of those that may have canceled it. A request whose answer says that it
 * placed the order is the only one.
 */
export const originsOf = ({ placings, cancels }: Requests, order: OrderRow) => {
  const placing = (placings.get(nameOf(order)) ?? []).filter(mayHaveStored)
  const first = placing.filter((attempt) => isStored(attempt) && attempt.answer?.replayed !== true)
  const canceling = (cancels.get(order.id) ?? []).filter((attempt) => attempt.answer?.status === 200 || isLost(attempt))
  return { placing: first.length > 0 ? first : placing, canceling }
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

/** A rule refused the order when it came in. */
export const isRefused = ({ status, version }: OrderRow): boolean => status === 'REJECTED' && version === 0

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
  const acked = attempts.filter(isStored)
  for (const attempt of acked) {
    const { n, answer, terms } = attempt
    const order = orders.get(answer?.orderId ?? '')
    const name = `request ${n}, answered ${answer?.status}`
    if (order === undefined) report('ACKED_ORDER_MISSING', `${name} with ${answer?.orderId}`)
    else if (!sameTerms(order, terms)) report('ORDER_TERMS_DIFFER', `order ${order.id}, ${name}`)
    else if (isRefused(order) !== isRejected(attempt) || (isRejected(attempt) && answer?.reason !== order.reasonCode))
      report(
        'WRONG_ANSWER',
        `${name} with ${answer?.reason}: order ${order.id} is ${order.status}, ${order.reasonCode}`,
      )
  }
  const ids = new Set(acked.map(({ answer }) => answer?.orderId))
  if (ids.size > 1) report('KEY_MADE_TWO', `${[...ids].join(' and ')} for ${nameOf(acked[0]!.terms)}`)
  const first = acked.filter(({ answer }) => answer?.replayed !== true)
  const before = first.find((late) => acked.some((early) => early.answeredAt < late.sentAt))
  if (first.length > 1 || before !== undefined)
    report('WRONG_ANSWER', `request ${(before ?? first[1]!).n} repeats a key and is not marked as replayed`)
}

const checkRefused = (attempts: readonly Placing[], order: OrderRow | undefined, report: Report): void => {
  for (const { n, answer, terms } of attempts) {
    const status = answer?.status ?? 0
    if (status === 500) report('INTERNAL_ERROR', `request ${n} was answered 500`)
    // Whether the key is void, and whether a rule refuses the order: keys.ts and halts.ts.
    else if (status === 409 && answer?.code === 'VOIDED') continue
    else if (answer?.code === 'ORDER_REJECTED') continue
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

/** What a cancel of each kind must take. */
const refusable = {
  cancel: ['NEW'],
  delete: ['NEW', 'PARTIALLY_FILLED', 'CANCELED'],
  fix: ['NEW', 'PARTIALLY_FILLED'],
}

const checkCancels = ({ cancels }: Requests, { orders }: Evidence, report: Report): void => {
  const byId = new Map(orders.map((order) => [order.id, order]))
  for (const [id, attempts] of cancels) {
    const status = byId.get(id)?.status
    for (const { n, op, answer, fix } of attempts) {
      const answered = answer?.status ?? 0
      if (answered === 500) report('INTERNAL_ERROR', `cancel ${n} was answered 500`)
      else if (answered === 200 && status !== 'CANCELED')
        report('CANCEL_LOST', `order ${id} is ${status}, cancel ${n} was answered 200`)
      else if (answered === 409 && refusable[fix === undefined ? op : 'fix'].includes(answer?.orderStatus ?? ''))
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
