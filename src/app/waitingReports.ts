// Settles the reports of the engine that wait for fills. Every replica runs this loop; what another replica is at, it leaves. While none waits
// it rests until one has begun to wait here, or the lookout (lookout.ts) has seen one.

import { settleReport, type Settlement } from '../domain/report.ts'
import { writeReports, type ReceivedReport, type ReportException, type ReportWrites } from '../store/reports.ts'
import type { Database } from '../store/sql.ts'
import { readReadyReports, readReportsBacklog, type WaitingReport } from '../store/waitingReports.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createBatchLimit } from './batchLimit.ts'
import { createBell } from './sleep.ts'

/** `reason`: why it is an exception; null: it is none. */
type SettledAs = { disposition: Settlement['disposition']; reason: string | null }

export type WaitingReportsOptions = {
  /** A page of what waits, the oldest first, is read in it: in the order of an index. */
  reads: Database
  /** The decisions are written in it: joins of sets. */
  db: Database
  /** The topic of trades, whose marks say how far it was applied. */
  tradeTopic: string
  /** How long a report may wait for fills, in ms. */
  waitMs: number
  now: () => Date
  newId: (at: Date) => string
  /** Called for each report that waited and has its disposition now. */
  onSettled: (received: ReceivedReport, settlement: SettledAs) => void
  /** Called after every commit that changed orders. */
  onCommitted: () => void
  /** Milliseconds that only go up. */
  clock: () => number
  log: Log
}

/** `reports`: how many wait, counted up to 10,000. `oldestMs`: how long the oldest has. `obstacle`: why the last pass failed, or null. */
type WaitingReportsState = { reports: number; oldestMs: number; obstacle: string | null }
export type WaitingReports = {
  run: (signal: AbortSignal) => Promise<void>
  /** One pass; whether there may be more to do at once. */
  pass: () => Promise<boolean>
  /** Say that a report has begun to wait. */
  ring: () => void
  state: () => WaitingReportsState
}

/** Reports a statement, at most. */
const batchMax = 500
const countMax = 10_000
/** Between two passes while reports wait, and while none does and nobody rings. */
const waitingPauseMs = 250
const idlePauseMs = 10_000
const errorPauseMs = 1_000
/** What waits is looked through at each pass: so the loop rests this many times as long as a pass took. */
const restsPerPass = 4
const restMaxMs = 5_000

type Decided = { waiting: WaitingReport; settlement: Settlement; exceptionId: string }

const decide = (waiting: WaitingReport, { now, newId }: WaitingReportsOptions): Decided[] => {
  const at = now()
  const settlement = settleReport(waiting.order, waiting.received.report, waiting.tape, at)
  return settlement.disposition === 'WAITING' ? [] : [{ waiting, settlement, exceptionId: newId(at) }]
}

const rowsOf = (decided: readonly Decided[]): ReportWrites => ({
  moves: decided.map(({ waiting: { order, stamp, received }, settlement }) => ({
    after: 'order' in settlement ? settlement.order : order,
    stamp,
    endedBy: 'order' in settlement ? received.source : null,
  })),
  taken: [],
  settled: decided.map(({ waiting: { received }, settlement }) => ({
    orderId: received.report.orderId,
    reportId: received.report.reportId,
    state: settlement.disposition,
  })),
  exceptions: decided.flatMap(({ waiting: { received }, settlement, exceptionId }): ReportException[] =>
    'reason' in settlement
      ? [{ id: exceptionId, disposition: settlement.disposition, reason: settlement.reason, received }]
      : [],
  ),
})

/** One report an order: the next one is decided on what this one leaves. */
const firstOfEachOrder = (waiting: readonly WaitingReport[]): WaitingReport[] => [
  ...new Map(waiting.toReversed().map((each) => [each.order.id, each])).values(),
]

/** Settles up to `limit` reports; whether there may be more to do at once. */
const settleUpTo = async (limit: number, options: WaitingReportsOptions): Promise<boolean> => {
  const { reads, db, tradeTopic, waitMs, onSettled, onCommitted } = options
  const ready = await reads.run((sql) => readReadyReports(sql, { tradeTopic, waitMs, limit }))
  const decided = firstOfEachOrder(ready).flatMap((waiting) => decide(waiting, options))
  if (decided.length === 0) return false
  const { written } = await db.run((sql) => writeReports(sql, rowsOf(decided)))
  for (const { waiting, settlement } of decided)
    if (written.has(waiting.order.id))
      onSettled(waiting.received, {
        disposition: settlement.disposition,
        reason: 'reason' in settlement ? settlement.reason : null,
      })
  if (written.size > 0) onCommitted()
  // What another replica or a fill was at is decided again at the next pass.
  return written.size > 0 && (ready.length === limit || ready.length > decided.length)
}

export const createWaitingReports = (options: WaitingReportsOptions): WaitingReports => {
  const { reads, clock, log } = options
  const bell = createBell()
  const limited = createBatchLimit(batchMax)
  const pass = (): Promise<boolean> => limited((limit) => settleUpTo(limit, options))
  let state: WaitingReportsState = { reports: 0, oldestMs: 0, obstacle: null }

  /** One pass, and how long to rest after it, in ms. */
  const turn = async (): Promise<number> => {
    const startedAt = clock()
    try {
      const isMore = await pass()
      state = { ...(await reads.run((sql) => readReportsBacklog(sql, countMax))), obstacle: null }
      const restMs = Math.min(restMaxMs, (clock() - startedAt) * restsPerPass)
      if (state.reports === 0) return idlePauseMs
      return isMore ? restMs : Math.max(waitingPauseMs, restMs)
    } catch (error) {
      state = { ...state, obstacle: describe(error).error }
      log.rarely('warn', 'waiting reports', 'reports that wait cannot be settled now', describe(error))
      return errorPauseMs
    }
  }

  return {
    pass,
    ring: () => bell.ring(),
    state: () => state,
    async run(signal) {
      while (!signal.aborted) await bell.wait(await turn(), signal)
    },
  }
}
