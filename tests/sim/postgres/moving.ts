// The fake of moveOrders.

import type { EventKind } from '../../../src/domain/events.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import { arrayFromLiteral } from './fakeSql.ts'
import { checkUpdate } from './guards.ts'
import { append } from './placing.ts'
import { lock, lockKey, putOrder, take, type Postgres, type Steps, type Tx } from './state.ts'

type Column = (string | null)[]
type MoveRow = Partial<Omit<OrderRow, 'id'>> & { held_id: string; before: string; id: string | null }
type Move = {
  orderId: string
  /** The statuses that it may be made from: the fake knows no table of transitions itself, only the guards do. */
  sources: (string | null)[]
  target: string
  kind: string | null
  eventId: string | null
  traceparent: string | null
}

const movesOf = ([orderIds, sources, targets, kinds, eventIds, traceparents]: Column[]): Move[] =>
  orderIds!.map((orderId, i) => ({
    orderId: orderId!,
    sources: arrayFromLiteral(sources![i]),
    target: targets![i]!,
    kind: kinds![i]!,
    eventId: eventIds![i]!,
    traceparent: traceparents![i]!,
  }))

export function* moveOrders(db: Postgres, tx: Tx, input: { moves: Column[]; now: Date }): Steps<MoveRow[]> {
  const moves = movesOf(input.moves)
  // The snapshot decides which orders are found, but their rows are judged once the lock is ours.
  const found = moves.filter(({ orderId }) => db.orders.has(orderId))
  const answer: MoveRow[] = []
  for (const { orderId: id, sources, target } of found.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))) {
    yield null
    yield* lock(db, tx, lockKey.order(id))
    const row = db.orders.get(id)!
    if (!sources.includes(row.status)) answer.push({ held_id: id, before: row.status, id: null })
    else {
      const later = row.updated_at > input.now ? row.updated_at : input.now
      const moved = { ...row, status: target as OrderRow['status'], updated_at: later, version: row.version + 1 }
      checkUpdate(row, moved)
      take(db, tx, lockKey.newVersion(id))
      putOrder(db, tx, row, moved)
      answer.push({ held_id: id, before: row.status, ...moved })
    }
  }
  yield* appendEvents(db, tx, moves, answer)
  return answer
}

function* appendEvents(db: Postgres, tx: Tx, moves: readonly Move[], rows: readonly MoveRow[]): Steps<void> {
  for (const { orderId, kind, eventId, traceparent } of moves) {
    const row = rows.find(({ id }) => id === orderId)
    if (row === undefined || kind === null) continue
    append(db, tx, {
      event_id: eventId!,
      kind: kind as EventKind,
      order_id: orderId,
      ticker: row.ticker!,
      occurred_at: row.updated_at!,
      traceparent,
    })
    yield null
  }
}
