// Checks the log of every order by itself: versions, positions, times, amounts, status, reason, and whether the cause is a request that the
// clients' log has.

import { requestIdOf, type ChangeRow, type Evidence, type FixOrigin, type Report } from './evidence.ts'
import { finals, type Entry, type History } from './history.ts'
import { acceptances, checkTickerOrder, isRefused, originsOf, type Requests } from './requests.ts'

const checkSteps = ({ order, entries }: History, report: Report): void => {
  const name = `order ${order.id}`
  entries.forEach(({ version, kind, position, at }, i) => {
    const before = entries[i - 1]
    if (version !== i) report('LOG_VERSION_GAP', `${name}: ${kind} ${version} stands where version ${i} should`)
    if (before === undefined) return
    if (position <= before.position)
      report('LOG_POSITION', `${name}: version ${version} at ${position}, the one before at ${before.position}`)
    if (at < before.at) report('LOG_TIME_DIFFERS', `${name}: version ${version} is earlier than the one before`)
  })
  const last = entries.at(-1)!
  if (order.version !== last.version)
    report('LOG_VERSION_GAP', `${name} has version ${order.version}, its log ${last.version}`)
  if (order.updatedAt !== last.at) report('LOG_TIME_DIFFERS', `${name} was not changed when its last version was made`)
}

const checkAmounts = ({ order, entries }: History, report: Report): void => {
  for (const { version, filled, notional, lastPrice, fill, change } of entries) {
    const name = `order ${order.id}, version ${version}`
    if (fill !== null && (fill.cumulativeQuantity !== filled || fill.cumulativeNotional !== notional))
      report('LOG_AMOUNT_DIFFERS', `${name}: cumulative ${fill.cumulativeQuantity}, by the log ${filled}`)
    if (change !== null && (change.filled !== filled || change.notional !== notional || change.lastPrice !== lastPrice))
      report('LOG_AMOUNT_DIFFERS', `${name}: ${change.kind} with ${change.filled} filled, by the log ${filled}`)
  }
  const last = entries.at(-1)!
  if (order.filled !== last.filled || order.notional !== last.notional || order.lastPrice !== last.lastPrice)
    report('LOG_AMOUNT_DIFFERS', `order ${order.id}: filled ${order.filled}, by its log ${last.filled}`)
}

/** By kind of change: the statuses that it may come from, the reasons that it may have, and their causes. */
const lawful: Readonly<Record<string, { from: readonly string[]; causes: Readonly<Record<string, string>> }>> = {
  TRIGGERED: { from: ['NEW'], causes: { '': 'trigger' } },
  CANCELED: {
    from: ['NEW', 'PARTIALLY_FILLED'],
    causes: {
      USER_CANCELED: 'request',
      MASS_CANCELED: 'mass-cancel',
      CANCEL_AFTER: 'cancel-after',
      HALT: 'halt',
      ENGINE_CANCELED: 'report',
    },
  },
  EXPIRED: {
    from: ['NEW', 'PARTIALLY_FILLED'],
    causes: { EXPIRED_GTD: 'expiry', EXPIRED_DAY: 'expiry', ENGINE_EXPIRED: 'report' },
  },
  REJECTED: { from: ['NEW'], causes: { ENGINE_REJECTED: 'report' } },
}

const checkChange = (change: ChangeRow, before: Entry | undefined, report: Report): void => {
  const name = `order ${change.orderId}, version ${change.version}`
  const { from = [], causes = {} } = lawful[change.kind] ?? {}
  const cause = causes[change.reasonCode ?? '']
  if (!from.includes(before?.status ?? ''))
    report('LOG_STATUS_DIFFERS', `${name}: ${change.kind} of an order that was ${before?.status}`)
  if (cause === undefined || (change.reasonText !== null && cause !== 'report'))
    report('LOG_REASON_DIFFERS', `${name}: ${change.kind} because of ${change.reasonCode}`)
}

const checkStatus = ({ order, entries }: History, report: Report): void => {
  entries.forEach(({ change }, i) => {
    if (change !== null) checkChange(change, entries[i - 1], report)
  })
  const { status } = entries.at(-1)!
  if (status !== order.status)
    report('LOG_STATUS_DIFFERS', `order ${order.id} is ${order.status}, by its log ${status}`)
  const ended = entries.find(({ change }) => change !== null && finals.has(change.kind))
  const reason = isRefused(order) ? 'HALTED' : (ended?.change?.reasonCode ?? null)
  if (order.reasonCode !== reason)
    report('LOG_REASON_DIFFERS', `order ${order.id} has the reason ${order.reasonCode}, its log ${reason}`)
}

const isRequest = (cause: Entry['cause'], ids: readonly string[]): boolean =>
  Object.keys(cause).length === 2 && cause['kind'] === 'request' && ids.includes(String(cause['requestId']))

/** Whether a firm asked for this by its session: its request names itself. */
const isFixRequest = (cause: Entry['cause'], fix: FixOrigin | undefined): boolean =>
  fix !== undefined && cause['session'] === fix.session && cause['requestId'] === fix.key

/** The members of a cause. That the request is one that may have done it is checked in cancels.ts. */
const members: Readonly<Record<string, string>> = {
  expiry: 'kind',
  'mass-cancel': 'kind,requestId',
  'cancel-after': 'kind,requestId',
  halt: 'kind,requestId',
}

/** What the service, a trade or the engine did. Whether that trade is there, and met the price, is checked in lives.ts. */
const checkOwnCause = (
  orderId: string,
  { kind, cause, change }: Pick<Entry, 'kind' | 'cause' | 'change'>,
  report: Report,
): void => {
  const wanted = lawful[kind]?.causes[change?.reasonCode ?? '']
  const names = Object.keys(cause).toSorted().join()
  if (cause['kind'] !== wanted || names !== (members[wanted ?? ''] ?? 'kind,offset,partition,topic'))
    report('LOG_CAUSE_DIFFERS', `order ${orderId}, ${kind}: ${JSON.stringify(cause)}, not a cause of kind ${wanted}`)
}

/** A fill's cause is its place on the topic, which trades.ts checks. */
const checkCauses = ({ order, entries }: History, requests: Requests, report: Report): void => {
  const { placing, canceling } = originsOf(requests, order)
  for (const { version, kind, cause, fill, change } of entries) {
    if (fill !== null) continue
    if (cause['kind'] === 'fix') {
      const asked = (version === 0 ? placing : canceling).some(({ fix }) => isFixRequest(cause, fix))
      if (!asked)
        report('LOG_CAUSE_DIFFERS', `order ${order.id}, ${kind}: ${JSON.stringify(cause)}, which no firm asked`)
      continue
    }
    if (version > 0 && cause['kind'] !== 'request') {
      checkOwnCause(order.id, { kind, cause, change }, report)
      continue
    }
    const possible = (version === 0 ? placing : canceling).map(({ n }) => requestIdOf(n))
    if (!isRequest(cause, possible))
      report(
        'LOG_CAUSE_DIFFERS',
        `order ${order.id}, ${kind}: ${JSON.stringify(cause)}, not one of ${possible.slice(0, 5).join(', ')}`,
      )
  }
}

const checkPositions = (histories: Iterable<History>, report: Report): void => {
  const owners = new Map<bigint, string>()
  for (const { order, entries } of histories)
    for (const { version, position } of entries) {
      const name = `order ${order.id}, version ${version}`
      const owner = owners.get(position)
      if (owner !== undefined) report('LOG_POSITION', `${name} has the position ${position} of ${owner}`)
      owners.set(position, name)
    }
}

export const checkLog = (
  histories: ReadonlyMap<string, History>,
  requests: Requests,
  { orders, changes }: Evidence,
  report: Report,
): void => {
  for (const history of histories.values()) {
    checkSteps(history, report)
    checkAmounts(history, report)
    checkStatus(history, report)
    checkCauses(history, requests, report)
  }
  for (const change of changes)
    if (!histories.has(change.orderId))
      report('LOG_VERSION_GAP', `a change of order ${change.orderId}, which is not there`)
  checkPositions(histories.values(), report)
  const places = orders.map(({ id, ticker, position }) => ({ id, ticker, place: position }))
  checkTickerOrder(places, acceptances(requests, orders), (text) => report('TICKER_ORDER', `positions of ${text}`))
}
