// Verifies that sessions of FIX were told of their orders: whatever happened to an order that came through a session, up to the place in the
// log that the session keeps, has a number in it.

import { writeSnapshot } from '../store/snapshot.ts'
import { textArray, type Sql } from '../store/sql.ts'
import { decodeCursor } from '../tail/cursor.ts'
import type { Judge } from './page.ts'
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

/** What happened to each order of a session was told to it. Before its first order a session keeps where it begins in the log. */
export const toldJudge = (sql: Sql, places: readonly ToldPlace[]): Judge => {
  const text = (of: (place: ToldPlace) => string): string => textArray(places.map(of))
  return {
    tables: [
      sql`
        told as materialized (
          select p.id, l.session, l.seen, l.floor, p.xact, p.position
          from page p
          join unnest(${text(({ session }) => session)}::text[], ${text(({ seen }) => seen)}::text[]::pg_snapshot[],
                      ${text(({ floor }) => floor)}::text[]::bigint[]) as l (session, seen, floor)
            on p.origin = 'fix:' || l.session
        )`,
    ],
    faults: sql`
      select 'fix session' as subject, l.session as id, 'told of order ' || l.id as rule, 'version ' || l.version as expected, null as found
      from (
        select t.*, 0 as version from told t
        union all
        select t.id, t.session, t.seen, t.floor, e.xact, e.position, e.version from told t join event e on e.order_id = t.id
      ) l
      left join lateral (
        select true as sent from fix_sent t where t.session = l.session and t.order_id = l.id and t.version = l.version limit 1
      ) s on true
      where (l.position <= l.floor or pg_visible_in_snapshot(l.xact, l.seen)) and s.sent is null
      union all
      select 'fix session', coalesce(s.id, substr(p.origin, 5)), 'place in the log', 'kept before its order ' || p.id, null
      from page p left join fix_sessions s on s.id = substr(p.origin, 5)
      where p.origin like 'fix:%' and s.cursor is null`,
  }
}
