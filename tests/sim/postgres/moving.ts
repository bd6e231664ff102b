// The fake of moveOrders.

import type { EventKind } from '../../../src/domain/events.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import { arrayFromLiteral } from './fakeSql.ts'
import { checkUpdate } from './guards.ts'
import { append } from './placing.ts'
import type { ChangeRecord, OrderRecord, Postgres } from './state.ts'
import {
  logRow,
  appendTo,
  drawLogPosition,
  isLocked,
  lock,
  lockKey,
  putOrder,
  take,
  type Steps,
  type Tx,
} from './transactions.ts'

type Column = (string | null)[]
type MoveRow = Partial<Omit<OrderRecord, 'id'>> & {
  held_id: string
  before: string
  before_version: number
  id: string | null
}
type Move = {
  orderId: string
  /** The statuses that it may be made from: the fake knows no table of transitions itself, only the guards do. */
  sources: (string | null)[]
  target: string
  ifVersion: number | null
  reasonCode: string | null
  reasonText: string | null
  cause: string
  kind: string | null
  eventId: string | null
  traceparent: string | null
}

const movesOf = (columns: Column[]): Move[] =>
  columns[0]!.map((orderId, i) => {
    const [, sources, target, ifVersion, reasonCode, reasonText, cause, kind, eventId, traceparent] = columns.map(
      (column) => column[i]!,
    )
    return {
      orderId: orderId!,
      sources: arrayFromLiteral(sources),
      target: target!,
      ifVersion: ifVersion === null ? null : Number(ifVersion),
      reasonCode: reasonCode!,
      reasonText: reasonText!,
      cause: cause!,
      kind: kind!,
      eventId: eventId!,
      traceparent: traceparent!,
    }
  })

/** The row of the log for an order that has just ended, or triggered. */
export const appendChange = (
  db: Postgres,
  tx: Tx,
  after: OrderRecord,
  change: Pick<ChangeRecord, 'cause'> & Partial<Pick<ChangeRecord, 'kind' | 'rules_epoch'>>,
): void => {
  const { id, version, status, updated_at, reason_code, reason_text } = after
  const { filled_quantity, filled_notional, last_fill_price } = after
  const amounts = { filled_quantity, filled_notional, last_fill_price }
  const position = drawLogPosition(db)
  appendTo(db.changes, tx, {
    order_id: id,
    version,
    kind: status,
    at: updated_at,
    reason_code,
    reason_text,
    rules_epoch: null,
    ...change,
    ...amounts,
    xact: tx.xid!,
    position,
  })
  logRow(db, tx, { what: 'change', orderId: id, version, xact: tx.xid!, position })
}

type Input = { moves: Column[]; now: Date; skipLocked: boolean }

export function* moveOrders(db: Postgres, tx: Tx, input: Input): Steps<MoveRow[]> {
  const moves = movesOf(input.moves)
  // The snapshot decides which orders are found, but their rows are judged once the lock is ours.
  const found = moves.filter(({ orderId }) => db.orders.has(orderId))
  const answer: MoveRow[] = []
  const changed: { after: OrderRecord; cause: string }[] = []
  for (const { orderId: id, sources, target, ifVersion, reasonCode, reasonText, cause } of found.toSorted((a, b) =>
    a.orderId < b.orderId ? -1 : 1,
  )) {
    yield null
    if (input.skipLocked && isLocked(db, tx, lockKey.order(id))) continue
    yield* lock(db, tx, lockKey.order(id))
    const row = db.orders.get(id)!
    const held = { held_id: id, before: row.status, before_version: row.version }
    if (!sources.includes(row.status) || (ifVersion !== null && ifVersion !== row.version))
      answer.push({ ...held, id: null })
    else {
      const later = row.updated_at > input.now ? row.updated_at : input.now
      const moved = {
        ...row,
        status: target as OrderRow['status'],
        updated_at: later,
        version: row.version + 1,
        reason_code: reasonCode,
        reason_text: reasonText,
      }
      checkUpdate(row, moved)
      take(db, tx, lockKey.newVersion(id))
      putOrder(db, tx, row, moved)
      changed.push({ after: moved, cause })
      answer.push({ ...held, ...moved })
    }
  }
  yield* appendEvents(db, tx, moves, answer)
  for (const { after, cause } of changed) {
    appendChange(db, tx, after, { cause })
    yield null
  }
  return answer
}

function* appendEvents(db: Postgres, tx: Tx, moves: readonly Move[], rows: readonly MoveRow[]): Steps<void> {
  for (const { orderId, kind, eventId, traceparent } of moves) {
    const row = rows.find(({ id }) => id === orderId)
    if (row === undefined || kind === null) continue
    // No engine knows a stop that waits.
    if (row.stop_price !== null && row.triggered_at === null) continue
    append(db, tx, {
      event_id: eventId!,
      kind: kind as EventKind,
      order_id: orderId,
      ticker: row.ticker!,
      occurred_at: row.updated_at!,
      traceparent,
      filled_quantity: row.filled_quantity!,
      reason_code: row.reason_code!,
      reason_text: row.reason_text!,
    })
    yield null
  }
}
