// Verifies the rules of business: their changes have no gap and say what holds now, and nothing was accepted or triggered by rules under which its
// ticker was halted.

import type { Fragment, Sql } from '../store/sql.ts'
import { violationsOf, type Judge } from './page.ts'
import type { Violation } from './violation.ts'

/** The changes, against the gate and what holds now: one statement, so that all is of one moment. */
export const verifyRules = async (sql: Sql): Promise<Violation[]> => {
  const faults = sql`
    select 'rules' as subject, 'rules_changes' as id, 'a change for each epoch' as rule,
           coalesce(nullif(g.epoch - 1, 0) || ' up to epoch ' || g.epoch, 'none') as expected,
           coalesce(nullif(c.count, 0) || ' up to epoch ' || c.last, 'none') as found
    from rules_gate g, (select count(*), max(epoch) as last from rules_changes) c
    where (c.count, coalesce(c.last, 1)) is distinct from (g.epoch - 1, g.epoch)
    union all
    select 'trading state', s.ticker, 'what its last change says', coalesce(c.after ->> 'state', 'a change of epoch ' || s.epoch), s.state
    from trading_states s left join rules_changes c on c.epoch = s.epoch and c.ticker = s.ticker
    where c.after ->> 'state' is distinct from s.state
    union all
    select 'instrument', i.ticker, 'what its last change says', coalesce((c.after -> 'limits')::text, 'a change of epoch ' || i.epoch), limits_json(i.ticker)::text
    from instruments i left join rules_changes c on c.epoch = i.epoch and c.ticker = i.ticker
    where c.after -> 'limits' is distinct from limits_json(i.ticker)`
  const [row] = await sql<{ violations: Violation[] }[]>`select ${violationsOf(sql, faults)} as violations`
  return row!.violations
}

const haltTables = (sql: Sql): Fragment[] => [
  sql`
    judged as materialized (
      select p.id, p.ticker, 'accepted' as what, p.rules_epoch from page p
      where p.rules_epoch is not null and not (p.status = 'REJECTED' and p.version = 0)
      union all
      select p.id, p.ticker, 'triggered', c.rules_epoch
      from page p join event c on c.order_id = p.id and c.kind = 'TRIGGERED'
      where p.triggered_at is not null and c.rules_epoch is not null
    )`,
  sql`
    halt as materialized (
      select ticker, epoch, next
      from (select ticker, after ->> 'state' as state, epoch, lead(epoch) over (partition by ticker order by epoch) as next
            from rules_changes where after ? 'state') s
      where state = 'HALTED'
    )`,
  sql`
    halted as materialized (
      select j.ticker, j.rules_epoch from (select distinct ticker, rules_epoch from judged) j
      where exists (select from halt h where h.ticker in ('', j.ticker) and h.epoch <= j.rules_epoch
                                         and (h.next is null or j.rules_epoch < h.next))
    )`,
]

/** The rules by which each order was accepted, and by which each stop was triggered. */
export const rulesJudge = (sql: Sql): Judge => ({
  tables: haltTables(sql),
  faults: sql`
    select 'order' as subject, j.id::text as id, j.what || ' by rules that there are' as rule, 'an epoch up to ' || g.epoch as expected,
           j.rules_epoch::text as found
    from judged j, rules_gate g where j.rules_epoch > g.epoch
    union all
    select 'order', j.id::text, j.what || ' while its ticker was halted', null, 'by the rules of epoch ' || j.rules_epoch
    from judged j join halted h on h.ticker = j.ticker and h.rules_epoch = j.rules_epoch`,
})
