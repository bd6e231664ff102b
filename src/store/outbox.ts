// The outbox as the relay sees it: committed events, lowest positions first, and the deletion of exactly what was acknowledged.

import type { Order } from '../domain/order.ts'
import { orderColumns, orderFromRow, type OrderRow } from './orders.ts'
import { textArray, type Sql } from './sql.ts'

export type EventKind = 'PLACED' | 'CANCELLED'

export type OutboxEvent = {
  position: bigint
  eventId: string
  kind: EventKind
  occurredAt: Date
  traceparent: string | null
  /** Of its ticker: which lease covers it. */
  shard: number
  /** Only its terms may be used: the rest is as it is now, not as it was. */
  order: Order
}

type EventRow = OrderRow & {
  position: string
  event_id: string
  kind: EventKind
  occurred_at: Date
  traceparent: string | null
  shard: number
}

const eventFromRow = (row: EventRow): OutboxEvent => ({
  position: BigInt(row.position),
  eventId: row.event_id,
  kind: row.kind,
  occurredAt: row.occurred_at,
  traceparent: row.traceparent,
  shard: row.shard,
  order: orderFromRow(row),
})

/** How many shards the tickers are dealt into for leases. The table relay_leases has one row for each. */
export const shardCount = 16

/**
 * The lowest waiting positions above `floor`, of the tickers whose shard `replicaId` holds a lease on at this moment, leaving
 * out `retiring` shards and the tickers in `except`, and all but those in `only` where it is given. It reads the table itself,
 * never past a cursor: a lower position can be committed later.
 */
export const readOutbox = async (
  sql: Sql,
  asked: {
    replicaId: string
    floor: bigint
    retiring: readonly number[]
    except: readonly string[]
    only: readonly string[] | null
    limit: number
  },
): Promise<OutboxEvent[]> => {
  const rows = await sql<EventRow[]>`
    select x.position, x.event_id, x.kind, x.occurred_at, x.traceparent, x.shard, ${orderColumns(sql)}
    from (
      select *, hashtext(ticker) & ${shardCount - 1}::integer as shard from outbox
      where position > ${String(asked.floor)}::bigint
        and ticker <> all (${textArray(asked.except)}::text[])
        and ${asked.only === null ? sql`true` : sql`ticker = any (${textArray(asked.only)}::text[])`}
        and (hashtext(ticker) & ${shardCount - 1}::integer) = any (array(
          select shard from relay_leases
          where holder = ${asked.replicaId}::uuid and expires_at > clock_timestamp()
            and shard <> all (${textArray(asked.retiring.map(String))}::text[]::smallint[])
        ))
      order by position
      limit ${asked.limit}::integer
    ) x
    join orders o on o.id = x.order_id
    order by x.position`
  return rows.map(eventFromRow)
}

/** Deletes exactly these positions; those that are gone already are no error. */
export const deleteEvents = async (sql: Sql, positions: readonly bigint[]): Promise<void> => {
  await sql`delete from outbox where position = any (${textArray(positions.map(String))}::text[]::bigint[])`
}

/** Gives the space of deleted events back for new ones. Does nothing while another vacuum runs or without the right to. */
export const vacuumOutbox = async (sql: Sql): Promise<void> => {
  await sql`vacuum (skip_locked, truncate off) outbox`.simple()
}

/** Rows waiting and the age of the oldest by the database's clock; 0 where none waits. */
export type OutboxBacklog = { rows: number; ageMs: number }

/** Where the relay has got to: no event waits at or below `floor`, except those of the tickers in `setAside`. */
export type RelayView = { floor: bigint; setAside: readonly string[] }

/**
 * Counts at most `countMax` rows above the floor: dead rows below it, which a long reader keeps from being vacuumed, are not
 * walked over. Tickers that are set aside have an alarm of their own and count in neither figure.
 */
export const readBacklog = async (
  sql: Sql,
  countMax: number,
  { floor, setAside }: RelayView = { floor: 0n, setAside: [] },
): Promise<OutboxBacklog> => {
  const counted = sql`${floor === 0n ? sql`true` : sql`position > ${String(floor)}::bigint`}
    and ${setAside.length === 0 ? sql`true` : sql`ticker <> all (${textArray(setAside)}::text[])`}`
  const [row] = await sql<{ rows: string; age_ms: number | null }[]>`
    select (select count(*) from (select from outbox where ${counted} limit ${countMax}::integer) counted) as rows,
           (select extract(epoch from clock_timestamp() - written_at)::float8 * 1000 from outbox where ${counted}
            order by position limit 1) as age_ms`
  return { rows: Number(row?.rows ?? 0), ageMs: Math.max(0, Math.round(row?.age_ms ?? 0)) }
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

/** The oldest transaction still running, and the lowest position that waits (null: none), set-aside tickers left out. */
export const readSettled = async (
  sql: Sql,
  except: readonly string[],
): Promise<{ oldestXid: bigint; lowest: bigint | null }> => {
  const [row] = await sql<{ oldest: string; lowest: string | null }[]>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as oldest,
           (select position from outbox where ticker <> all (${textArray(except)}::text[]) order by position limit 1) as lowest`
  return { oldestXid: BigInt(row!.oldest), lowest: row!.lowest === null ? null : BigInt(row!.lowest) }
}

/** The cache size of the sequence of positions: anything but 1 would invert the order of tickers. */
export const readPositionCache = async (sql: Sql): Promise<number> => {
  const [row] = await sql<{ cache: string }[]>`
    select seqcache as cache from pg_sequence where seqrelid = pg_get_serial_sequence('outbox', 'position')::regclass`
  return Number(row?.cache ?? 0)
}
