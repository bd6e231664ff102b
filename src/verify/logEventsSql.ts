// The log against what was read of order.event.v1, which is noted in a temporary table of this session, so that memory stays bounded
// however long the topic is.

import type { HistoryEvent } from '../domain/history.ts'
import {
  acceptanceColumns,
  changeColumns,
  fillColumns,
  historyFromRow,
  orderOfEventColumns,
  type HistoryRow,
} from '../store/historyRows.ts'
import type { Place } from '../store/log.ts'
import { writeSnapshot } from '../store/snapshot.ts'
import { textArray, type Sql } from '../store/sql.ts'
import { sqlText } from '../store/sqlText.ts'

export type VersionOfOrder = { orderId: string; version: number }
type Occurrence = VersionOfOrder & { partition: number; offset: bigint }

/** How many rows one fetch of a long answer brings. */
const cursorRows = 1_000

/** Call it before beReader, which forbids the session to create tables. */
export const createLogTable = async (sql: Sql): Promise<void> => {
  await sql`
    create temporary table verify_log_events (
      order_id uuid not null, version integer not null, partition integer not null, "offset" bigint not null,
      primary key (order_id, version)
    )`
}

/** Notes the first occurrence of every event; returns how many of `events` were repeats. */
export const noteLogEvents = async (sql: Sql, events: readonly Occurrence[]): Promise<number> => {
  const text = (of: (event: Occurrence) => string): string => textArray(events.map(of))
  const { count } = await sql`
    insert into verify_log_events (order_id, version, partition, "offset")
    select * from unnest(
      ${text((e) => e.orderId)}::text[]::uuid[], ${text((e) => String(e.version))}::text[]::integer[],
      ${text((e) => String(e.partition))}::text[]::integer[], ${text((e) => String(e.offset))}::text[]::bigint[]
    )
    on conflict do nothing`
  return events.length - count
}

const acceptance = sqlText([acceptanceColumns])
const fill = sqlText([fillColumns])
const change = sqlText([changeColumns])
const orderFields = sqlText([orderOfEventColumns])

/** What the log says of these versions: the event, null if there is no such version, undefined if there is no such order. */
export const readLogEvents = async (
  sql: Sql,
  versions: readonly VersionOfOrder[],
): Promise<(HistoryEvent | null | undefined)[]> => {
  const rows = await sql<(HistoryRow & { n: number; known: boolean; is_there: boolean })[]>`
    select k.n::integer as n, o.id is not null as known, e.kind is not null as is_there, e.*, ${sql(orderFields)}
    from unnest(${textArray(versions.map(({ orderId }) => orderId))}::text[]::uuid[],
                ${textArray(versions.map(({ version }) => String(version)))}::text[]::integer[]) with ordinality as k (order_id, version, n)
    left join orders o on o.id = k.order_id
    left join lateral (
      select ${sql(acceptance)} from orders a where k.version = 0 and a.id = k.order_id
      union all
      select ${sql(fill)} from ingested_fills f where f.order_id = k.order_id and f.order_version = k.version
      union all
      select ${sql(change)} from order_changes c where c.order_id = k.order_id and c.version = k.version
    ) e on true`
  // Two rows of one version are a fault of the tables, and are named there.
  const found = new Map(rows.map((row) => [row.n, row]))
  return versions.map((_, i) => {
    const row = found.get(i + 1)!
    if (!row.known) return undefined
    return row.is_there ? historyFromRow(row) : null
  })
}

/** `before`: the offset of the version before it; null: that is nowhere on the topic. */
type Broken = VersionOfOrder & { partition: number; offset: string; before: string | null }

/**
 * Events whose predecessor is not in front of them, from the first event of their order on that the topic holds. Places in two partitions
 * cannot be compared.
 */
export const readBroken = (sql: Sql): AsyncIterable<Broken[]> =>
  sql<Broken[]>`
  select e.order_id as "orderId", e.version, e.partition, e."offset"::text, p."offset"::text as before
  from verify_log_events e
  join (
    select order_id, min(version) as version
    from (select distinct on (order_id, partition) order_id, version from verify_log_events order by order_id, partition, "offset") f
    group by order_id
  ) first on first.order_id = e.order_id and e.version > first.version
  left join verify_log_events p on p.order_id = e.order_id and p.version = e.version - 1
  where p.order_id is null or (p.partition = e.partition and p."offset" > e."offset")
  order by e.order_id, e.version`.cursor(cursorRows)

export type Unpublished = VersionOfOrder & { ticker: string; happenedAtMs: number }

/**
 * Of a page of orders: the events that the place has seen and that are not on the topic, before the first or after the last event of their
 * order there. What lies between is found by readBroken. Events of before `sinceMs`, and of earlier epochs, are left out.
 */
export const readUnpublished = async (
  sql: Sql,
  place: Place,
  { after, limit, sinceMs }: { after: string; limit: number; sinceMs: number },
): Promise<{ events: Unpublished[]; orders: number; next: string | null }> => {
  const { snapshot, page } = place
  const [row] = await sql<{ events: Unpublished[]; orders: number; next: string | null }[]>`
    with page as materialized (
      select o.id, o.ticker from orders o where o.id > ${after}::uuid order by o.id limit ${limit}::integer
    ), log as (
      select a.id as order_id, 0 as version, a.created_at as at, a.xact, a.position from page join orders a on a.id = page.id
      union all
      select f.order_id, f.order_version, f.applied_at, f.xact, f.position from page join ingested_fills f on f.order_id = page.id
      union all
      select c.order_id, c.version, c.at, c.xact, c.position from page join order_changes c on c.order_id = page.id
    ), unpublished as (
      select l.order_id as "orderId", l.version, page.ticker, extract(epoch from l.at)::float8 * 1000 as "happenedAtMs"
      from log l
      join page on page.id = l.order_id
      cross join (select ${writeSnapshot(snapshot)}::text::pg_snapshot as seen, ${writeSnapshot(page?.end ?? snapshot)}::text::pg_snapshot as more,
                         ${String(page?.after ?? 0n)}::text::bigint as read_to,
                         (select floor from log_epochs order by epoch desc limit 1) as floor) w
      where l.xact > '3' and l.position > w.floor and l.at >= to_timestamp(${sinceMs}::float8 / 1000)
        and (pg_visible_in_snapshot(l.xact, w.seen) or (l.position <= w.read_to and pg_visible_in_snapshot(l.xact, w.more)))
        and not exists (
          select from (select min(e.version) as first, max(e.version) as last from verify_log_events e where e.order_id = l.order_id) e
          where l.version between e.first and e.last)
      order by l.order_id, l.version
    )
    select coalesce((select json_agg(u) from unpublished u), '[]') as events, (select count(*)::integer from page) as orders,
           (select id from page where (select count(*) from page) >= ${limit}::integer order by id desc limit 1) as next`
  return row!
}

/** Analyzes the table, because autovacuum does not analyze temporary tables. */
export const analyzeLogEvents = async (sql: Sql): Promise<void> => {
  await sql`analyze verify_log_events`
}
