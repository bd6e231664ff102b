// Verifies the sessions of FIX: what was sent and what waits has numbers that its session has given or consumed, and every report is one of
// the log.

import type { Fragment, Sql } from '../store/sql.ts'
import { violationsOf, type Page } from './page.ts'
import type { Violation } from './violation.ts'

/** How long a message may wait for its answer while its client is connected. */
const dueMaxSeconds = 60

/** Messages that wait, and the newest number of each session: few rows. */
export const verifyFixSessions = async (sql: Sql): Promise<Violation[]> => {
  const faults = sql`
    select 'fix session' as subject, s.id, 'numbers sent' as rule, 'below ' || s.next_out as expected, f.number::text as found
    from fix_sessions s
    cross join lateral (
      select f.number from fix_sent f where f.session = s.id and f.series = s.series order by f.number desc limit 1
    ) f
    where f.number >= s.next_out
    union all
    select 'fix session', s.id, 'series', 'at most ' || s.series, f.series::text
    from fix_sessions s
    cross join lateral (select f.series from fix_sent f where f.session = s.id order by f.series desc limit 1) f
    where f.series > s.series
    union all
    select 'fix session', s.id, 'message ' || d.in_number || ' that waits', 'a number below ' || s.next_in || ' of series ' || s.series,
           'series ' || d.series
    from fix_due d join fix_sessions s on s.id = d.session
    where d.series > s.series or (d.series = s.series and d.in_number >= s.next_in)
    union all
    select 'fix session', s.id, 'message ' || d.in_number || ' that waits', 'answered while the session is connected',
           'waits since ' || d.at
    from fix_due d join fix_sessions s on s.id = d.session
    where s.expires_at > clock_timestamp() and d.at < clock_timestamp() - ${dueMaxSeconds}::integer * interval '1 second'`
  const [row] = await sql<{ violations: Violation[] }[]>`select ${violationsOf(sql, faults)} as violations`
  return row!.violations
}

/** Where a page of what was sent begins: behind this one. */
export type SentPlace = { session: string; series: string; number: string }
export const firstSent: SentPlace = { session: '', series: '0', number: '0' }

const isLogged = (sql: Sql): Fragment => sql`
  case when p.version = 0 then exists (select from orders o where o.id = p.order_id)
       else exists (select from ingested_fills f where f.order_id = p.order_id and f.order_version = p.version)
            or exists (select from order_changes c where c.order_id = p.order_id and c.version = p.version) end`

/** A page of what was sent: each report is of a version that its order has. */
export const verifySentPage = async (
  sql: Sql,
  { after, limit }: { after: SentPlace; limit: number },
): Promise<Page<SentPlace>> => {
  const faults = sql`
    select 'fix session' as subject, p.session as id, 'report ' || p.number as rule, 'version ' || p.version || ' of order ' || p.order_id as expected,
           null as found
    from page p where p.order_id is not null and not (${isLogged(sql)})`
  const [row] = await sql<{ next: SentPlace | null; violations: Violation[]; rows: number }[]>`
    with page as materialized (
      select session, series, number, order_id, version from fix_sent
      where (session, series, number) > (${after.session}::text collate "C", ${after.series}::bigint, ${after.number}::bigint)
      order by session, series, number
      limit ${limit}::integer
    )
    select (select count(*)::integer from page) as rows,
           (select json_build_object('session', l.session, 'series', l.series::text, 'number', l.number::text)
            from page l order by l.session desc, l.series desc, l.number desc limit 1) as next,
           ${violationsOf(sql, faults)} as violations`
  const { next, rows, violations } = row!
  return { violations, next: rows < limit ? null : next }
}
