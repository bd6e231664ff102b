// The steps by which orders end by the clock. Each is one statement over a bounded batch, or a read and the moves that follow from it, and leaves what
// another replica is at.

import type { Outcome } from '../domain/ending.ts'
import {
  addDueEndings,
  addImmediateEndings,
  deleteEndings,
  noteAcknowledged,
  readExpiringStops,
  readSettledEndings,
  tellEndings,
  type DuePlace,
  type EndingsWork,
  type SettledEnding,
} from '../store/endings.ts'
import { isTooSlow, storeFault } from '../store/faults.ts'
import { moveOrders, type Move } from '../store/moves.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createBatchLimit } from './batchLimit.ts'
import { expireStops } from './expireStops.ts'

export type StepOptions = {
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
  log: Log
}

/** Orders a statement: what a batch locks it has for some milliseconds. */
const batchMax = 500

const cause = { kind: 'expiry' } as const
const eventOf = { EXPIRED: 'expire', CANCELED: 'cancel' } as const satisfies Record<Outcome, Move['event']>

/** Ends the stops whose price was not met in time. */
const endStops = async ({ db, onEnded, onCommitted }: StepOptions, limit: number): Promise<number> => {
  const stops = await db.run((sql) => readExpiringStops(sql, limit))
  const ended = await expireStops(db, stops)
  for (let n = 0; n < ended; n++) onEnded?.('EXPIRED')
  if (ended > 0) onCommitted()
  return stops.length
}

const tell = async ({ db, newEventId, onTold, onCommitted }: StepOptions, limit: number): Promise<number> => {
  const eventIds = Array.from({ length: limit }, newEventId)
  const { told, over } = await db.run((sql) => tellEndings(sql, eventIds))
  for (const { reasonCode } of told) onTold?.(reasonCode)
  if (told.length > 0) onCommitted()
  return told.length + over
}

/** Gives the orders their status, unless they have ended otherwise; then forgets the endings. What somebody has locked is left. */
const giveStatus = async (options: StepOptions, endings: readonly SettledEnding[]): Promise<void> => {
  const { db, onEnded, onCommitted } = options
  const moves = endings.map(({ orderId, outcome, reasonCode }): Move => ({
    orderId,
    event: eventOf[outcome],
    reason: { code: reasonCode, text: null },
    cause,
    outbox: null,
  }))
  const rows = await db.run((sql) => moveOrders(sql, moves, endings[0]!.now, { skipLocked: true }))
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
const giveStatusOrSplit = async (options: StepOptions, endings: readonly SettledEnding[]): Promise<void> => {
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

const settle = async (options: StepOptions, limit: number): Promise<number> => {
  const { db, topic, settleMs } = options
  const endings = await db.run((sql) => readSettledEndings(sql, { topic, settleMs, limit }))
  if (endings.length > 0) await giveStatusOrSplit(options, endings)
  return endings.length
}

/** Walks over the orders that are due, a batch at a time, and begins anew at its end: what it has passed is not looked at for each batch. */
const createDueWalk = ({ db }: StepOptions) => {
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
const allSteps = (options: StepOptions): Step[] => {
  const { db, graceMs } = options
  return [
    { isNeeded: ({ due }) => due, run: (limit) => endStops(options, limit) },
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
export type LimitedStep = Pick<Step, 'isNeeded'> & { run: () => Promise<boolean> }

const limitedOf = ({ isNeeded, run }: Step): LimitedStep => {
  const limited = createBatchLimit(batchMax)
  return { isNeeded, run: () => limited(async (limit) => (await run(limit)) === limit) }
}

/** The steps, in the order in which an ending takes them. */
export const stepsOf = (options: StepOptions): LimitedStep[] => allSteps(options).map(limitedOf)
