// The outbox as the relay sees it: committed events, lowest positions first, and the deletion of exactly what was acknowledged.

import { amountFromSql, formatAmount, type Amount } from '../domain/decimal.ts'
import type { EventKind } from '../domain/events.ts'
import type { Reason } from '../domain/reason.ts'
import type { EventTerms, OrderTerms } from '../domain/terms.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'
import { eventTermColumns, eventTermsFromRow, type EventTermsRow } from './terms.ts'

/**
 * What an event may say about its order: only what never changes. The other columns are as they are now, not as they were at the time of
 * the event.
 */
type EventOrder = EventTerms & { id: string }

export const eventOrder = (order: OrderTerms & { id: string }): EventOrder => ({
  ...order,
  quantity: formatAmount(order.quantity),
  price: order.price === null ? null : formatAmount(order.price),
  displayQuantity: order.displayQuantity === null ? null : formatAmount(order.displayQuantity),
})

/** What a cancellation says beside the terms: what was filled by then, and why the order ends. */
export type Ending = { filledQuantity: Amount; reason: Reason | null }

export type OutboxEvent = {
  position: bigint
  eventId: string
  kind: EventKind
  occurredAt: Date
  /** When the event was read, by the database's clock: the timestamp of its Kafka record. */
  readAt: Date
  /** How long the event waited from the statement that wrote it to this read, by the database's clock. */
  waitedMs: number
  traceparent: string | null
  /** The shard of its ticker: the lease of this shard covers the event. */
  shard: number
  order: EventOrder
  /** Null: the event is of another kind. */
  ending: Ending | null
}

/** Times are seconds since 1970: the driver takes longer to read a date than a number. */
type EventRow = EventTermsRow & {
  id: string
  position: string
  event_id: string
  kind: EventKind
  occurred_s: number
  read_s: number
  waited_ms: number
  traceparent: string | null
  shard: number
  filled_quantity: string | null
  reason_code: string | null
  reason_text: string | null
}

/** A row of a version that wrote no ending reads as that of the order's row. */
const endingOf = ({ kind, filled_quantity, reason_code, reason_text }: EventRow): Ending | null =>
  kind === 'CANCELLED'
    ? {
        filledQuantity: filled_quantity === null ? 0n : amountFromSql(filled_quantity),
        reason: reason_code === null ? null : { code: reason_code, text: reason_text },
      }
    : null

/** Without what is below a millisecond. The seconds are exact to less than a microsecond, so they are rounded to that first. */
const instantOf = (seconds: number): Date => new Date(Math.floor(Math.round(seconds * 1e6) / 1e3))

const eventFromRow = (row: EventRow, readAt: Date): OutboxEvent => ({
  position: BigInt(row.position),
  eventId: row.event_id,
  kind: row.kind,
  occurredAt: instantOf(row.occurred_s),
  readAt,
  waitedMs: row.waited_ms,
  traceparent: row.traceparent,
  shard: row.shard,
  order: { ...eventTermsFromRow(row), id: row.id },
  ending: endingOf(row),
})

/** Of EventRow: what no event says is not read. */
const eventOrderColumns = sqlText([`o.id, ${eventTermColumns(({ column }) => `o.${column}`)}`])

/** How many shards the tickers are dealt into for leases. The table relay_leases has one row for each. */
export const shardCount = 16

/**
 * Reads the lowest waiting positions above `floor`. It reads a ticker only if its shard is in `shards` and `replicaId` holds the lease of
 * that shard at this moment; it leaves out the tickers in `except` and, if `only` is not null, all tickers that are not in `only`. It reads
 * from the floor and never from a cursor, because a lower position can be committed later. (A lease that was taken while this read was on
 * its way is not in `shards`, because the floor, too, is from before.)
 *
 * `not in`, because Postgres hashes the set even in a generic plan; `<> all` would compare each event of a backlog with hundreds of
 * tickers.
 */
export const readOutbox = async (
  sql: Sql,
  query: {
    replicaId: string
    floor: bigint
    shards: readonly number[]
    except: readonly string[]
    only: readonly string[] | null
    limit: number
  },
): Promise<OutboxEvent[]> => {
  const rows = await sql<EventRow[]>`
    select x.position, x.event_id, x.kind, date_part('epoch', x.occurred_at) as occurred_s, date_part('epoch', statement_timestamp()) as read_s,
           date_part('epoch', statement_timestamp() - x.written_at) * 1000 as waited_ms, x.traceparent, x.shard, ${sql(eventOrderColumns)},
           coalesce(x.filled_quantity, o.filled_quantity) as filled_quantity, coalesce(x.reason_code, o.reason_code) as reason_code,
           case when x.reason_code is null then o.reason_text else x.reason_text end as reason_text
    from (
      select *, hashtext(ticker) & ${shardCount - 1}::integer as shard from outbox
      where position > ${String(query.floor)}::bigint
        and ticker not in (select unnest(${textArray(query.except)}::text[]))
        and ${query.only === null ? sql`true` : sql`ticker = any (${textArray(query.only)}::text[])`}
        and (hashtext(ticker) & ${shardCount - 1}::integer) = any (array(
          select shard from relay_leases
          where holder = ${query.replicaId}::uuid and expires_at > clock_timestamp()
            and shard = any (${textArray(query.shards.map(String))}::text[]::smallint[])
        ))
      order by position
      limit ${query.limit}::integer
    ) x
    join orders o on o.id = x.order_id
    order by x.position`
  const readAt = instantOf(rows[0]?.read_s ?? 0)
  return rows.map((row) => eventFromRow(row, readAt))
}

/** What names an event, and where it stands. A standby that lagged gives positions out again once it is promoted. */
export type EventPlace = Pick<OutboxEvent, 'position' | 'eventId'>

/**
 * Deletes exactly these events; one that is gone already is not an error. For this statement alone the commit does not wait for the disk: a
 * crash of Postgres may bring back the events that were deleted in its last moments. They are then published again, which is allowed:
 * every event is delivered at least once.
 *
 * `coalesce`, because Postgres makes a join of a bare `in`, and may read the whole outbox for it.
 */
export const deleteEvents = async (sql: Sql, events: readonly EventPlace[]): Promise<void> => {
  await sql`
    delete from outbox
    where position = any (${textArray(events.map(({ position }) => String(position)))}::text[]::bigint[])
      and coalesce(event_id in (select unnest(${textArray(events.map(({ eventId }) => eventId))}::text[]::uuid[])), false)
      and (select set_config('synchronous_commit', 'off', true)) = 'off'`
}

/**
 * The same, but where somebody has locked one of their rows it fails after a moment with a lock time-out, and deletes none. (The role that
 * serves may change nothing of the outbox, so it can lock no row of it, and `skip locked` is out of its reach.)
 */
export const deleteFreeEvents = async (sql: Sql, events: readonly EventPlace[]): Promise<void> => {
  await sql`
    delete from outbox
    where position = any (${textArray(events.map(({ position }) => String(position)))}::text[]::bigint[])
      and coalesce(event_id in (select unnest(${textArray(events.map(({ eventId }) => eventId))}::text[]::uuid[])), false)
      and (select set_config('synchronous_commit', 'off', true)) = 'off' and (select set_config('lock_timeout', '2', true)) = '2ms'`
}

/** Frees the space of deleted events for new ones. Does nothing while another vacuum runs, or without the right to vacuum. */
export const vacuumOutbox = async (sql: Sql): Promise<void> => {
  await sql`vacuum (skip_locked, truncate off) outbox`.simple()
}

/**
 * The events that wait. `rows`: their number, counted up to a limit. `ageMs`: the age of the oldest by the database's clock (0: none).
 * `sendableAgeMs`: the same without the tickers that are set aside. `overdue`: tickers set aside with an event older than the bound.
 */
export type OutboxBacklog = { rows: number; ageMs: number; sendableAgeMs: number; overdue: string[] }

/** How many events may wait, and for how long. */
export type OutboxBound = { rowsMax: number; ageMaxMs: number }

/** Whole milliseconds since an instant, by the database's clock; 0 if it is null. */
const ageOf = (sql: Sql, instant: Fragment): Fragment =>
  sql`coalesce(greatest(0, round(extract(epoch from clock_timestamp() - ${instant}) * 1000)), 0)::float8`

/**
 * Counts the events that wait, until the bound is passed. `floor`: at or below it only events of tickers that are set aside wait. So if no
 * ticker is set aside, the count starts there and does not walk over dead rows below it (a long reader keeps vacuum from removing them).
 */
export const readBacklog = async (sql: Sql, bound: OutboxBound, floor: bigint): Promise<OutboxBacklog> => {
  const [row] = await sql<{ rows: string; age_ms: number; sendable_age_ms: number; overdue: string[] | null }[]>`
    with aside as materialized (select unnest(set_aside) as ticker from relay_leases),
    waiting as (
      select ticker, written_at from outbox
      where position > case when exists (select from aside) then 0 else ${String(floor)}::bigint end
      order by position limit ${bound.rowsMax + 1}::integer
    )
    select count(*) as rows,
           ${ageOf(sql, sql`min(w.written_at)`)} as age_ms,
           ${ageOf(sql, sql`min(w.written_at) filter (where a.ticker is null)`)} as sendable_age_ms,
           array_agg(distinct w.ticker) filter (
             where a.ticker is not null and w.written_at < clock_timestamp() - ${bound.ageMaxMs}::float8 * interval '1 millisecond'
           ) as overdue
    from waiting w left join aside a on a.ticker = w.ticker`
  return {
    rows: Number(row!.rows),
    ageMs: row!.age_ms,
    sendableAgeMs: row!.sendable_age_ms,
    overdue: row!.overdue ?? [],
  }
}

/**
 * A mark for the floor under the relay's scan. Once a later readSettled shows that every transaction older than `xid` has
 * ended, no event at or below `position` can appear any more. (An order's row is written before its position is drawn, so the
 * transaction that draws a position had its id by then.)
 */
export type FloorMark = { position: bigint; xid: bigint }

/** Two statements on purpose: the position must be read before the transaction id is drawn. */
export const readLastPosition = async (sql: Sql): Promise<bigint> => {
  const [row] = await sql<{ last: string }[]>`
    select coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'position')::regclass), 0) as last`
  return BigInt(row?.last ?? 0)
}

export const drawTransactionId = async (sql: Sql): Promise<bigint> => {
  const [row] = await sql<{ xid: string }[]>`select pg_current_xact_id()::text as xid`
  return BigInt(row!.xid)
}

/**
 * The oldest transaction still running, and the lowest position that waits above `floor` (null: none). It leaves out the tickers in
 * `except`, and those that other replicas have set aside, in the shards that are not in `shards`.
 */
export const readSettled = async (
  sql: Sql,
  { floor, except, shards }: { floor: bigint; except: readonly string[]; shards: readonly number[] },
): Promise<{ oldestXid: bigint; lowest: bigint | null }> => {
  const [row] = await sql<{ oldest: string; lowest: string | null }[]>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as oldest,
           (select position from outbox
            where position > ${String(floor)}::bigint and ticker not in (select unnest(${textArray(except)}::text[]))
              and ticker not in (
                select unnest(set_aside) from relay_leases where shard <> all (${textArray(shards.map(String))}::text[]::smallint[])
              )
            order by position limit 1) as lowest`
  return { oldestXid: BigInt(row!.oldest), lowest: row!.lowest === null ? null : BigInt(row!.lowest) }
}
