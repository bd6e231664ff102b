// The independent checker: a pure function from the evidence to the violations in it.

import { checkCancels } from './cancels.ts'
import { expectDispositions, type Disposition } from './dispositions.ts'
import { checkEvents } from './events.ts'
import type { Evidence, Report, Rest, Violation } from './evidence.ts'
import { checkFix, type FixCounts } from './fix.ts'
import { checkHalts, readHalts } from './halts.ts'
import { readHistories } from './history.ts'
import { checkKeys } from './keys.ts'
import { checkLives } from './lives.ts'
import { checkLog } from './log.ts'
import { checkOrders } from './orders.ts'
import { acceptances, checkRequests, isRefused, readRequests, type Requests } from './requests.ts'
import { checkStreams, type StreamCounts } from './streams.ts'
import { checkTrades } from './trades.ts'

export type Verdict = {
  violations: Violation[]
  /** How many orders, events and legs the checker looked at. */
  counts: {
    ordersAcked: number
    orders: number
    events: number
    eventRepeats: number
    trades: number
    letterRepeats: number
    dispositions: Record<Disposition, number>
    /** Entries of the log: acceptances, fills, changes. */
    logEntries: number
    /** By kind of change or reason: how many orders. */
    lives: Record<string, number>
    /** What was asked of many orders at once, and of trading. */
    control: Record<string, number>
    /** What became of the reports of the engine. */
    reports: Record<string, number>
    streams: StreamCounts
    fix: FixCounts
  }
}

const checkRest = ({ outbox, endings, lag, setAside, notReady }: Rest, report: Report): void => {
  if (outbox > 0) report('STUCK_OUTBOX', `${outbox} events wait in the outbox`)
  if (endings > 0) report('STUCK_ENDINGS', `${endings} orders or reports wait for their end`)
  if (lag > 0) report('STUCK_LAG', `${lag} trades are not committed as read`)
  if (setAside > 0) report('STUCK_SET_ASIDE', `${setAside} tickers are set aside`)
  for (const replica of notReady) report('NOT_READY', replica)
}

const countBy = <T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(items, nameOf)].map(([name, some]) => [name, some.length]))

const controlCounts = (requests: Requests, { log, keys, sweeps, orders }: Evidence, halts: number) => ({
  halts,
  'orders refused by a rule': orders.filter(isRefused).length,
  batches: log.filter((line) => 'op' in line && line.op === 'batch').length,
  voids: keys.filter(({ orderId }) => orderId === null).length,
  'mass cancels': requests.masses.length,
  armings: [...requests.armings.values()].flat().length,
  ...countBy(sweeps, ({ reasonCode }) => `sweeps of ${reasonCode}`),
})

export const check = (evidence: Evidence): Verdict => {
  const violations: Violation[] = []
  const report: Report = (kind, detail) => violations.push({ kind, detail })
  const requests = readRequests(evidence.log)
  const histories = readHistories(evidence)
  const expected = expectDispositions(evidence, histories)
  checkRequests(requests, evidence, report)
  const eventRepeats = checkEvents(requests, { evidence, histories }, report)
  const { letterRepeats } = checkTrades(expected, { evidence, histories }, report)
  checkOrders(histories, evidence, report)
  const halts = readHalts(requests, evidence)
  checkLives(histories, { evidence, halts }, report)
  checkHalts(histories, { requests, evidence, halts }, report)
  checkKeys(requests, evidence, report)
  checkCancels(histories, { requests, evidence }, report)
  checkLog(histories, requests, evidence, report)
  const accepted = acceptances(requests, evidence.orders)
  const streams = checkStreams(evidence, { histories, accepted, report, right: new WeakSet() })
  const fix = checkFix(evidence, histories, report)
  checkRest(evidence.rest, report)
  const acked = [...requests.placings.values()].flat().filter(({ answer }) => answer?.status === 202)
  return {
    violations,
    counts: {
      ordersAcked: new Set(acked.map(({ answer }) => answer?.orderId)).size,
      orders: evidence.orders.length,
      events: evidence.placed.length + evidence.cancelled.length,
      eventRepeats,
      trades: evidence.trades.length,
      letterRepeats,
      dispositions: expected.counts,
      logEntries: evidence.orders.length + evidence.ledger.length + evidence.changes.length,
      lives: countBy(evidence.changes, ({ kind, reasonCode }) => reasonCode ?? kind),
      control: controlCounts(requests, evidence, halts.length),
      reports: {
        ...countBy(evidence.reportRows, ({ state }) => state),
        ...countBy(evidence.reportExceptions, ({ disposition }) => `${disposition} kept`),
        'dead letters': evidence.reportLetters.length,
      },
      streams,
      fix,
    },
  }
}
