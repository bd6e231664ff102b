// The statements that end orders by the clock, and those of the marks, by their essential clauses: what is due, the locks that are skipped
// and not waited for, the check under them, and the marks that only rise.

import {
  addDueEndings,
  addEndings,
  addImmediateEndings,
  noteAcknowledged,
  readExpiringStops,
  tellEndings,
} from './ending.ts'
import { arrayFromLiteral } from './fakeSql.ts'
import { raiseTapeMarks, readTapeNeed } from './marking.ts'
import { deleteEndings, readEndingsBacklog, readEndingsWork, readPending, readSettledEndings } from './settling.ts'
import { look, type Template } from './template.ts'

const isDue = 'where o.open and o.expires_at is not null and o.expires_at <= statement_timestamp() and'

const isImmediate =
  "where o.open and (o.time_in_force in ('IOC', 'FOK') or o.type = 'MARKET' or (o.type = 'STOP' and o.triggered_at is not null))"

const isImmediateHere = `or exists (select from orders o ${isImmediate}) as endings`

export const endTemplates: readonly Template[] = [
  {
    name: 'readPending',
    clauses: [
      'exists (select from order_endings where acknowledged_at is not null) as settling',
      'exists (select from ingested_reports where settled_at is null) as reports',
      'settling or exists (select from orders o where o.open and o.expires_at is not null and o.expires_at <= statement_timestamp())',
      'or exists (select from order_endings where acknowledged_at is null) or',
      'exists (select from cancel_after where fires_at <= statement_timestamp()) or exists (select from cancel_sweeps where done_at is null) as switches',
      'settling or reports as tape',
      'where o.open and o.expires_at > statement_timestamp() order by o.expires_at limit 1',
      'where c.fires_at > statement_timestamp() order by c.fires_at limit 1',
    ],
    also: (text) => text.includes(isImmediateHere) || text.includes('or false as endings'),
    run: look((db, { text }) => readPending(db, { endsImmediate: text.includes(isImmediateHere) })),
  },
  {
    name: 'readEndingsWork',
    clauses: [
      'exists (select from orders o where o.open and o.expires_at is not null and o.expires_at <= statement_timestamp()) as due',
      `${isImmediate} and (select true from order_endings e where e.order_id = o.id) is null ) as immediate`,
      'where acknowledged_at is null and told_at is null and due_at <= statement_timestamp() ) as untold',
      'where acknowledged_at is null and told_at is not null) as sent',
      'where acknowledged_at is not null) as acknowledged',
    ],
    run: look(readEndingsWork),
  },
  {
    name: 'readExpiringStops',
    clauses: [
      `${isDue} o.stop_price is not null and o.triggered_at is null`,
      "'EXPIRED_' || o.time_in_force as reason_code, statement_timestamp() as now",
      'for update skip locked',
    ],
    run: (db, tx, { parameters: [limit] }) => readExpiringStops(db, tx, Number(limit)),
  },
  {
    name: 'addDueEndings',
    clauses: [
      `${isDue} (o.expires_at, o.id) > (`,
      'and (o.stop_price is null or o.triggered_at is not null) and not exists (',
      'where e.order_id = o.id and (e.told_at is not null or e.due_at <= o.expires_at)',
      'for key share of o skip locked ), added as (',
      "select id, 'EXPIRED', 'EXPIRED_' || time_in_force, expires_at from due order by id on conflict (order_id) do update",
      'where e.told_at is null and e.due_at > excluded.due_at )',
      'as expires_at, id from due order by due.expires_at, id',
    ],
    run: (db, tx, { parameters: [expiresAt, id, limit] }) =>
      addDueEndings(db, tx, { after: { expiresAt: String(expiresAt), id: String(id) }, limit: Number(limit) }),
  },
  {
    name: 'addImmediateEndings',
    clauses: [
      `${isImmediate} and (select true from order_endings e where e.order_id = o.id) is null except select x.order_id from outbox x )`,
      'where o.id = any (array(select id from published)) and o.open order by o.id limit',
      'for key share of o skip locked )',
      "select id, 'CANCELED', 'REMAINDER', clock_timestamp() +",
      'from left_over order by id on conflict (order_id) do nothing',
    ],
    run: (db, tx, { parameters: [limit, graceMs] }) => addImmediateEndings(db, tx, Number(limit), Number(graceMs)),
  },
  {
    name: 'addEndings',
    clauses: [
      'insert into order_endings (order_id, outcome, reason_code, due_at) select id,',
      'clock_timestamp() from unnest(',
      'as i (id) order by id on conflict (order_id) do nothing returning',
    ],
    run: (db, tx, { parameters: [outcome, reasonCode, ids] }) =>
      addEndings(db, tx, { ids: arrayFromLiteral(ids), outcome: String(outcome), reasonCode: String(reasonCode) }),
  },
  {
    name: 'tellEndings',
    clauses: [
      'where e.acknowledged_at is null and e.told_at is null and e.due_at <= statement_timestamp() order by e.acknowledged_at, e.told_at, e.due_at limit',
      'for update of e, o skip locked )',
      'row_number() over (order by due_at, order_id) as n from due where open',
      "'CANCELLED'",
      'set told_at = clock_timestamp(), outbox_position = a.position',
      'delete from order_endings e using due d where e.order_id = d.order_id and not d.open',
    ],
    run: (db, tx, { parameters: [, eventIds] }) => tellEndings(db, tx, arrayFromLiteral(eventIds)),
  },
  {
    name: 'noteAcknowledged',
    clauses: [
      'where e.acknowledged_at is null and e.told_at is not null and (select true from outbox x where x.position = e.outbox_position) is null',
      'for update skip locked )',
      'set acknowledged_at = clock_timestamp() where e.order_id = any (array(select order_id from gone)) and e.acknowledged_at is null',
    ],
    run: (db, tx, { parameters: [limit] }) => noteAcknowledged(db, tx, Number(limit)),
  },
  {
    name: 'readSettledEndings',
    clauses: [
      'where e.acknowledged_at <= (select min(read_until) from tape_marks where topic =',
      "::text) - $2::float8 * interval '1 millisecond' order by e.acknowledged_at limit",
      'for update of e, o skip locked',
    ],
    run: (db, tx, { parameters: [topic, settleMs, limit] }) =>
      readSettledEndings(db, tx, { topic: String(topic), settleMs: Number(settleMs), limit: Number(limit) }),
  },
  {
    name: 'deleteEndings',
    clauses: [
      'from order_endings e join orders o on o.id = e.order_id where e.order_id = any (',
      'and not o.open for update of e skip locked )',
      'delete from order_endings where order_id = any (array(select order_id from over))',
    ],
    run: (db, tx, { parameters: [ids] }) => deleteEndings(db, tx, arrayFromLiteral(ids)),
  },
  {
    name: 'readEndingsBacklog',
    clauses: ['from order_endings where acknowledged_at is not null', 'union all'],
    run: look(readEndingsBacklog),
  },
  {
    name: 'readTapeNeed',
    clauses: [
      'select clock_timestamp() as now where exists (select from order_endings where acknowledged_at is not null)',
      'or exists (select from ingested_reports where settled_at is null)',
    ],
    run: look(readTapeNeed),
  },
  {
    name: 'raiseTapeMarks',
    clauses: [
      'insert into tape_marks as m',
      "coalesce(r.read_until, '-infinity')",
      '::text and partition >= $8::integer and read_until < $9::timestamptz order by 2',
      'do update set read_until = excluded.read_until where excluded.read_until > m.read_until',
    ],
    run: (db, tx, { parameters: [marked, readUntil, topic, partitions, , goneUntil] }) =>
      raiseTapeMarks(db, tx, {
        topic: String(topic),
        partitions: Number(partitions),
        goneUntil: goneUntil as string | null,
        marked: arrayFromLiteral(marked),
        readUntil: arrayFromLiteral(readUntil),
      }),
  },
]
