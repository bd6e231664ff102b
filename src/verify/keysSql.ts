// Verifies the keys of orders: every order with a key has the row of that key, and every row of a key has its order, or is void, or
// is that of a request in a session of FIX.

import { textArray, type Sql } from '../store/sql.ts'
import { violationsOf, type Judge, type Page } from './page.ts'
import type { Violation } from './violation.ts'

type PageRow<Next> = { next: Next | null; violations: Violation[] }

/** Every order with a key is named by the row of that key. Only once old keys were filled in. */
export const keyJudge = (sql: Sql): Judge => ({
  tables: [],
  faults: sql`
    select 'order' as subject, p.id::text as id, 'row of its key' as rule, p.id::text as expected,
           case when k.found then coalesce(k.order_id::text, 'void') end as found
    from page p
    left join lateral (
      select true as found, h.order_id from order_keys h
      where h.user_id = p.user_id and h.client_order_id = p.client_order_id limit 1
    ) k on true
    where p.client_order_id is not null and k.order_id is distinct from p.id`,
})

/** Where a page of keys begins: behind this one. */
export type KeyPlace = { userId: string; clientOrderId: string }
export const firstKey: KeyPlace = { userId: '00000000-0000-0000-0000-000000000000', clientOrderId: '' }

/** The page of at most `limit` keys behind `after`: each is void, or its order is there and has this key, or its session is there. */
export const verifyKeysPage = async (
  sql: Sql,
  { after, limit }: { after: KeyPlace; limit: number },
): Promise<Page<KeyPlace> & { keys: number }> => {
  const faults = sql`
    select 'key' as subject, p.user_id || ' ' || p.client_order_id as id, 'order' as rule, p.order_id || ', with this key' as expected,
           case when o.found then concat_ws(' ', o.user_id, coalesce(o.client_order_id, 'without a key')) end as found
    from page p
    left join lateral (select true as found, user_id, client_order_id from orders where id = p.order_id limit 1) o on true
    where p.order_id is not null and (p.user_id, p.client_order_id) is distinct from (o.user_id, o.client_order_id)
    union all
    select 'key', p.user_id || ' ' || p.client_order_id, 'session', 'the session of FIX ' || p.session, null
    from page p where p.session is not null and not exists (select from fix_sessions s where s.id = p.session)`
  const [user, key] = [textArray([after.userId]), textArray([after.clientOrderId])]
  const [row] = await sql<(PageRow<KeyPlace> & { keys: number })[]>`
    with page as materialized (
      select * from order_keys
      where (user_id, client_order_id) > ((${user}::text[]::uuid[])[1], (${key}::text[])[1] collate "C")
      order by user_id, client_order_id
      limit ${limit}::integer
    )
    select (select count(*)::integer from page) as keys,
           (select json_build_object('userId', l.user_id, 'clientOrderId', l.client_order_id)
            from page l order by l.user_id desc, l.client_order_id desc offset 0 limit 1) as next,
           ${violationsOf(sql, faults)} as violations`
  const { keys, next, violations } = row!
  return { keys, violations, next: keys < limit ? null : next }
}
