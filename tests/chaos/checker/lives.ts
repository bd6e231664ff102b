// The longer lives: stops that wait and trigger, orders that the clock ends, orders that the engine ends. Each rule is held from the topics,
// the tables and the broker's clock, which is that of this machine.

import { parseExact } from './amounts.ts'
import { firstIndex } from './bisect.ts'
import { decodeTrade } from './decode.ts'
import type { EventRecord, Evidence, LedgerRow, OrderRow, Report, TradeRecord } from './evidence.ts'
import { haltsByTicker, mayBeHalted, type Halt } from './halts.ts'
import { endOf, type Entry, type History } from './history.ts'
import { orderIdOf } from './published.ts'
import { checkReports } from './reports.ts'
import { acknowledgedBy, isRefused } from './requests.ts'

/** As the replicas are configured. */
const settleMs = 2_000
const toleranceMs = 1_500
/** Clocks of two processes of one machine. */
const clockSlackMs = 5

const where = ({ partition, offset }: { partition: number; offset: number }): string => `${partition}@${offset}`

/** A reason that the engine gave; the service then tells nobody. */
export const isEngines = (code: string | null): boolean => (code ?? '').startsWith('ENGINE_')
/** A reason that the engine is told before the order has its status. */
export const isByClock = (code: string | null): boolean => (code ?? '').startsWith('EXPIRED_')

const isStop = ({ stopPrice }: OrderRow): boolean => stopPrice !== null
/** Whether an engine may know the order. */
export const isPublished = (order: OrderRow): boolean =>
  !isRefused(order) && (order.stopPrice === null || order.triggeredAt !== null)

const meets = ({ side, stopPrice }: OrderRow, price: bigint): boolean =>
  side === 'BUY' ? price >= stopPrice! : price <= stopPrice!

/** `appliedAt`: the latest time at which it can have been applied, in milliseconds. */
type TapeTrade = { record: TradeRecord; price: bigint; at: number; appliedAt: number }

/**
 * `tape`: of one ticker, in partition order. `latest`: when the last of it was appended that had come by each trade; so it rises, also where
 * the broker's clock stepped back. `byOffset`: the tape by place.
 */
type Tape = {
  tape: readonly TapeTrade[]
  latest: readonly number[]
  byOffset: ReadonlyMap<unknown, ReadonlyMap<unknown, TapeTrade>>
  halts: readonly Halt[]
}

const timeOf = (record: TradeRecord): number => {
  const { timestamp } = JSON.parse(new TextDecoder().decode(record.bytes!)) as { timestamp: string | number }
  if (typeof timestamp === 'string') return Date.parse(timestamp)
  return timestamp < 1e11 ? timestamp * 1000 : timestamp
}

/** Records of a batch of the consumer: its legs are applied before any of its trades looks for stops. */
const batchMax = 500

/** The time at which everything up to an offset of a partition, and the batch behind it, was applied: a replica that lags does so minutes late. */
const createApplied = (ledger: readonly LedgerRow[]) => {
  const partitions = new Map<number, { offset: number; at: number }[]>()
  for (const [partition, rows] of Map.groupBy(ledger, (row) => row.partition)) {
    let at = 0
    partitions.set(
      partition,
      rows
        .toSorted((a, b) => a.offset - b.offset)
        .map((row) => ({ offset: row.offset, at: (at = Math.max(at, row.at)) })),
    )
  }
  return ({ partition, offset, appendedAt }: TradeRecord): number => {
    const rows = partitions.get(partition) ?? []
    const last = rows[firstIndex(rows, (row) => row.offset > offset + batchMax) - 1]
    return Math.max(appendedAt, last?.at ?? 0)
  }
}

const tapeOf = ({ trades, ledger }: Pick<Evidence, 'trades' | 'ledger'>): Map<string, TapeTrade[]> => {
  const appliedAt = createApplied(ledger)
  const tape = trades
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    .flatMap((record) => {
      const trade = decodeTrade(record.bytes)
      if (trade === null) return []
      return [{ ticker: trade.ticker, record, price: trade.price, at: timeOf(record), appliedAt: appliedAt(record) }]
    })
  return Map.groupBy(tape, ({ ticker }) => ticker)
}

/** As a cause has them: the partition is a number, the offset a text. Of two trades with one place the first. */
const indexOf = (tape: readonly TapeTrade[]): Tape['byOffset'] => {
  const index = new Map<unknown, Map<unknown, TapeTrade>>()
  for (const trade of tape.toReversed()) {
    const { partition, offset } = trade.record
    index.set(partition, (index.get(partition) ?? new Map()).set(String(offset), trade))
  }
  return index
}

const latestOf = (tape: readonly TapeTrade[]): number[] => {
  let latest = -Infinity
  return tape.map(({ record }) => (latest = Math.max(latest, record.appendedAt)))
}

const checkTrigger = (order: OrderRow, entry: Entry, { byOffset }: Tape, report: Report): void => {
  const { topic, partition, offset } = entry.cause as Record<string, unknown>
  const trade = byOffset.get(partition)?.get(offset)
  const name = `order ${order.id}, triggered by ${String(topic)} ${String(partition)}@${String(offset)}`
  if (trade === undefined) report('STOP_TRIGGERED_WRONGLY', `${name}: no such trade of ${order.ticker}`)
  else if (!meets(order, trade.price))
    report('STOP_TRIGGERED_WRONGLY', `${name}: ${trade.price} for ${order.stopPrice}`)
  else if (trade.at < order.createdAt - toleranceMs)
    report('STOP_TRIGGERED_WRONGLY', `${name}: the trade is ${order.createdAt - trade.at} ms older than the stop`)
  if (order.expiresAt !== null && entry.at > order.expiresAt + clockSlackMs)
    report('STOP_TRIGGERED_WRONGLY', `${name}: after its end`)
}

/**
 * The first trade of the tape (in partition order) that certainly met the stop: it was appended after a client knew of the order, and no halt
 * was near. `ackedAt`:
 * Infinity if none ever did.
 */
const firstDue = (order: OrderRow, { tape, latest, halts }: Tape, ackedAt: number): TapeTrade | undefined => {
  const knownFrom = ackedAt + clockSlackMs
  for (let i = firstIndex(latest, (appendedAt) => appendedAt > knownFrom); i < tape.length; i++) {
    const trade = tape[i]!
    const { price, at, appliedAt } = trade
    const { appendedAt } = trade.record
    if (
      meets(order, price) &&
      at >= order.createdAt - toleranceMs &&
      appendedAt > knownFrom &&
      !mayBeHalted(halts, { at, appendedAt, appliedAt }, toleranceMs)
    )
      return trade
  }
  return undefined
}

const checkStop = (history: History, tape: Tape, ackedAt: number, report: Report): void => {
  const { order, entries } = history
  const triggers = entries.filter(({ kind }) => kind === 'TRIGGERED')
  if (triggers.length > 1) report('STOP_TRIGGERED_WRONGLY', `order ${order.id} was triggered ${triggers.length} times`)
  if ((triggers[0]?.at ?? null) !== order.triggeredAt)
    report(
      'STOP_TRIGGERED_WRONGLY',
      `order ${order.id}: triggered at ${order.triggeredAt}, its log says ${triggers[0]?.at}`,
    )
  for (const entry of triggers) checkTrigger(order, entry, tape, report)
  const waits = order.status === 'NEW' && order.triggeredAt === null
  const trigger = triggers[0]?.cause
  if (!waits && trigger === undefined) return
  const due = firstDue(order, tape, ackedAt)
  if (due === undefined) return
  const isLater = trigger?.['partition'] === due.record.partition && Number(trigger['offset']) > due.record.offset
  if (waits) report('STOP_NOT_TRIGGERED', `order ${order.id} waits though ${where(due.record)} met its price`)
  else if (isLater)
    report(
      'STOP_NOT_TRIGGERED',
      `order ${order.id} waited for ${String(trigger['offset'])} though ${where(due.record)} met its price`,
    )
}

export const reasonOf = ({ value }: EventRecord): string | null => {
  try {
    const { reason } = parseExact(value ?? '') as { reason?: { code?: string } | null }
    return reason?.code ?? null
  } catch {
    return null
  }
}

const checkExpiry = (
  { order, entries }: History,
  { cancelled, sent }: { cancelled: readonly EventRecord[]; sent: ReadonlyMap<string, TradeRecord> },
  report: Report,
): void => {
  const told = cancelled.filter((record) => isByClock(reasonOf(record)))
  for (const { appendedAt, ...record } of told)
    if (order.expiresAt === null || appendedAt + clockSlackMs < order.expiresAt)
      report('EXPIRED_EARLY', `order ${order.id}: cancelled ${where(record)} was appended before ${order.expiresAt}`)
  const end = endOf({ entries })
  if (end === undefined || !isByClock(end.change!.reasonCode)) return
  if (order.expiresAt === null || end.at + clockSlackMs < order.expiresAt)
    report('EXPIRED_EARLY', `order ${order.id} ended at ${end.at}, before ${order.expiresAt}`)
  const first = Math.min(...told.map(({ appendedAt }) => appendedAt))
  for (const { fill } of entries) {
    if (fill === null || !fill.late) continue
    const record = sent.get(where(fill))
    if (record !== undefined && record.appendedAt < first + settleMs)
      report('LATE_WHILE_SETTLING', `order ${order.id}: ${where(fill)} came within ${settleMs} ms of its cancellation`)
  }
}

/** When a client first knew that an order is committed, by order id. */
export const ackedTimes = ({ log }: Pick<Evidence, 'log'>): Map<string, number> => {
  const times = new Map<string, number>()
  for (const { id, at } of log.flatMap(acknowledgedBy)) if (!times.has(id)) times.set(id, at)
  return times
}

export const checkLives = (
  histories: ReadonlyMap<string, History>,
  { evidence, halts }: { evidence: Evidence; halts: readonly Halt[] },
  report: Report,
): void => {
  const haltsOfTicker = haltsByTicker(halts)
  const tapes = new Map(
    [...tapeOf(evidence)].map(([ticker, tape]) => [
      ticker,
      { tape, latest: latestOf(tape), byOffset: indexOf(tape), halts: haltsOfTicker(ticker) },
    ]),
  )
  const noTrades: Tape = { tape: [], latest: [], byOffset: new Map(), halts: [] }
  const sent = new Map(evidence.trades.map((record) => [where(record), record]))
  const ackedAt = ackedTimes(evidence)
  const cancelled = Map.groupBy(evidence.cancelled, orderIdOf)
  const placed = Map.groupBy(evidence.placed, orderIdOf)
  for (const history of histories.values()) {
    const { order } = history
    if (isStop(order))
      checkStop(history, tapes.get(order.ticker) ?? noTrades, ackedAt.get(order.id) ?? Infinity, report)
    for (const { appendedAt, ...record } of placed.get(order.id) ?? [])
      if (isStop(order) && appendedAt + clockSlackMs < (order.triggeredAt ?? Infinity))
        report('STOP_PUBLISHED_EARLY', `order ${order.id}: placed ${where(record)} stands before its trigger`)
    checkExpiry(history, { cancelled: cancelled.get(order.id) ?? [], sent }, report)
  }
  checkReports(histories, evidence, report)
}
