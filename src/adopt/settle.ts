// Events of which nobody knew at the take-over whether Java had published them: published or canceled later, when an operator has decided.

import type { Sql } from '../store/sql.ts'
import type { AdoptOptions } from './options.ts'
import { runScript } from './script.ts'
import type { Talk } from './talk.ts'
import { toDecide, toDecideText } from './undecided.ts'

const reason = 'taken over from the Java service: nobody knew whether an engine had it'

/** Ends the orders that are NEW still, as any cancel would, and has the engine told. */
const cancelText = (olderThanMs: number): string => `
create temporary table adopt_ended on commit drop as
  select o.id from orders o join adoption_events e on e.order_id = o.id and e.kind = 'PLACED' and e.state = 'UNDECIDED'
  where o.status = 'NEW' and o.created_at < now() - ${olderThanMs} * interval '1 millisecond' order by o.id for update of o;
update orders o set status = 'CANCELED', reason_code = 'UNKNOWN', reason_text = '${reason}', version = o.version + 1, updated_at = greatest(o.updated_at, now())
from adopt_ended x where x.id = o.id;
insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price)
select o.id, o.version, 'CANCELED', o.updated_at, o.reason_code, o.reason_text, '{"kind": "adopted"}', o.filled_quantity, o.filled_notional, o.last_fill_price
from adopt_ended x join orders o on o.id = x.id order by o.id;
update adoption_events e set state = 'CANCELED', decided_at = now() from adopt_ended x where x.id = e.order_id and e.kind = 'PLACED';
insert into adoption_events (order_id, kind, state, decided_at) select id, 'CANCELLED', 'PUBLISHED', now() from adopt_ended;
create temporary table adopt_told on commit drop as
  select e.order_id, e.kind from adoption_events e join orders o on o.id = e.order_id
  where e.kind = 'CANCELLED' and e.state = 'UNDECIDED' and o.created_at < now() - ${olderThanMs} * interval '1 millisecond';
insert into adopt_told select id, 'CANCELLED' from adopt_ended;`

const publishText = `
create temporary table adopt_told on commit drop as select e.order_id, e.kind from ${toDecideText};`

const outboxText = `
insert into outbox (event_id, kind, order_id, ticker, occurred_at, filled_quantity, reason_code, reason_text)
select gen_random_uuid(), t.kind, o.id, o.ticker, date_trunc('milliseconds', case t.kind when 'PLACED' then o.created_at else o.updated_at end),
       case t.kind when 'CANCELLED' then o.filled_quantity end, case t.kind when 'CANCELLED' then o.reason_code end, case t.kind when 'CANCELLED' then o.reason_text end
from adopt_told t join orders o on o.id = t.order_id
order by case t.kind when 'PLACED' then o.created_at else o.updated_at end, o.id;
update adoption_events e set state = 'PUBLISHED', decided_at = now() from adopt_told t where t.order_id = e.order_id and t.kind = e.kind and e.state = 'UNDECIDED';`

/** Whoever holds one of these orders for longer must not hold up those that are locked here already. */
const begin = `begin; set local lock_timeout = '5s';`

/** One transaction for each of the two decisions. The service may be at work meanwhile. */
export const settleUndecided = async (
  sql: Sql,
  { publishUndecided, olderThanMs }: Pick<AdoptOptions, 'publishUndecided' | 'olderThanMs'>,
  talk: Talk,
): Promise<void> => {
  const open = async (): Promise<number> => {
    const [row] = await sql<{ n: string }[]>`select count(*) as n from ${sql(toDecide)}`
    return Number(row!.n)
  }
  const before = await open()
  if (olderThanMs !== null) await runScript(sql, `${begin}${cancelText(olderThanMs)}${outboxText}\ncommit;`)
  if (publishUndecided) await runScript(sql, `${begin}${publishText}${outboxText}\ncommit;`)
  const after = await open()
  await talk.print(`${before - after} of ${before} undecided events are decided: the running service publishes them`)
}
