// Verifies the sweeps: one that is done has left no open order of its scope that its snapshot saw, and another one can begin.

import { readSweepIds } from '../store/positions.ts'
import type { Fragment, Sql } from '../store/sql.ts'
import { violationsOf, type Page } from './page.ts'
import type { Violation } from './violation.ts'

/** Open orders that one statement names. */
const namedMax = 1_000

/** The open orders `o` that a done sweep `s` of the page means, of those that `scope` joins. */
const leftOpen = (sql: Sql, scope: Fragment): Fragment => sql`
  select s.id, o.id as order_id
  from page s join orders o on ${scope} and o.open
  where s.done_at is not null and (s.ticker is null or o.ticker = s.ticker) and (s.side is null or o.side = s.side)
    and o.position < s.position and (o.position <= s.floor or pg_visible_in_snapshot(o.xact, s.snapshot))`

/** A page of sweeps, by id. Each kind of scope has its index; a sweep of all orders reads them all. */
export const verifySweepsPage = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<Page<string>> => {
  const faults = sql`
    select 'sweep' as subject, l.id::text as id, 'order ' || l.order_id as rule, 'closed' as expected, 'open' as found
    from (${leftOpen(sql, sql`o.user_id = s.user_id`)}
          union all ${leftOpen(sql, sql`s.user_id is null and o.ticker = s.ticker`)}
          union all ${leftOpen(sql, sql`s.user_id is null and s.ticker is null`)}
          limit ${namedMax}::integer) l`
  const [row] = await sql<{ next: string | null; violations: Violation[] }[]>`
    with page as materialized (
      select s.*, (select max(p.floor) from log_epochs p where p.floor < s.position) as floor
      from cancel_sweeps s where s.id > ${after}::bigint order by s.id limit ${limit}::integer
    )
    select (select max(id) from page having count(*) >= ${limit}::integer) as next, ${violationsOf(sql, faults)} as violations`
  return { next: row!.next, violations: row!.violations }
}

/** A sequence that stands below an id hands it out again: then no sweep can begin. Nothing is said to a role that may not read it. */
export const verifySweepIds = async (sql: Sql): Promise<Violation[]> => {
  const sequences = await readSweepIds(sql)
  return sequences
    .filter(({ last, used }) => BigInt(last) < BigInt(used))
    .map(({ name, last, used }) => ({
      subject: 'guard',
      id: name,
      rule: 'value of the sequence',
      expected: `at least ${used}`,
      found: last,
    }))
}
