// The log as the tables have it, for tests that compare with it what somebody saw.

import type { Sql } from '../../src/store/sql.ts'

export type Logged = { order: string; version: number; kind: string; reason: string | null; cumulative: string | null }

/** Every row of the log after a position, in the order of positions; rows of before the log stay out. */
export const logOf = async ({ sql }: { sql: Sql }, after = 0n): Promise<Logged[]> => [
  ...(await sql<Logged[]>`
    select e."order", e.version, e.kind, e.reason, e.cumulative::float8::text as cumulative from (
      select id as "order", 0 as version, 'ACCEPTED' as kind, null as reason, null::numeric as cumulative, xact, position from orders
      union all
      select order_id, order_version, 'FILLED', null, cumulative_quantity, xact, position from ingested_fills
      union all
      select order_id, version, kind, reason_code, filled_quantity, xact, position from order_changes
    ) e where e.xact > '3' and e.position > ${String(after)}::bigint order by e.position`),
]

/** The same rows as `<order id>.<version>`, which is the id of their message on order.event.v1. */
export const logIdsOf = async (database: { sql: Sql }, after?: bigint): Promise<string[]> =>
  (await logOf(database, after)).map(({ order, version }) => `${order}.${version}`)
