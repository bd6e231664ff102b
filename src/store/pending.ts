// Whether anything waits for the clock: one statement for all that every replica has to look at, whoever wrote it.

import { isDue, isImmediate } from './endingConditions.ts'
import type { Sql } from './sql.ts'

/**
 * What there is for each loop. `endings`: orders whose time is over, to be executed at once, or on their way to their end. `switches`:
 * deadlines that have passed, or sweeps that are not done. `reports`: reports of the engine that wait. `tape`: somebody waits for the marks
 * of the trade topic. `nextMs`: until the next order's time is over or the next switch fires, by the database's clock; null: neither will.
 */
export type Pending = { endings: boolean; switches: boolean; reports: boolean; tape: boolean; nextMs: number | null }

/**
 * It is asked all the time, mostly for nothing. So it has no parameters: Postgres plans such a statement once a connection. `endsImmediate`:
 * whether the service itself ends orders that are executed at once or not at all. These are looked for last, if there are no endings: each
 * would have to be compared with them.
 */
export const readPending = async (sql: Sql, { endsImmediate }: { endsImmediate: boolean }): Promise<Pending> => {
  const immediate = endsImmediate ? sql`exists (select from orders o where ${isImmediate(sql)})` : sql`false`
  const [row] = await sql<
    [{ endings: boolean; switches: boolean; reports: boolean; tape: boolean; next_ms: number | null }]
  >`
    with found as materialized (
      select exists (select from order_endings where acknowledged_at is not null) as settling,
             exists (select from ingested_reports where settled_at is null) as reports
    )
    select
      settling or exists (select from orders o where ${isDue(sql)}) or exists (select from order_endings where acknowledged_at is null)
        or ${immediate} as endings,
      exists (select from cancel_after where fires_at <= statement_timestamp())
        or exists (select from cancel_sweeps where done_at is null) as switches,
      reports,
      settling or reports as tape,
      (select extract(epoch from least(
         (select o.expires_at from orders o where o.open and o.expires_at > statement_timestamp() order by o.expires_at limit 1),
         (select c.fires_at from cancel_after c where c.fires_at > statement_timestamp() order by c.fires_at limit 1)
       ) - clock_timestamp())::float8 * 1000) as next_ms
    from found`
  const { next_ms: nextMs, ...waits } = row
  return { ...waits, nextMs }
}
