// Cancels the orders of one page of a cancel of many: what a mass cancel and a sweep have in common.

import type { Cause } from '../domain/history.ts'
import type { Status } from '../domain/order.ts'
import { isLockTimeout, isTooSlow, storeFault } from '../store/faults.ts'
import { moveOrders, type Move } from '../store/moves.ts'
import type { Database } from '../store/sql.ts'

/** Orders a statement: what a batch locks it has for some milliseconds. */
export const pageMax = 500

export type ManyCanceled = {
  canceled: string[]
  /** Those that were final when they were locked. */
  closed: { id: string; status: Status }[]
  /** Those that Postgres refuses to change, each with its error. */
  refused: { id: string; error: unknown }[]
  /** Those that nothing was done with, and why: a session holds them locked, or a later statement failed. Try them again. */
  left: { ids: string[]; error: unknown } | null
}

export type CancelMany = {
  ids: readonly string[]
  reasonCode: string
  cause: Cause
  traceparent: string | null
  newEventId: () => string
  now: Date
  /** Called after every commit that appended events. */
  onCommitted: () => void
}

const moveOf = (orderId: string, { reasonCode, cause, traceparent, newEventId }: CancelMany): Move => ({
  orderId,
  event: 'cancel',
  reason: { code: reasonCode, text: null },
  cause,
  outbox: { kind: 'CANCELLED', eventId: newEventId(), traceparent },
})

/** One statement; what it has done is added to `done`. */
const cancelPart = async (
  db: Database,
  command: CancelMany,
  done: ManyCanceled,
  skipLocked: boolean,
): Promise<void> => {
  const { ids, now, onCommitted } = command
  const moves = ids.map((id) => moveOf(id, command))
  const rows = await db.run((sql) => moveOrders(sql, moves, now, { skipLocked }))
  let isNew = false
  // In the order in which they were asked for: the statement answers in another.
  for (const id of ids) {
    const row = rows.get(id)
    if (row === undefined) continue
    if (row.order === null) done.closed.push({ id, status: row.before })
    else isNew = done.canceled.push(id) > 0
  }
  if (isNew) onCommitted()
}

/** The same; a part with a row that Postgres refuses is halved until that row stands alone, and one that takes too long until it does not. */
const cancelOrSplit = async (
  db: Database,
  command: CancelMany,
  done: ManyCanceled,
  skipLocked: boolean,
): Promise<void> => {
  const { ids } = command
  if (ids.length === 0) return
  try {
    await cancelPart(db, command, done, skipLocked)
  } catch (error) {
    const isRefused = storeFault(error) === 'data'
    if (!isRefused && !(isTooSlow(error) && ids.length > 1)) throw error
    if (ids.length === 1) {
      done.refused.push({ id: ids[0]!, error })
      return
    }
    const half = ids.length >> 1
    await cancelOrSplit(db, { ...command, ids: ids.slice(0, half) }, done, skipLocked)
    await cancelOrSplit(db, { ...command, ids: ids.slice(half) }, done, skipLocked)
  }
}

/**
 * Cancels what remains of these orders: first all that nobody has locked, then those that somebody had, so that a session which holds one of them
 * holds up no other. Throws an error of the store only while nothing was canceled: then it may be called again, and an order that the lost
 * attempt canceled is among the closed.
 */
export const cancelMany = async (db: Database, command: CancelMany): Promise<ManyCanceled> => {
  const done: ManyCanceled = { canceled: [], closed: [], refused: [], left: null }
  const untouched = (): string[] => {
    const touched = new Set([...done.canceled, ...[...done.closed, ...done.refused].map(({ id }) => id)])
    return command.ids.filter((id) => !touched.has(id))
  }
  try {
    await cancelOrSplit(db, command, done, true)
    await cancelOrSplit(db, { ...command, ids: untouched() }, done, false)
  } catch (error) {
    if (done.canceled.length === 0 && !isLockTimeout(error)) throw error
    done.left = { ids: untouched(), error }
  }
  return done
}
