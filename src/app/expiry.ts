// Ends orders by the clock. At its instant the engine is told, and the status follows the trade topic: it is given once everything was applied
// that was on the topic some time after the broker had the cancellation. Every replica runs this loop; each step is one statement over a
// bounded batch, and leaves what another replica is at. While there is nothing to end it rests until the lookout (lookout.ts) rings.

import type { Outcome } from '../domain/ending.ts'
import {
  addDueEndings,
  addImmediateEndings,
  deleteEndings,
  noteAcknowledged,
  readDueStops,
  readEndingsBacklog,
  readEndingsWork,
  readSettledEndings,
  tellEndings,
  type DuePlace,
  type EndingsBacklog,
  type EndingsWork,
  type SettledEnding,
} from '../store/endings.ts'
import { isTooSlow, storeFault } from '../store/faults.ts'
import { moveOrders, type Move } from '../store/moves.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createBatchLimit } from './batchLimit.ts'
import { createBell, sleep } from './sleep.ts'

export type ExpiryOptions = {
  db: Database
  /** The topic of trades. */
  topic: string
  /** How long after the acknowledgement of a cancellation fills may still reach the topic. */
  settleMs: number
  /** How long after its publication an order may be open that is executed at once or not at all; 0: for ever. */
  graceMs: number
  newEventId: () => string
  /** Called with the reason of each cancellation that went into the outbox. */
  onTold?: (reasonCode: string) => void
  /** Called with the status that an order got from its ending. */
  onEnded?: (outcome: Outcome) => void
  /** Called after every commit that changed orders or appended events. */
  onCommitted: () => void
  /** Milliseconds that only go up. */
  clock: () => number
  log: Log
}

/** `backlog`: read every few seconds while there is one. `obstacle`: why the last pass failed; null: it did not. */
type ExpiryState = { backlog: EndingsBacklog; obstacle: string | null }
export type Expiry = {
  run: (signal: AbortSignal) => Promise<void>
  /** One pass over all steps that have something to do; whether any of them had a full batch, so that there may be more. */
  pass: () => Promise<boolean>
  /** There is something to end. */
  ring: () => void
  state: () => ExpiryState
}

/** Orders a statement: what a batch locks it has for some milliseconds. */
const batchMax = 500
const pauseMs = 500
/** While nothing is to be ended, and nobody rings. */
const idleMs = 10_000
const errorPauseMs = 1_000
/** After each pass the loop rests at least as long as the pass took, so that fills and placing have Postgres for themselves half of the time. */
const restsPerPass = 1
/** A pass that did little may still have looked through much that waits: then it looks less often. */
const restsPerSmallPass = 10
const pauseMaxMs = 5_000
const backlogEveryMs = 5_000

const cause = { kind: 'expiry' } as const
const eventOf = { EXPIRED: 'expire', CANCELED: 'cancel' } as const satisfies Record<Outcome, Move['event']>

/** Ends the stops whose price was not met in time. A stop that triggers at this moment has another version then, and is left alone. */
const expireStops = async ({ db, onEnded, onCommitted }: ExpiryOptions, limit: number): Promise<number> => {
  const stops = await db.run((sql) => readDueStops(sql, limit))
  if (stops.length === 0) return 0
  const moves = stops.map(({ id, version, reasonCode }): Move => {
    const reason = { code: reasonCode, text: null }
    return { orderId: id, event: 'expire', ifVersion: version, reason, cause, outbox: null }
  })
  const rows = await db.run((sql) => moveOrders(sql, moves, stops[0]!.now))
  for (const { order } of rows.values()) if (order !== null) onEnded?.('EXPIRED')
  onCommitted()
  return stops.length
}

const tell = async ({ db, newEventId, onTold, onCommitted }: ExpiryOptions, limit: number): Promise<number> => {
  const eventIds = Array.from({ length: limit }, newEventId)
  const { told, over } = await db.run((sql) => tellEndings(sql, eventIds))
  for (const { reasonCode } of told) onTold?.(reasonCode)
  if (told.length > 0) onCommitted()
  return told.length + over
}

/** Gives the orders their status, unless they have ended otherwise; then forgets the endings. */
const giveStatus = async (options: ExpiryOptions, endings: readonly SettledEnding[]): Promise<void> => {
  const { db, onEnded, onCommitted } = options
  const moves = endings.map(({ orderId, outcome, reasonCode }): Move => ({
    orderId,
    event: eventOf[outcome],
    reason: { code: reasonCode, text: null },
    cause,
    outbox: null,
  }))
  const rows = await db.run((sql) => moveOrders(sql, moves, endings[0]!.now))
  for (const { orderId, outcome } of endings) if ((rows.get(orderId)?.order ?? null) !== null) onEnded?.(outcome)
  onCommitted()
  await db.run((sql) =>
    deleteEndings(
      sql,
      endings.map(({ orderId }) => orderId),
    ),
  )
}

/**
 * Halves a batch that a row of it fails, until that row stands alone: it is left, and tried again with the next pass. One that takes too long
 * is halved too.
 */
const giveStatusOrSplit = async (options: ExpiryOptions, endings: readonly SettledEnding[]): Promise<void> => {
  try {
    await giveStatus(options, endings)
  } catch (error) {
    const fault = storeFault(error)
    const isGuilty = fault === 'data' || fault === 'bug'
    if (!isGuilty && !(isTooSlow(error) && endings.length > 1)) throw error
    if (endings.length === 1) {
      const { orderId } = endings[0]!
      options.log.rarely('error', `ending ${orderId}`, 'an order cannot be ended', { orderId, ...describe(error) })
      return
    }
    const half = endings.length >> 1
    await giveStatusOrSplit(options, endings.slice(0, half))
    await giveStatusOrSplit(options, endings.slice(half))
  }
}

const settle = async (options: ExpiryOptions, limit: number): Promise<number> => {
  const { db, topic, settleMs } = options
  const endings = await db.run((sql) => readSettledEndings(sql, { topic, settleMs, limit }))
  if (endings.length > 0) await giveStatusOrSplit(options, endings)
  return endings.length
}

/** Walks over the orders that are due, a batch at a time, and begins anew at its end: what it has passed is not looked at for each batch. */
const createDueWalk = ({ db }: ExpiryOptions) => {
  let after: DuePlace | null = null
  return async (limit: number): Promise<number> => {
    const from = after
    const { orders, last } = await db.run((sql) => addDueEndings(sql, { after: from, limit }))
    after = orders === limit ? last : null
    return orders
  }
}

/** `isNeeded`: by what there was to do before the pass. `run` returns how many rows it has handled, at most `limit`. */
type Step = { isNeeded: (work: EndingsWork) => boolean; run: (limit: number) => Promise<number> }

/** The steps in the order in which an ending takes them. One that follows another in the same pass is needed where that one is. */
const stepsOf = (options: ExpiryOptions): Step[] => {
  const { db, graceMs } = options
  return [
    { isNeeded: ({ due }) => due, run: (limit) => expireStops(options, limit) },
    { isNeeded: ({ due }) => due, run: createDueWalk(options) },
    {
      isNeeded: (work) => graceMs > 0 && work.immediate,
      run: (limit) => db.run((sql) => addImmediateEndings(sql, { graceMs, limit })),
    },
    { isNeeded: ({ due, untold }) => due || untold, run: (limit) => tell(options, limit) },
    { isNeeded: ({ sent }) => sent, run: (limit) => db.run((sql) => noteAcknowledged(sql, limit)) },
    { isNeeded: ({ sent, acknowledged }) => sent || acknowledged, run: (limit) => settle(options, limit) },
  ]
}

/** A step with its limit. `run` returns whether it had a full batch, so that there may be more. */
type LimitedStep = Pick<Step, 'isNeeded'> & { run: () => Promise<boolean> }

const limitedOf = ({ isNeeded, run }: Step): LimitedStep => {
  const limited = createBatchLimit(batchMax)
  return { isNeeded, run: () => limited(async (limit) => (await run(limit)) === limit) }
}

/** `isIdle`: no step was needed. `more`: one had a full batch. */
type Passed = { isIdle: boolean; more: boolean }

/** A step that fails does not hold up the others. Throws the first error, once all were tried. */
const pass = async ({ db }: ExpiryOptions, steps: readonly LimitedStep[]): Promise<Passed> => {
  const work = await db.run(readEndingsWork)
  const needed = steps.filter(({ isNeeded }) => isNeeded(work))
  const errors: unknown[] = []
  let more = false
  for (const { run } of needed)
    try {
      more = (await run()) || more
    } catch (error) {
      errors.push(error)
    }
  if (errors.length > 0) throw errors[0]
  return { isIdle: needed.length === 0, more }
}

const nothing: EndingsBacklog = {
  due: { orders: 0, oldestMs: 0 },
  sending: { orders: 0, oldestMs: 0 },
  settling: { orders: 0, oldestMs: 0 },
}

export const createExpiry = (options: ExpiryOptions): Expiry => {
  const { db, clock, log } = options
  const steps = stepsOf(options).map(limitedOf)
  const bell = createBell()
  const state: ExpiryState & { readAt: number } = { backlog: nothing, obstacle: null, readAt: -Infinity }

  const readBacklog = async (): Promise<void> => {
    if (clock() - state.readAt < backlogEveryMs) return
    state.readAt = clock()
    state.backlog = await db.run(readEndingsBacklog)
  }

  /** One pass; how long to rest then, in ms; null: until there is something to do. */
  const passAndRest = async (): Promise<number | null> => {
    const startedAt = clock()
    try {
      const { isIdle, more } = await pass(options, steps)
      const tookMs = clock() - startedAt
      if (isIdle) state.backlog = nothing
      else await readBacklog()
      state.obstacle = null
      if (isIdle) return null
      return more ? tookMs * restsPerPass : Math.min(pauseMaxMs, Math.max(pauseMs, tookMs * restsPerSmallPass))
    } catch (error) {
      const fields = describe(error)
      state.obstacle = fields.error
      log.rarely('warn', 'expiry', 'orders cannot be ended by the clock now; it is tried again', fields)
      return errorPauseMs
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        const restMs = await passAndRest()
        await (restMs === null ? bell.wait(idleMs, signal) : sleep(restMs, signal))
      }
    },
    pass: async () => (await pass(options, steps)).more,
    ring: () => bell.ring(),
    state: () => state,
  }
}
