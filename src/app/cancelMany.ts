// Cancels the orders of one page of a cancel of many: what a mass cancel and a sweep have in common.

import type { Cause } from '../domain/history.ts'
import type { Status } from '../domain/order.ts'
import { isTooSlow, storeFault } from '../store/faults.ts'
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

const nothing: ManyCanceled = { canceled: [], closed: [], refused: [] }

/**
 * Cancels what remains of these orders, in one statement. A batch with a row that Postgres refuses is halved until that row stands alone, and one
 * that takes too long until it does not. Throws any other error of the store: then it may be called again, and an order that the lost attempt canceled is among the closed.
 */
export const cancelMany = async (db: Database, command: CancelMany): Promise<ManyCanceled> => {
  const { ids, now, onCommitted } = command
  if (ids.length === 0) return nothing
  try {
    const rows = await db.run((sql) =>
      moveOrders(
        sql,
        ids.map((id) => moveOf(id, command)),
        now,
      ),
    )
    const canceled = ids.filter((id) => (rows.get(id)?.order ?? null) !== null)
    if (canceled.length > 0) onCommitted()
    const closed = [...rows].flatMap(([id, { order, before }]) => (order === null ? [{ id, status: before }] : []))
    return { canceled, closed, refused: [] }
  } catch (error) {
    const isRefused = storeFault(error) === 'data'
    if (!isRefused && !(isTooSlow(error) && ids.length > 1)) throw error
    if (ids.length === 1) return { ...nothing, refused: [{ id: ids[0]!, error }] }
    const half = ids.length >> 1
    const first = await cancelMany(db, { ...command, ids: ids.slice(0, half) })
    const second = await cancelMany(db, { ...command, ids: ids.slice(half) })
    return {
      canceled: [...first.canceled, ...second.canceled],
      closed: [...first.closed, ...second.closed],
      refused: [...first.refused, ...second.refused],
    }
  }
}
