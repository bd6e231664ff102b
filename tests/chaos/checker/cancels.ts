// Cancels of many orders: of a user or a ticker at once, by a switch that was not armed again, by a halt. Each order is canceled once, by a
// request that meant it; none that came later; and none that was there is left out.

import type { Closed, Scope, SweepRow } from './controlEvidence.ts'
import { requestIdOf, type Evidence, type OrderRow, type Report } from './evidence.ts'
import { endOf, finals, type History } from './history.ts'
import { ackedTimes } from './lives.ts'
import {
  acceptances,
  isLost,
  originsOf,
  type Arming,
  type Attempt,
  type Mass,
  type Requests,
  type Trading,
} from './requests.ts'

/** Clocks of two processes of one machine. */
const slackMs = 5

type World = {
  histories: ReadonlyMap<string, History>
  requests: Requests
  /** By line of the clients' log. */
  accepted: ReturnType<typeof acceptances>
  /** When a client first knew that an order is committed, in milliseconds. */
  ackedAt: ReadonlyMap<string, number>
  /** By user, and by ticker. */
  ofUser: ReadonlyMap<string, History[]>
  ofTicker: ReadonlyMap<string, History[]>
  /** By request, the oldest first. */
  sweeps: ReadonlyMap<string, readonly SweepRow[]>
  byId: {
    masses: ReadonlyMap<string, Mass>
    armings: ReadonlyMap<string, Arming>
    tradings: ReadonlyMap<string, Trading>
  }
  report: Report
}

const means = ({ userId, ticker, side }: Scope, order: OrderRow): boolean =>
  (userId === null || userId === order.userId) &&
  (ticker === null || ticker === order.ticker) &&
  (side === null || side === order.side)

const mayHave = (attempt: Attempt): boolean => attempt.answer?.status === 200 || isLost(attempt)

/** Milliseconds; null: it disarmed. Without an answer, the earliest that it may be. */
const deadlineOf = ({ request: { at, timeoutMs }, answer }: Arming): number | null =>
  timeoutMs === 0 ? null : (answer?.firesAt ?? at + timeoutMs)

/**
 * Whether the service may have made its statement again after the deadline of the first had passed: it arms anew then, and each deadline has a
 * sweep. The request is out for longer than its time-out, or its answer was lost.
 */
const mayFireTwice = (arming: Arming): boolean => {
  const { at, timeoutMs } = arming.request
  return timeoutMs > 0 && (isLost(arming) || (arming.answer?.at ?? Infinity) + slackMs >= at + timeoutMs)
}

/** The earliest that one of its sweeps may begin, in milliseconds; null: it disarmed. */
const earliestOf = (arming: Arming): number | null =>
  mayFireTwice(arming) ? arming.request.at + arming.request.timeoutMs : deadlineOf(arming)

/** Milliseconds; Infinity: it is open. */
const finalAt = ({ entries }: History): number => entries.find(({ status }) => finals.has(status))?.at ?? Infinity

const sentAt = ({ requests }: World, order: OrderRow): number =>
  Math.min(...originsOf(requests, order).placing.map((attempt) => attempt.sentAt))

const checkByMass = (world: World, { order }: History, requestId: string): void => {
  const { byId, report } = world
  const mass = byId.masses.get(requestId)
  if (mass === undefined || !mayHave(mass) || !means(mass.request.scope, order))
    report('CANCEL_FROM_NOWHERE', `order ${order.id} was canceled by ${requestId}, which did not mean it`)
  // One whose answer was lost may go on.
  else if (!isLost(mass) && sentAt(world, order) > mass.answeredAt)
    report('CANCELED_LATER', `order ${order.id} was sent after the answer of ${requestId}, which canceled it`)
}

/** By a sweep. An order has its time before it is committed. */
const checkBySweep = (world: World, { order }: History, requestId: string): void => {
  const { sweeps, report } = world
  const sweep = sweeps.get(requestId)?.at(-1)
  if (sweep === undefined || !means(sweep.scope, order))
    report('CANCEL_FROM_NOWHERE', `order ${order.id} was canceled by a sweep of ${requestId}, which did not mean it`)
  else if (order.createdAt > sweep.begunAt + slackMs)
    report('CANCELED_LATER', `order ${order.id} of ${order.createdAt} was canceled by a sweep of ${sweep.begunAt}`)
}

const checkOrder = (world: World, history: History): void => {
  const { order, entries } = history
  const ends = entries.filter(({ change }) => change !== null && finals.has(change.kind))
  if (ends.length > 1) world.report('CANCELED_TWICE', `order ${order.id} ended ${ends.length} times`)
  const change = endOf(history)?.change
  const requestId = String(change?.cause['requestId'])
  if (change?.reasonCode === 'MASS_CANCELED') checkByMass(world, history, requestId)
  if (change?.reasonCode === 'CANCEL_AFTER' || change?.reasonCode === 'HALT') checkBySweep(world, history, requestId)
}

/** What was there and is not final by then. */
const checkMissed = (
  { histories, ofUser, ofTicker, report }: World,
  {
    scope,
    wasThere,
    doneAt,
    name,
  }: { scope: Scope; wasThere: (order: OrderRow) => boolean; doneAt: number; name: string },
): void => {
  const { userId, ticker } = scope
  const some = userId !== null ? ofUser.get(userId) : ticker !== null ? ofTicker.get(ticker) : [...histories.values()]
  for (const history of some ?? []) {
    const { order } = history
    if (means(scope, order) && wasThere(order) && finalAt(history) > doneAt + slackMs)
      report('CANCEL_MISSED', `order ${order.id} (${order.status}) was there, and ${name} was over at ${doneAt}`)
  }
}

const checkClosed = ({ histories, report }: World, n: number, { id, orderStatus }: Closed): void => {
  const status = histories.get(id)?.order.status
  if (status !== orderStatus || !finals.has(orderStatus))
    report('WRONG_ANSWER', `mass cancel ${n} found order ${id} ${orderStatus}, and it is ${status}`)
}

const checkMass = (world: World, mass: Mass, namedBy: Map<string, number>): void => {
  const { histories, accepted, report } = world
  const { n, answer, request } = mass
  const status = answer?.status ?? 0
  if (status === 500) report('INTERNAL_ERROR', `mass cancel ${n} was answered 500`)
  else if (![0, 200, 503, 504].includes(status)) report('WRONG_ANSWER', `mass cancel ${n} was answered ${status}`)
  if (answer === null || status !== 200) return
  for (const id of answer.canceled ?? []) {
    const history = histories.get(id)
    if (history?.order.status !== 'CANCELED' || !means(request.scope, history.order))
      report('CANCEL_LOST', `mass cancel ${n} names order ${id}, which is ${history?.order.status}`)
    const cause = history === undefined ? undefined : endOf(history)?.change?.cause['requestId']
    const other = namedBy.get(id)
    // Each of two may have lost the answer of its statement; then the log says whose cancel it was.
    if (other !== undefined && ![n, other].map(requestIdOf).includes(String(cause)))
      report('CANCELED_TWICE', `order ${id} was canceled by ${other} and by ${n}`)
    namedBy.set(id, n)
  }
  for (const closed of answer.notCanceled ?? []) checkClosed(world, n, closed)
  if (answer.remaining !== false) return
  const wasThere = (order: OrderRow): boolean => accepted.get(order.id)!.ackedAt < mass.sentAt
  checkMissed(world, { scope: request.scope, wasThere, doneAt: answer.at, name: `mass cancel ${n}` })
}

const checkSweep = (world: World, sweep: SweepRow): void => {
  const { byId, ackedAt, report } = world
  const { id, scope, reasonCode, cause, begunAt, doneAt } = sweep
  const requestId = String(cause['requestId'])
  const arming = byId.armings.get(requestId)
  const halt = byId.tradings.get(requestId)
  const isAsked =
    reasonCode === 'CANCEL_AFTER'
      ? arming !== undefined && mayHave(arming) && scope.userId === arming.request.userId && scope.ticker === null
      : halt !== undefined && mayHave(halt) && halt.request.cancelOpen && scope.ticker === halt.request.ticker
  if (!isAsked) report('SWEEP_DIFFERS', `sweep ${id}: ${reasonCode} of ${requestId}, which asked for no such thing`)
  const earliest = arming === undefined ? null : earliestOf(arming)
  if (reasonCode === 'CANCEL_AFTER' && begunAt + slackMs < (earliest ?? Infinity))
    report('SWITCH_EARLY', `sweep ${id} began at ${begunAt}, the switch of ${requestId} was armed until ${earliest}`)
  if (doneAt === null) return report('SWEEP_DIFFERS', `sweep ${id} of ${requestId} is not done`)
  const wasThere = (order: OrderRow): boolean => (ackedAt.get(order.id) ?? Infinity) < begunAt - slackMs
  checkMissed(world, { scope, wasThere, doneAt, name: `sweep ${id} of ${requestId}` })
}

/** Of a request that armed once there is one sweep; of one whose statement was made again, one for each deadline. */
const checkTwice = ({ byId, report }: World, requestId: string, sweeps: readonly SweepRow[]): void => {
  const arming = byId.armings.get(requestId)
  const gapMs = arming !== undefined && mayFireTwice(arming) ? arming.request.timeoutMs : Infinity
  for (const [i, { id, dueAt }] of sweeps.entries()) {
    const before = sweeps[i - 1]
    if (before !== undefined && (dueAt ?? 0) - (before.dueAt ?? 0) < gapMs)
      report('SWEEP_DIFFERS', `sweeps ${before.id} and ${id} are of ${requestId}`)
  }
}

/** `next`: what its user asked for next and may have got. */
const checkArming = ({ sweeps, report }: World, arming: Arming, next: Arming | undefined): void => {
  const { n, answer } = arming
  const deadline = deadlineOf(arming)
  // Where its statement was made again, a sweep of an earlier deadline says nothing of the last one.
  const isOfDeadline = ({ dueAt }: SweepRow): boolean =>
    !mayFireTwice(arming) || Math.abs((dueAt ?? 0) - deadline!) <= slackMs
  const fired = sweeps.get(requestIdOf(n))?.some(isOfDeadline) === true
  if (answer?.status !== 200 || deadline === null) {
    if (fired && deadline === null) report('SWITCH_DIFFERS', `request ${n} disarmed, and its switch fired`)
    return
  }
  const mustFire = next === undefined || next.request.at > deadline + slackMs
  const answeredAt = next?.answer?.status === 200 ? next.answer.at : Infinity
  if (mustFire && !fired) report('SWITCH_DIFFERS', `the switch of request ${n} was due at ${deadline} and did not fire`)
  if (answeredAt + slackMs < deadline && fired)
    report('SWITCH_EARLY', `the switch of request ${n}, due at ${deadline}, fired though it was armed anew before`)
  const nextSays = next?.answer?.status === 200 && !mayFireTwice(next) ? next.answer.fired === true : fired
  if (next !== undefined && nextSays !== fired)
    report('SWITCH_DIFFERS', `request ${next.n} was answered fired: ${nextSays}; request ${n} fired: ${fired}`)
}

const checkArmings = (world: World, armings: readonly Arming[]): void => {
  const { report } = world
  for (const { n, answer } of armings) {
    const status = answer?.status ?? 0
    if (status === 500) report('INTERNAL_ERROR', `arming ${n} was answered 500`)
    else if (![0, 200, 503, 504].includes(status)) report('WRONG_ANSWER', `arming ${n} was answered ${status}`)
  }
  const may = armings.filter(mayHave)
  may.forEach((arming, i) => checkArming(world, arming, may[i + 1]))
}

const byRequest = <A extends Attempt>(attempts: Iterable<A>): Map<string, A> =>
  new Map([...attempts].map((attempt) => [requestIdOf(attempt.n), attempt]))

export const checkCancels = (
  histories: ReadonlyMap<string, History>,
  { requests, evidence }: { requests: Requests; evidence: Evidence },
  report: Report,
): void => {
  const sweeps = Map.groupBy(
    evidence.sweeps.toSorted((a, b) => a.begunAt - b.begunAt),
    ({ cause }) => String(cause['requestId']),
  )
  const byId = {
    masses: byRequest(requests.masses),
    armings: byRequest([...requests.armings.values()].flat()),
    tradings: byRequest(requests.tradings),
  }
  const all = [...histories.values()]
  const world: World = {
    histories,
    requests,
    accepted: acceptances(requests, evidence.orders),
    ackedAt: ackedTimes(evidence),
    ofUser: Map.groupBy(all, ({ order }) => order.userId),
    ofTicker: Map.groupBy(all, ({ order }) => order.ticker),
    sweeps,
    byId,
    report,
  }
  for (const history of all) checkOrder(world, history)
  const namedBy = new Map<string, number>()
  for (const mass of requests.masses) checkMass(world, mass, namedBy)
  for (const sweep of evidence.sweeps) checkSweep(world, sweep)
  for (const [requestId, those] of sweeps) checkTwice(world, requestId, those)
  for (const armings of requests.armings.values()) checkArmings(world, armings)
  for (const { n, request, answer } of requests.tradings)
    if (request.cancelOpen && answer?.status === 200 && !sweeps.has(requestIdOf(n)))
      report('SWEEP_DIFFERS', `halt ${n} was to cancel the open orders, and there is no sweep of it`)
}
