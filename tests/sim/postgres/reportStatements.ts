// The statements about reports of the engine, by their essential clauses: the check of the order's row, the locks that are skipped, and what
// a report waits for.

import { arrayFromLiteral } from './fakeSql.ts'
import { readReadyReports, readReportsBacklog, readReportState, writeReports } from './reporting.ts'
import { arrays, look, type Template } from './template.ts'

export const reportTemplates: readonly Template[] = [
  {
    name: 'readReportState',
    clauses: [
      'o.xmin::text as stamp, i.report_id',
      'from report_exceptions e where e.order_id = o.id and e.report_id = i.report_id',
      'left join ingested_reports r on r.order_id = o.id and r.report_id = i.report_id',
    ],
    run: look((db, { parameters: [orders, reports] }) =>
      readReportState(db, arrayFromLiteral(orders), arrayFromLiteral(reports)),
    ),
  },
  {
    name: 'writeReports',
    clauses: [
      'where o.xmin = m.stamp::xid order by o.id for update of o skip locked )',
      'from move m join held h on h.id = m.id::uuid where o.id = h.id returning',
      'from moved where cause is not null order by id )',
      'insert into ingested_reports',
      'join held h on h.id = s.order_id::uuid cross join clock c where r.order_id = h.id and r.report_id = s.report_id and r.settled_at is null )',
      'join held h on h.id = i.order_id::uuid cross join clock c on conflict do nothing',
    ],
    run: (db, tx, { parameters }) =>
      writeReports(db, tx, {
        moves: arrays(parameters.slice(0, 8)),
        taken: arrays(parameters.slice(8, 21)),
        settled: arrays(parameters.slice(21, 24)),
        exceptions: arrays(parameters.slice(24)),
      }),
  },
  {
    name: 'readReadyReports',
    clauses: [
      'select min(read_until) as read_until from tape_marks where topic =',
      'coalesce(t.read_until >= r.arrived_at, false) as reaches_arrival',
      'where not o.open or o.filled_quantity >= r.cumulative_quantity or r.reaches_limit or (r.cumulative_quantity is null and r.reaches_arrival)',
      'order by r.arrived_at, r.order_id, r.report_id limit',
    ],
    run: look((db, { parameters: [waitMs, topic, limit] }) =>
      readReadyReports(db, { topic: String(topic), waitMs: Number(waitMs), limit: Number(limit) }),
    ),
  },
  {
    name: 'readReportsBacklog',
    clauses: ['from (select arrived_at from ingested_reports where settled_at is null order by arrived_at limit'],
    run: look((db, { parameters: [max] }) => readReportsBacklog(db, Number(max))),
  },
]
