// Calls about reports of the engine: the state is read, reports are judged by the domain's rules, and what is decided is written, sometimes on a
// state of long ago, or with a report that was taken already: the database must refuse that.

import { wholeAmount } from '../../../src/domain/decimal.ts'
import { foldReports, settleReport, type Report } from '../../../src/domain/report.ts'
import { readReportState, writeReports, type ReceivedReport, type ReportState } from '../../../src/store/reports.ts'
import { readReadyReports, readReportsBacklog, type WaitingReport } from '../../../src/store/waitingReports.ts'
import type { Call } from './calls.ts'
import { newId, some, someId, someTime, type Memory } from './memory.ts'

const reportIds = ['r1', 'r2']

type Known = { read: number; state: ReportState }
type Ready = { read: number; waiting: WaitingReport[] }
const known = new WeakMap<Memory, Known[]>()
const ready = new WeakMap<Memory, Ready>()

const reportState = (memory: Memory): Call => {
  const pairs = new Map<string, { orderId: string; reportId: string }>()
  for (const orderId of some(memory.random, 3, () => someId(memory)))
    for (const reportId of reportIds) pairs.set(`${orderId} ${reportId}`, { orderId, reportId })
  const read = ++memory.count
  return {
    name: 'readReportState',
    writes: false,
    async run(sql, own) {
      const state = await readReportState(sql, [...pairs.values()])
      own.stamps.set(read, state.stamps)
      return { ...state, stamps: null }
    },
    learn: (state) => void known.set(memory, [...(known.get(memory) ?? []), { read, state: state as ReportState }]),
  }
}

const someReport = ({ random }: Memory, orderId: string, ticker: string): Report => ({
  orderId,
  reportId: random.pick(reportIds),
  kind: random.pick(['CANCELED', 'EXPIRED', 'REJECTED']),
  ticker: random.chance(0.9) ? ticker : 'OTHER',
  reason: random.chance(0.5) ? 'the engine says so' : null,
  cumulativeQuantity: random.chance(0.5) ? wholeAmount(random.int(0, 6)) : null,
  reportedAt: '2026-01-02T03:04:05.678901Z',
})

const receivedOf = (memory: Memory, report: Report): ReceivedReport => ({
  report,
  source: { topic: 'order.report.v1', partition: 1, offset: BigInt(++memory.count) },
  key: memory.random.chance(0.5) ? Buffer.from('key') : null,
  message: Buffer.from('{}'),
})

/** As src/app/report.ts decides. Sometimes it forgets what is recorded: the table's key refuses that. */
const reporting = (memory: Memory): Call => {
  const { random } = memory
  const states = known.get(memory) ?? []
  if (states.length === 0) return reportState(memory)
  const { read, state } = random.chance(0.7) ? states.at(-1)! : random.pick(states.slice(-3))
  const now = someTime(memory)
  const decisions = [...state.orders.values()].flatMap((order) => {
    const received = some(random, 2, () => receivedOf(memory, someReport(memory, order.id, order.ticker)))
    const records = random.chance(0.2) ? new Map() : state.records.get(order.id)!
    const reports = received.map(({ report }) => report)
    const { order: after, judgements } = foldReports(order, reports, records, now)
    const judged = judgements.map((judgement, i) => ({ judgement, received: received[i]!, id: newId(memory) }))
    const stored = judged.filter(({ judgement }) => !['DUPLICATE', 'UNKNOWN_ORDER'].includes(judgement.disposition))
    const ending = judged.find(({ judgement }) => 'order' in judgement)
    return stored.length === 0 ? [] : [{ after: after!, stored, endedBy: ending?.received.source ?? null }]
  })
  const stored = decisions.flatMap((decision) => decision.stored)
  const taken = stored.flatMap(({ judgement: { disposition }, received }) =>
    disposition === 'APPLIED' || disposition === 'STALE' || disposition === 'WAITING'
      ? [{ received, state: disposition }]
      : [],
  )
  const exceptions = stored.flatMap(({ judgement, received, id }) =>
    judgement.disposition === 'CONFLICT' || judgement.disposition === 'MISMATCH'
      ? [{ id, disposition: judgement.disposition, reason: judgement.reason, received }]
      : [],
  )
  return {
    name: 'writeReports',
    writes: true,
    run(sql, { stamps }) {
      const moves = decisions.map(({ after, endedBy }) => ({ after, stamp: stamps.get(read)!.get(after.id)!, endedBy }))
      return writeReports(sql, { moves, taken, settled: [], exceptions })
    },
  }
}

const looking = (memory: Memory): Call => {
  const read = ++memory.count
  const waitMs = memory.random.pick([0, 10_000, 50 * 366 * 86_400_000])
  return {
    name: 'readReadyReports',
    writes: false,
    async run(sql, own) {
      const rows = await readReadyReports(sql, { tradeTopic: 'trade.executed.v1', waitMs, limit: 500 })
      own.stamps.set(read, new Map(rows.map(({ order, stamp }) => [order.id, stamp])))
      const waiting = rows.map((row) => ({ ...row, stamp: '' }))
      return waiting.toSorted((a, b) => (a.received.source.offset < b.received.source.offset ? -1 : 1))
    },
    learn: (waiting) => void ready.set(memory, { read, waiting: waiting as WaitingReport[] }),
  }
}

/** As src/app/waitingReports.ts decides: one report an order. */
const settling = (memory: Memory): Call => {
  const found = ready.get(memory)
  if (found === undefined) return looking(memory)
  const now = someTime(memory)
  const firsts = new Map(found.waiting.toReversed().map((each) => [each.order.id, each]))
  const decided = [...firsts.values()].flatMap(({ order, received, tape }) => {
    const settlement = settleReport(order, received.report, tape, now)
    return settlement.disposition === 'WAITING' ? [] : [{ order, received, settlement, id: newId(memory) }]
  })
  return {
    name: 'writeReports (settled)',
    writes: true,
    run(sql, { stamps }) {
      const moves = decided.map(({ order, received, settlement }) => ({
        after: 'order' in settlement ? settlement.order : order,
        stamp: stamps.get(found.read)!.get(order.id)!,
        endedBy: 'order' in settlement ? received.source : null,
      }))
      const settled = decided.map(({ received: { report }, settlement: { disposition: state } }) => {
        return { orderId: report.orderId, reportId: report.reportId, state }
      })
      const exceptions = decided.flatMap(({ received, settlement, id }) =>
        'reason' in settlement
          ? [{ id, disposition: settlement.disposition, reason: settlement.reason, received }]
          : [],
      )
      return writeReports(sql, { moves, taken: [], settled, exceptions })
    },
  }
}

/** Some of them, in turn at random. */
export const reports = (memory: Memory): Call =>
  memory.random.pick([
    reportState,
    reporting,
    reporting,
    looking,
    settling,
    (): Call => ({
      name: 'readReportsBacklog',
      writes: false,
      run: async (sql) => (await readReportsBacklog(sql, 1_000)).reports,
    }),
  ])(memory)
