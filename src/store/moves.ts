// Ends orders: cancel, expire, reject. One statement takes any set of moves; the table of transitions
// (domain/order.ts) says which of them are lawful. Fills and triggers have statements of their own (fills.ts, stops.ts).

import type { EventKind } from '../domain/events.ts'
import type { Cause } from '../domain/history.ts'
import { pathOf, type Order, type OrderEvent, type Status } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import { orderColumns, orderFromRow, type NewEvent, type OrderRow } from './orders.ts'
import { textArray, type Sql } from './sql.ts'

/** Events that end an order: a move changes its status, and nothing of its fills. */
export type MoveEvent = Extract<OrderEvent, 'cancel' | 'reject' | 'expire'>

/**
 * `onlyFrom`: the statuses from which the order may move, if these are fewer than the table allows. `ifVersion`: the version that the
 * order must have. `reason` and `cause` go into the log. `outbox`: the event to publish if the move is made; null:
 * none. For a waiting stop none is published, because no engine knows of it.
 */
export type Move = {
  orderId: string
  event: MoveEvent
  onlyFrom?: readonly Status[]
  ifVersion?: number
  reason: Reason
  cause: Cause
  outbox: ({ kind: EventKind } & NewEvent) | null
}

/**
 * The result of a move. `before`, `beforeVersion`: under the row's lock. A refusal has to name these: what is read elsewhere in the statement
 * comes from its snapshot and may be stale. `order`: the order after the move; null: the move is unlawful, or the order has another version.
 */
export type MoveRow = { before: Status; beforeVersion: number; order: Order | null }

type Row = OrderRow & { held_id: string; before: Status; before_version: number; id: string | null }

/** The table of transitions, as the statement takes it. */
const paths = {
  cancel: pathOf('cancel'),
  expire: pathOf('expire'),
  reject: pathOf('reject'),
} as const satisfies Record<MoveEvent, ReturnType<typeof pathOf>>

const sourcesOf = ({ event, onlyFrom }: Move): string =>
  textArray(paths[event].from.filter((status) => onlyFrom?.includes(status) ?? true))

const moveInput = (sql: Sql, moves: readonly Move[]) => {
  const text = (of: (move: Move) => string | null) => textArray(moves.map(of))
  return sql`unnest(
        ${text((m) => m.orderId)}::text[],
        ${text(sourcesOf)}::text[],
        ${text((m) => paths[m.event].to)}::text[],
        ${text((m) => (m.ifVersion === undefined ? null : String(m.ifVersion)))}::text[],
        ${text((m) => m.reason.code)}::text[],
        ${text((m) => m.reason.text)}::text[],
        ${text((m) => JSON.stringify(m.cause))}::text[],
        ${text((m) => m.outbox?.kind ?? null)}::text[],
        ${text((m) => m.outbox?.eventId ?? null)}::text[],
        ${text((m) => m.outbox?.traceparent ?? null)}::text[]
      ) with ordinality as i (order_id, sources, target, if_version, reason_code, reason_text, cause, kind, event_id, traceparent, ordinality)`
}

/**
 * Makes the moves that are lawful for the status of their order under its lock, writes them into the log, and appends their events to the
 * outbox in the order of the moves. Returns the results by order id; an order whose id is absent does not exist. `moves` must name each
 * order once. Rows are locked in ascending id, so that two batches cannot deadlock. `now`: becomes `updatedAt`, unless the order was changed
 * later. `skipLocked`: an order that somebody else has locked is passed by, and absent from the results too.
 */
export const moveOrders = async (
  sql: Sql,
  moves: readonly Move[],
  now: Date,
  { skipLocked = false } = {},
): Promise<Map<string, MoveRow>> => {
  const rows = await sql<Row[]>`
    with held as materialized (
      select o.id, o.status, o.version from orders o
      where o.id = any (${textArray(moves.map(({ orderId }) => orderId))}::text[]::uuid[])
      order by o.id
      ${skipLocked ? sql`for update skip locked` : sql`for update`}
    ), moved as (
      update orders o
      set status = i.target, updated_at = greatest(o.updated_at, ${now.toISOString()}::timestamptz), version = o.version + 1,
          reason_code = i.reason_code, reason_text = i.reason_text
      from held join ${moveInput(sql, moves)} on i.order_id::uuid = held.id and held.status = any (i.sources::text[])
        and (i.if_version is null or held.version = i.if_version::integer)
      where o.id = held.id
      returning ${orderColumns(sql)}, i.cause, i.kind, i.event_id, i.traceparent, i.ordinality
    ), logged as (
      insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price)
      select id, version, status, updated_at, reason_code, reason_text, cause::jsonb, filled_quantity, filled_notional, last_fill_price
      from moved order by id
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent, filled_quantity, reason_code, reason_text)
      select event_id::uuid, kind, id, ticker, updated_at, traceparent, filled_quantity, reason_code, reason_text
      from moved
      where kind is not null and (stop_price is null or triggered_at is not null)
      order by ordinality
    )
    select held.id as held_id, held.status as before, held.version as before_version, ${orderColumns(sql)}
    from held left join moved o on o.id = held.id`
  return new Map(
    rows.map((row) => [
      row.held_id,
      {
        before: row.before,
        beforeVersion: row.before_version,
        order: row.id === null ? null : orderFromRow(row),
      },
    ]),
  )
}
