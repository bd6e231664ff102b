// Verifies the reports of the engine against the orders that they ended, and the ends of orders against the reports.

import type { Sql } from '../store/sql.ts'
import { violationsOf, type Judge, type Page, type Range } from './page.ts'
import type { Violation } from './violation.ts'

type Asked = { after: string; limit: number }
type PageRow = { next: string | null; violations: Violation[] }

/**
 * A page of reports, those of one order together. An order that a report ended has its status, and a change that names the report's record
 * with the quantity that the report counts; a stale report is of an order that ended; what an operator has to see is in the list.
 */
export const verifyReportsPage = async (sql: Sql, { after, limit }: Asked): Promise<Page<string>> => {
  const faults = sql`
    select 'report' as subject, p.id, f.rule, f.expected, f.found
    from page p
    cross join lateral (values
      ('status of order ' || p.order_id, p.kind, p.status, p.ended_it and p.status <> p.kind),
      ('change of order ' || p.order_id, p.kind || ' by ' || p.record, null, p.ended_it and p.change is distinct from p.kind),
      ('quantity at the end of order ' || p.order_id, trim_scale(p.cumulative_quantity)::text, trim_scale(p.change_quantity)::text,
       p.state = 'APPLIED' and p.cumulative_quantity <> p.change_quantity),
      ('quantity at the end of order ' || p.order_id, 'less than ' || trim_scale(p.cumulative_quantity), trim_scale(p.change_quantity)::text,
       p.state = 'INCOMPLETE' and p.change_quantity >= p.cumulative_quantity),
      ('status of order ' || p.order_id, 'final', p.status, p.state = 'STALE' and p.open),
      ('exception', p.state, null, p.state in ('INCOMPLETE', 'MISMATCH') and not p.listed)
    ) f (rule, expected, found, is_fault)
    where f.is_fault`
  const [row] = await sql<PageRow[]>`
    with page as materialized (
      select r.order_id, r.order_id || ' ' || r.report_id as id, r.kind, r.state, r.cumulative_quantity, o.status, o.open,
             r.state in ('APPLIED', 'INCOMPLETE') as ended_it, r.kafka_topic || '-' || r.kafka_partition || '-' || r.kafka_offset as record,
             c.kind as change, c.filled_quantity as change_quantity,
             exists (select from report_exceptions e
                     where e.order_id = r.order_id and e.report_id = r.report_id and e.disposition = r.state) as listed
      from (select * from ingested_reports where order_id > ${after}::uuid order by order_id fetch first (${limit}::integer) rows with ties) r
      join orders o on o.id = r.order_id
      left join order_changes c on c.order_id = r.order_id and c.cause ->> 'kind' = 'report' and c.cause ->> 'topic' = r.kafka_topic
        and c.cause ->> 'partition' = r.kafka_partition::text and c.cause ->> 'offset' = r.kafka_offset::text
    )
    select (select order_id from page where (select count(*) from page) >= ${limit}::integer order by order_id desc limit 1) as next,
           ${violationsOf(sql, faults)} as violations`
  return row!
}

/** An order that ended because the engine said so has the report that ended it, and only one. */
export const engineEndsJudge = (sql: Sql, { after, last }: Range): Judge => ({
  tables: [
    sql`
      ended_by as materialized (
        select order_id, count(*) as reports from ingested_reports
        where order_id > ${after}::uuid and order_id <= ${last}::uuid and state in ('APPLIED', 'INCOMPLETE')
        group by order_id
      )`,
  ],
  faults: sql`
    select 'order' as subject, p.id::text as id, 'report' as rule, '1 that ended it' as expected, coalesce(r.reports, 0)::text as found
    from page p left join ended_by r on r.order_id = p.id
    where coalesce(r.reports, 0) <> case when coalesce(p.reason_code, '') like 'ENGINE\\_%' then 1 else 0 end`,
})
