// Works off sweeps: cancels of many orders that are rows, so that whoever began one may die. Every replica runs this loop. It takes sweeps that
// nobody works on, and cancels a page of each in turn, so that a large one does not hold up the others. A sweep begins at the top again after its
// replica is gone; it is done when a whole pass from top to bottom is through. Each order is canceled under its lock, once, whoever else works.

import { readCoveredPage, readOpenTickers } from '../store/covered.ts'
import type { Database } from '../store/sql.ts'
import { finishSweep, releaseSweeps, renewSweeps, takeSweeps, thinSweeps, type Sweep } from '../store/sweeps.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { cancelMany, pageMax } from './cancelMany.ts'
import { passCrashPoint } from './crashPoint.ts'
import { createBell, sleep } from './sleep.ts'

export type SweepsOptions = {
  db: Database
  replicaId: string
  newEventId: () => string
  /** Called with the reason of the orders that were canceled. */
  onCanceled?: (reasonCode: string, orders: number) => void
  /** Called after every commit that appended events. */
  onCommitted: () => void
  /** Milliseconds that only go up. */
  clock: () => number
  now: () => Date
  log: Log
}

export type Sweeps = {
  run: (signal: AbortSignal) => Promise<void>
  /** There may be sweeps that nobody works on. */
  ring: () => void
  /** Takes sweeps and cancels a page of each; whether there is more to do. */
  turn: () => Promise<boolean>
  /** `obstacle`: why the last turn failed; null: it did not. */
  state: () => { obstacle: string | null }
}

/** At a time, by one replica. */
const takenMax = 16
/** A replica that is gone leaves its sweeps to the others after this time. */
const leaseMs = 5_000
const renewEveryMs = 1_500
/** Without a ring; the ring comes from whoever looks for sweeps. */
const idleMs = 5_000
const errorPauseMs = 500
/** After a turn the loop rests this share of the time that the turn took, so that placing and fills keep most of Postgres. */
const restsPerTurn = 0.5
/** A pass with orders that could not be canceled is made anew after this time. */
const againMs = 5_000
/** Done sweeps are kept for `verify`. */
const keptMs = 7 * 86_400_000
const thinEveryMs = 600_000
const tickersAtATime = 500
const firstTicker = ''

/** Where a pass over a sweep stands. `tickers`: of a sweep of all of them, those that come next; null: its scope has a user or a ticker. `isWhole`:
 * whether no order was left open by what it has passed. */
type Pass = {
  sweep: Sweep
  before: string | undefined
  tickers: { open: string[]; next: string | null } | null
  isWhole: boolean
  restsUntil: number
}

const beginPass = (sweep: Sweep): Pass => ({
  sweep,
  before: undefined,
  tickers: sweep.scope.userId === null && sweep.scope.ticker === null ? { open: [], next: firstTicker } : null,
  isWhole: true,
  restsUntil: -Infinity,
})

type Step = Pick<SweepsOptions, 'db' | 'newEventId' | 'onCommitted' | 'onCanceled' | 'now' | 'log'>

/** The next ticker of a sweep of all; null: there is none left. */
const tickerOf = async (tickers: NonNullable<Pass['tickers']>, db: Database): Promise<string | null> => {
  while (tickers.open.length === 0 && tickers.next !== null) {
    const after = tickers.next
    const page = await db.run((sql) => readOpenTickers(sql, { after, limit: tickersAtATime }))
    tickers.open = page.tickers
    tickers.next = page.next
  }
  return tickers.open[0] ?? null
}

/** Cancels the next page; whether the pass is through then. */
const step = async (pass: Pass, { db, newEventId, onCommitted, onCanceled, now, log }: Step): Promise<boolean> => {
  const { sweep, tickers, before } = pass
  const ticker = tickers === null ? sweep.scope.ticker : await tickerOf(tickers, db)
  if (tickers !== null && ticker === null) return true
  const scope = { ...sweep.scope, ticker }
  const query = { scope, moment: sweep.moment, before, limit: pageMax, now: now() }
  const { ids, next, now: at } = await db.run((sql) => readCoveredPage(sql, query))
  const { reasonCode, cause } = sweep
  const done = await cancelMany(db, { ids, reasonCode, cause, traceparent: null, newEventId, now: at, onCommitted })
  if (done.canceled.length > 0) onCanceled?.(reasonCode, done.canceled.length)
  for (const { id, error } of done.refused)
    log.rarely('error', `sweep ${id}`, 'an order cannot be canceled', { orderId: id, ...describe(error) })
  if (done.left !== null)
    log.rarely('warn', `sweep of ${sweep.id}`, 'orders cannot be canceled now; a session may hold them locked', {
      sweepId: sweep.id,
      orders: done.left.ids.length,
      orderId: done.left.ids[0],
      ...describe(done.left.error),
    })
  pass.isWhole &&= done.refused.length === 0 && done.left === null
  pass.before = next ?? undefined
  passCrashPoint('after-page-of-sweep')
  if (next !== null) return false
  if (tickers === null) return true
  tickers.open.shift()
  return false
}

/** The sweeps that this replica works on; see Sweeps. */
const createTurns = (options: SweepsOptions): Sweeps['turn'] => {
  const { db, replicaId, clock } = options
  const passes = new Map<string, Pass>()
  let renewedAt = -Infinity

  const take = async (): Promise<void> => {
    const limit = takenMax - passes.size
    if (limit === 0) return
    const at = [...passes.keys()]
    const taken = await db.run((sql) => takeSweeps(sql, { replicaId, leaseMs, limit, at }))
    for (const sweep of taken) passes.set(sweep.id, beginPass(sweep))
  }

  const renew = async (): Promise<void> => {
    if (clock() - renewedAt < renewEveryMs) return
    await db.run((sql) => renewSweeps(sql, [...passes.keys()], { replicaId, leaseMs }))
    renewedAt = clock()
  }

  const end = async ({ sweep, isWhole }: Pass): Promise<void> => {
    if (!isWhole) {
      passes.set(sweep.id, { ...beginPass(sweep), restsUntil: clock() + againMs })
      return
    }
    await db.run((sql) => finishSweep(sql, sweep.id))
    passes.delete(sweep.id)
  }

  return async () => {
    await take()
    for (const pass of passes.values()) {
      if (pass.restsUntil > clock()) continue
      await renew()
      if (await step(pass, options)) await end(pass)
    }
    return passes.values().some(({ restsUntil }) => restsUntil <= clock())
  }
}

export const createSweeps = (options: SweepsOptions): Sweeps => {
  const { db, replicaId, clock, log } = options
  const bell = createBell()
  const turn = createTurns(options)
  const state = { obstacle: null as string | null, thinnedAt: -Infinity }

  const thin = async (): Promise<void> => {
    if (clock() - state.thinnedAt < thinEveryMs) return
    state.thinnedAt = clock()
    await db.run((sql) => thinSweeps(sql, keptMs))
  }

  /** One turn; how long to rest then, in ms; null: until there is something to do. */
  const turnAndRest = async (): Promise<number | null> => {
    const startedAt = clock()
    try {
      const more = await turn()
      state.obstacle = null
      if (more) return (clock() - startedAt) * restsPerTurn
      await thin()
      return null
    } catch (error) {
      const fields = describe(error)
      state.obstacle = fields.error
      log.rarely('warn', 'sweeps', 'orders cannot be canceled by a sweep now; it is tried again', fields)
      return errorPauseMs
    }
  }

  return {
    ring: () => bell.ring(),
    turn,
    state: () => state,
    async run(signal) {
      while (!signal.aborted) {
        const restMs = await turnAndRest()
        await (restMs === null ? bell.wait(idleMs, signal) : sleep(restMs, signal))
      }
      await db.run((sql) => releaseSweeps(sql, replicaId)).catch(() => undefined)
    },
  }
}
