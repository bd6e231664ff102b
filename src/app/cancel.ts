// Cancels orders. One statement decides each under its row lock, and appends the events.

import type { Cause } from '../domain/history.ts'
import type { Order, Status } from '../domain/order.ts'
import { moveOrders, type Move, type MoveRow } from '../store/moves.ts'
import { readOrders, type NewEvent } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'

export type Cancellation = { id: string; cause: Cause; event: NewEvent }

export type CancelResult =
  | { ok: true; order: Order }
  | { ok: false; code: 'NOT_FOUND' }
  | { ok: false; code: 'NOT_CANCELABLE'; status: Status }

const moveOf = ({ id, cause, event }: Cancellation): Move => ({
  orderId: id,
  event: 'cancel',
  onlyFrom: ['NEW'],
  reason: { code: 'USER_CANCELED', text: null },
  cause,
  outbox: { kind: 'CANCELLED', ...event },
})

const judge = (row: MoveRow | undefined, order: Order | undefined): CancelResult => {
  if (row === undefined) return { ok: false, code: 'NOT_FOUND' }
  if (order !== undefined) return { ok: true, order }
  return { ok: false, code: 'NOT_CANCELABLE', status: row.before }
}

/**
 * Cancels a batch. Returns one result per cancellation, in order; of two cancellations of one order only the first may succeed. `again`:
 * the answer of an earlier attempt was lost; then an order found CANCELED counts as canceled by that attempt. `onCommitted` is called after
 * every commit that appended events.
 */
export const cancelBatch = async (
  db: Database,
  cancellations: readonly Cancellation[],
  { again, now, onCommitted }: { again: boolean; now: Date; onCommitted: () => void },
): Promise<CancelResult[]> => {
  const firsts = new Map<string, Cancellation>()
  for (const cancellation of cancellations) if (!firsts.has(cancellation.id)) firsts.set(cancellation.id, cancellation)

  const rows = await db.run((sql) => moveOrders(sql, [...firsts.values()].map(moveOf), now))
  const canceled = new Map<string, Order>()
  for (const [id, { order }] of rows) if (order !== null) canceled.set(id, order)
  if (canceled.size > 0) onCommitted()

  const canceledBefore = again ? [...rows].filter(([, row]) => row.before === 'CANCELED').map(([id]) => id) : []
  if (canceledBefore.length > 0)
    for (const order of await db.run((sql) => readOrders(sql, canceledBefore))) canceled.set(order.id, order)

  return cancellations.map((cancellation) => {
    const row = rows.get(cancellation.id)
    if (firsts.get(cancellation.id) === cancellation) return judge(row, canceled.get(cancellation.id))
    return row === undefined || !canceled.has(cancellation.id)
      ? judge(row, undefined)
      : { ok: false, code: 'NOT_CANCELABLE', status: 'CANCELED' }
  })
}
