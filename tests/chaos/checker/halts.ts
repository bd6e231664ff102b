// Halts: once one is answered, no order that it forbids is accepted until somebody asks to resume, and no stop triggers. Told in two ways: by
// the lines of the clients' log, and by the epoch of the rules that each row was judged by.

import type { RulesChangeRow } from './controlEvidence.ts'
import { decodeTrade } from './decode.ts'
import { requestIdOf, type Evidence, type OrderRow, type Report, type TradeRecord } from './evidence.ts'
import type { History } from './history.ts'
import { isLost, isRefused, originsOf, type Requests, type Trading } from './requests.ts'

/**
 * `ticker`: null stands for all. `answeredAt`, `endedAt`: lines of the clients' log; the first answer of the halt, and the request that ended
 * it. `since`, `until`: milliseconds, by the database. `from`, `to`: epochs; it was in force from the one to before the other. Infinity, null:
 * nothing ended it, or nobody was answered.
 */
export type Halt = {
  ticker: string | null
  answeredAt: number
  endedAt: number
  since: number
  until: number
  from: bigint
  to: bigint | null
}

/** Those that concern each ticker: its own, and those of all. */
export const haltsByTicker = (halts: readonly Halt[]): ((ticker: string) => readonly Halt[]) => {
  const known = new Map<string, readonly Halt[]>()
  return (ticker) => {
    const found = known.get(ticker) ?? halts.filter((halt) => halt.ticker === null || halt.ticker === ticker)
    known.set(ticker, found)
    return found
  }
}

const haltsOf = (
  ticker: string | null,
  changes: readonly RulesChangeRow[],
  requests: ReadonlyMap<string, Trading>,
): Halt[] => {
  const halts: Halt[] = []
  let open: Halt | null = null
  for (const { epoch, at, state, requestId } of changes) {
    const { sentAt = -Infinity, answeredAt = Infinity, answer = null } = requests.get(requestId) ?? {}
    const known = answer?.status === 200 ? answeredAt : Infinity
    if (state === 'HALTED') {
      open ??= { ticker, answeredAt: Infinity, endedAt: Infinity, since: at, until: Infinity, from: epoch, to: null }
      open.answeredAt = Math.min(open.answeredAt, known)
    } else if (open !== null) {
      halts.push({ ...open, endedAt: sentAt, until: at, to: epoch })
      open = null
    }
  }
  return open === null ? halts : [...halts, open]
}

/** All halts that ever were, by the table of changes. */
export const readHalts = ({ tradings }: Requests, { rulesChanges }: Pick<Evidence, 'rulesChanges'>): Halt[] => {
  const requests = new Map(tradings.map((trading) => [requestIdOf(trading.n), trading]))
  const sorted = rulesChanges.toSorted((a, b) => (a.epoch < b.epoch ? -1 : 1))
  const byTicker = Map.groupBy(sorted, ({ ticker }) => ticker)
  return [...byTicker].flatMap(([ticker, changes]) => haltsOf(ticker, changes, requests))
}

const isHaltedAt = (halts: readonly Halt[], epoch: bigint): boolean =>
  halts.some((halt) => halt.from <= epoch && (halt.to === null || epoch < halt.to))

/** `halts`: of its ticker. */
const checkAccepted = (order: OrderRow, requests: Requests, halts: readonly Halt[], report: Report): void => {
  const origins = originsOf(requests, order).placing
  const sentAt = Math.min(...origins.map((attempt) => attempt.sentAt))
  const knownAt = Math.min(...origins.map(({ answer, answeredAt }) => (answer?.status === 202 ? answeredAt : Infinity)))
  const name = `order ${order.id} (${order.ticker})`
  for (const halt of halts)
    if (halt.answeredAt < sentAt && knownAt < halt.endedAt)
      report(
        'ACCEPTED_IN_HALT',
        `${name}: sent in line ${sentAt}, accepted by line ${knownAt}; halted in line ${halt.answeredAt}`,
      )
  if (order.rulesEpoch === null || isHaltedAt(halts, order.rulesEpoch))
    report('ACCEPTED_IN_HALT', `${name}: accepted in epoch ${order.rulesEpoch}`)
}

const checkRefused = (
  { id, ticker, reasonCode, rulesEpoch }: OrderRow,
  halts: readonly Halt[],
  report: Report,
): void => {
  if (reasonCode !== 'HALTED' || rulesEpoch === null || !isHaltedAt(halts, rulesEpoch))
    report('REJECTED_WRONGLY', `order ${id} (${ticker}) was refused in epoch ${rulesEpoch} because of ${reasonCode}`)
}

/** Every change was asked for, every answer has its change, and the epochs have no gap. */
const checkChanges = ({ tradings }: Requests, { rulesChanges }: Evidence, report: Report): void => {
  const rows = Map.groupBy(rulesChanges, ({ requestId }) => requestId)
  const byId = new Map(tradings.map((trading) => [requestIdOf(trading.n), trading]))
  for (const { n, answer } of tradings) {
    const found = rows.get(requestIdOf(n))?.length ?? 0
    const status = answer?.status ?? 0
    if (status === 200 && found !== 1)
      report('RULES_CHANGE_DIFFERS', `request ${n} was answered 200 and has ${found} changes`)
    if (found > 1) report('RULES_CHANGE_DIFFERS', `request ${n} has ${found} changes`)
    if (status === 500) report('INTERNAL_ERROR', `request ${n} was answered 500`)
    else if (![0, 200, 503, 504].includes(status)) report('WRONG_ANSWER', `halt or resume ${n} was answered ${status}`)
  }
  for (const { epoch, ticker, state, requestId } of rulesChanges) {
    const asked = byId.get(requestId)
    const same = asked !== undefined && asked.request.ticker === ticker && asked.request.state === state
    if (!same || !(asked.answer?.status === 200 || isLost(asked)))
      report(
        'RULES_CHANGE_DIFFERS',
        `epoch ${epoch}: ${ticker ?? 'all'} ${state} of ${requestId}, which did not ask so`,
      )
  }
  const epochs = rulesChanges.map(({ epoch }) => epoch).toSorted((a, b) => (a < b ? -1 : 1))
  const gap = epochs.find((epoch, i) => epoch !== BigInt(i + 2))
  if (gap !== undefined) report('RULES_CHANGE_DIFFERS', `before epoch ${gap} one is missing`)
}

/** By the engine's clock, in milliseconds. */
const tradedAt = (record: TradeRecord): number => {
  const { timestamp } = JSON.parse(new TextDecoder().decode(record.bytes!)) as { timestamp: string | number }
  if (typeof timestamp === 'string') return Date.parse(timestamp)
  return timestamp < 1e11 ? timestamp * 1000 : timestamp
}

/** Trades that were made within a halt trigger nothing, then or later; neither does any trade that comes in one. */
const checkTriggers = (
  { order, entries }: History,
  { halts, trades, report }: { halts: readonly Halt[]; trades: ReadonlyMap<string, TradeRecord>; report: Report },
): void => {
  for (const { kind, change, cause } of entries) {
    if (kind !== 'TRIGGERED' || change === null) continue
    const name = `order ${order.id} (${order.ticker})`
    if (change.rulesEpoch === null || isHaltedAt(halts, change.rulesEpoch))
      report('TRIGGERED_IN_HALT', `${name}: triggered in epoch ${change.rulesEpoch}`)
    const record = trades.get(`${String(cause['partition'])}@${String(cause['offset'])}`)
    if (record === undefined || decodeTrade(record.bytes) === null) continue
    const at = tradedAt(record)
    const halt = halts.find((each) => each.since <= at && at < each.until)
    if (halt !== undefined)
      report('TRIGGERED_IN_HALT', `${name}: by a trade of ${at}, halted from ${halt.since} to ${halt.until}`)
  }
}

/** So long after its legs were applied a trade may still look for stops, while replicas and servers are away. */
const looksWithinMs = 60_000

/**
 * Whether a trade of this time may trigger nothing because of a halt, when it was made or when it looked for stops: between its append and
 * some time after it was applied. `appliedAt`: the latest that it can have been. All times are cut to the millisecond, so a trade of the
 * millisecond in which the halt ended may be of the halt. `halts`: those that concern its ticker.
 */
export const mayBeHalted = (
  halts: readonly Halt[],
  { at, appendedAt, appliedAt }: { at: number; appendedAt: number; appliedAt: number },
  toleranceMs: number,
): boolean =>
  halts.some(
    (halt) =>
      (at >= halt.since - toleranceMs && at <= halt.until) ||
      (halt.since <= appliedAt + looksWithinMs && appendedAt <= halt.until),
  )

export const checkHalts = (
  histories: ReadonlyMap<string, History>,
  { requests, evidence, halts }: { requests: Requests; evidence: Evidence; halts: readonly Halt[] },
  report: Report,
): void => {
  checkChanges(requests, evidence, report)
  const trades = new Map(evidence.trades.map((record) => [`${record.partition}@${record.offset}`, record]))
  const haltsOfTicker = haltsByTicker(halts)
  for (const history of histories.values()) {
    const { order } = history
    const ofTicker = haltsOfTicker(order.ticker)
    if (isRefused(order)) checkRefused(order, ofTicker, report)
    else checkAccepted(order, requests, ofTicker, report)
    checkTriggers(history, { halts: ofTicker, trades, report })
  }
}
