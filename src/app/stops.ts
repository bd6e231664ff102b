// Triggers stops: whatever trades of a batch meet the price of a waiting stop, the stop goes to the engine, exactly once. The batch is
// settled only when no stop is left that it triggers, or those that are left are tried again by somebody (lockedStops.ts).

import type { Trade } from '../domain/trade.ts'
import { isLockTimeout } from '../store/faults.ts'
import type { Database } from '../store/sql.ts'
import { readDueStops, readTickersWithDueStops, triggerStops, type PriceRange } from '../store/stops.ts'
import { passCrashPoint } from './crashPoint.ts'
import type { FillContext, ReceivedTrade } from './fill.ts'
import { untilSettled, type Settler } from './settle.ts'

export type StopContext = Pick<FillContext, 'now' | 'signal' | 'onRetry'> & {
  /** How much older than a stop the trade may be that triggers it. */
  toleranceMs: number
  /** Whether a trade may trigger stops. It is asked only for tickers whose stops a trade of the batch may trigger; absent: each may. */
  counts?: (received: ReceivedTrade) => boolean
  /** Called for every stop that was triggered, with its trade. After an answer that was lost, some of them may be left out. */
  onTriggered: (received: ReceivedTrade) => void
  /** Called with a stop that Postgres refuses to trigger, whatever it is tried with. It goes on waiting. */
  onRefused: (orderId: string, reason: string) => void
  /** Stops that are left alone, by id: somebody tries them already. */
  except?: readonly string[]
  /**
   * What becomes of stops that somebody else has locked. `wait`: they are waited for. `leave`: for the lock's time-out; those that stay
   * locked are left. `pass`: all are left at once.
   */
  locked?: 'wait' | 'leave' | 'pass'
}

/** Stops a statement. */
const portionMax = 500
/** Trades for which one statement looks: each of them may find a whole portion. */
const tradesMax = 25

/** Reads until Postgres answers. An error that would come again is thrown: the handler of the batch finds the trade at fault. */
const untilRead = async <T>(context: StopContext, read: () => Promise<T>): Promise<T> => {
  const settler: Settler<() => Promise<T>, T> = {
    attempt: async ([first]) => ({ settled: [await first!()], again: [] }),
    halve: () => null,
    unstorable(_, reason) {
      throw new Error(reason)
    },
  }
  const [answer] = await untilSettled([read], settler, context)
  return answer!
}

const rangesOf = (trades: readonly Trade[]): PriceRange[] => {
  const ranges = new Map<string, PriceRange>()
  for (const { ticker, price, tradedAt } of trades) {
    const { lowest, highest, latest } = ranges.get(ticker) ?? { lowest: price, highest: price, latest: tradedAt }
    ranges.set(ticker, {
      ticker,
      lowest: price < lowest ? price : lowest,
      highest: price > highest ? price : highest,
      latest: tradedAt > latest ? tradedAt : latest,
    })
  }
  return [...ranges.values()]
}

/** A stop and the first trade that triggers it. */
export type Due = { orderId: string; received: ReceivedTrade }

const triggerOf = ({ orderId, received: { source } }: Due) => ({
  orderId,
  cause: { kind: 'trigger' as const, ...source, offset: String(source.offset) },
})

/**
 * `refused`: the ids of those stops that Postgres refuses to trigger. `left`: those that are locked, and some that no longer wait. `outrun`: the
 * rules changed, so it has to be asked anew what is due.
 */
type PortionEnd = { refused: string[]; left: Due[]; outrun: boolean }

/** Triggers what is due by the rules of this epoch. */
const triggerPortion = async (
  db: Database,
  { portion, epoch }: { portion: readonly Due[]; epoch: string },
  context: StopContext,
): Promise<PortionEnd> => {
  const { locked = 'wait' } = context
  let outrun = false
  const left: Due[] = []
  const trigger = async (stops: readonly Due[], skipLocked: boolean): Promise<void> => {
    const options = { epoch, now: context.now(), skipLocked }
    const answer = await db.run((sql) => triggerStops(sql, stops.map(triggerOf), options))
    passCrashPoint('after-trigger-before-offset')
    if (answer.epoch !== epoch) outrun = true
    for (const { orderId, received } of stops) if (answer.triggered.has(orderId)) context.onTriggered(received)
    if (skipLocked && !outrun) left.push(...stops.filter(({ orderId }) => !answer.triggered.has(orderId)))
  }
  const refused = await untilSettled<Due, string>(
    portion,
    {
      async attempt(stops) {
        try {
          await trigger(stops, locked === 'pass')
        } catch (error) {
          if (locked !== 'leave' || !isLockTimeout(error)) throw error
          await trigger(stops, true)
        }
        return { settled: [], again: [] }
      },
      halve(stops) {
        const half = stops.length >> 1
        return half === 0 ? null : [stops.slice(0, half), stops.slice(half)]
      },
      unstorable(stops, reason) {
        for (const { orderId } of stops) context.onRefused(orderId, reason)
        return stops.map(({ orderId }) => orderId)
      },
    },
    context,
  )
  return { refused, left, outrun }
}

/** `looks`: plans once a connection, because a look is asked for every batch, and planning it would cost more than it does. */
export type StopPools = { looks: Database; db: Database }

/**
 * Triggers every waiting stop whose price these trades meet, unless trading is halted. They come in partition order, and the stops go to the
 * engine in their order, but for those that are left because somebody has them locked.
 * While Postgres is away it waits and tries again; only `signal` ends it early, with SettleAborted. Returns the stops that were left.
 */
export const triggerByTrades = async (
  { looks, db }: StopPools,
  trades: readonly ReceivedTrade[],
  context: StopContext,
): Promise<Due[]> => {
  const left: Due[] = []
  if (trades.length === 0) return left
  const { toleranceMs, counts = () => true } = context
  const ranges = rangesOf(trades.map(({ trade }) => trade))
  const tickers = await untilRead(context, () => looks.run((sql) => readTickersWithDueStops(sql, ranges, toleranceMs)))
  let rest = trades.filter((received) => tickers.has(received.trade.ticker) && counts(received))
  const except = [...(context.except ?? [])]
  while (rest.length > 0) {
    const next = rest.slice(0, tradesMax)
    const ticks = next.map(({ trade }) => trade)
    const query = { trades: ticks, toleranceMs, except, limit: portionMax }
    const { epoch, due } = await untilRead(context, () => db.run((sql) => readDueStops(sql, query)))
    if (epoch !== null) {
      const portion = due.map(({ orderId, trade }) => ({ orderId, received: next[trade]! }))
      const end = await triggerPortion(db, { portion, epoch }, context)
      left.push(...end.left)
      except.push(...end.refused, ...end.left.map(({ orderId }) => orderId))
      if (end.outrun) continue
    }
    // If the portion is full, the trade of its last stop may trigger more of them; the trades before that one are through.
    rest = rest.slice(due.length < portionMax ? next.length : due.at(-1)!.trade)
  }
  return left
}
