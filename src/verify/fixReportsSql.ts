// Verifies that sessions of FIX were told of their orders: whatever happened to an order that came through a session, up to the place in the
// log that the session keeps, has a number in it.

import { writeSnapshot } from '../store/snapshot.ts'
import { textArray, type Sql } from '../store/sql.ts'
import { decodeCursor } from '../tail/cursor.ts'
import { violationsOf, type Page } from './ordersSql.ts'
import type { Violation } from './violation.ts'

/** `seen`: a snapshot, as Postgres reads it: what is visible in it was told, and all up to the position `floor`. */
export type ToldPlace = { session: string; seen: string; floor: string }

type PlaceRow = { id: string; cursor: string | null; present: number; floor: string }

/** A place of before the tables were copied is of other transaction ids; its session is judged once it has moved on. */
const placeOf = ({ id, cursor, present, floor }: PlaceRow): ToldPlace[] => {
  const place = cursor === null ? undefined : decodeCursor(cursor)?.place
  if (place?.epoch !== present) return []
  return [{ session: id, seen: writeSnapshot(place.snapshot), floor }]
}

const faultOf = ({ id, cursor }: PlaceRow): Violation[] =>
  cursor === null || decodeCursor(cursor) !== null
    ? []
    : [{ subject: 'fix session', id, rule: 'place in the log', expected: 'a cursor', found: cursor }]

/** Read them before the pages: what a place has seen stays told. */
export const readToldPlaces = async (sql: Sql): Promise<{ places: ToldPlace[]; violations: Violation[] }> => {
  const rows = await sql<PlaceRow[]>`
    select s.id, s.cursor, p.epoch as present, p.floor
    from fix_sessions s cross join (select epoch, floor from log_epochs order by epoch desc limit 1) p
    order by s.id`
  return { places: rows.flatMap(placeOf), violations: rows.flatMap(faultOf) }
}

/** A page of orders, by id. Before its first order a session keeps where it begins in the log. */
export const verifyToldPage = async (
  sql: Sql,
  { after, limit, places }: { after: string; limit: number; places: readonly ToldPlace[] },
): Promise<Page<string>> => {
  const faults = sql`
    select 'fix session' as subject, l.session as id, 'told of order ' || p.id as rule, 'version ' || e.version as expected, null as found
    from page p
    join unnest(${textArray(places.map(({ session }) => session))}::text[], ${textArray(places.map(({ seen }) => seen))}::text[]::pg_snapshot[],
                ${textArray(places.map(({ floor }) => floor))}::text[]::bigint[]) as l (session, seen, floor)
      on p.origin = 'fix:' || l.session
    cross join lateral (
      select 0 as version, p.xact, p.position
      union all
      select f.order_version, f.xact, f.position from ingested_fills f where f.order_id = p.id
      union all
      select c.version, c.xact, c.position from order_changes c where c.order_id = p.id
    ) e
    where (e.position <= l.floor or pg_visible_in_snapshot(e.xact, l.seen))
      and not exists (select from fix_sent t where t.session = l.session and t.order_id = p.id and t.version = e.version)
    union all
    select 'fix session', coalesce(s.id, substr(p.origin, 5)), 'place in the log', 'kept before its order ' || p.id, null
    from page p left join fix_sessions s on s.id = substr(p.origin, 5)
    where p.origin like 'fix:%' and s.cursor is null`
  const [row] = await sql<{ next: string | null; violations: Violation[] }[]>`
    with page as materialized (
      select id, origin, xact, position from orders where id > ${after}::uuid order by id limit ${limit}::integer
    )
    select case when (select count(*) from page) >= ${limit}::integer then (select p.id from page p order by p.id desc limit 1) end as next,
           ${violationsOf(sql, faults)} as violations`
  return { violations: row!.violations, next: row!.next }
}
