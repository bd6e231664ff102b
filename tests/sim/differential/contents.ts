// Reads all tables of the fake and of a real Postgres as comparable rows, without the values that a clock wrote.

import type { OrderRow } from '../../../src/store/orders.ts'
import type { Sql } from '../../../src/store/sql.ts'
import { sqlText } from '../../../src/store/sqlText.ts'
import type { Postgres } from '../postgres/state.ts'

/** Text of anything the store answers; the rows of a list in no particular order unless `ordered`. */
export const textOf = (value: unknown, ordered = false): string => {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Set) return textOf([...value])
  if (value instanceof Map) return textOf([...value])
  if (Array.isArray(value)) {
    const items = value.map((item) => textOf(item, ordered))
    return `[${(ordered ? items : items.toSorted()).join(', ')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${name}: ${textOf(member, ordered)}`).join(', ')}}`
  }
  return String(value)
}

const lines = (table: string, rows: readonly object[]): string[] =>
  rows.map((row) => `${table} ${textOf(row, true)}`).toSorted()

/** What a clock wrote a moment ago: both sides agree that it is no time of the generator. */
export const unlessNow = (at: Date | null): Date | string | null =>
  at !== null && at.getTime() > Date.parse('2026-02-01T00:00:00Z') && at.getTime() < Date.parse('2090-01-01T00:00:00Z')
    ? 'now'
    : at

const instant = (text: string): string => new Date(text).toISOString()

/** Values of one row that differ between the two sides. */
const without = (row: object, ...names: string[]): object =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)))

/** A row of the log: `order`, `fill` or `change`, with its version of the order. Numbers as bigint or as text. */
type LogRow = { what: string; id: string; version: number; xact: unknown; position: unknown }

const numberOf = (value: unknown): bigint => BigInt(String(value))

/** Positions and transaction ids relative to one another: each row with its place among the positions, and that of its id among the ids. */
const logLines = (rows: readonly LogRow[]): string[] => {
  const ascending = (a: unknown, b: unknown): number => (numberOf(a) < numberOf(b) ? -1 : 1)
  const ids = [...new Set(rows.map(({ xact }) => String(xact)))].toSorted(ascending)
  return rows
    .toSorted((a, b) => ascending(a.position, b.position))
    .map(
      ({ what, id, version, xact }, i) =>
        `log ${i} ${what} ${id} ${version} of transaction ${ids.indexOf(String(xact))}`,
    )
}

const logOfFake = (db: Postgres): LogRow[] => [
  ...[...db.orders.values()].map((row) => ({ what: 'order', ...row, version: 0 })),
  ...[...db.ledger.values()]
    .flat()
    .map((row) => ({ what: 'fill', id: row.order_id, version: row.order_version, ...row })),
  ...[...db.changes.values()].flat().map((row) => ({ what: 'change', id: row.order_id, ...row })),
]

export const contentsOfFake = (db: Postgres): string[] => [
  ...lines(
    'order',
    [...db.orders.values()].map((row) => without(row, 'xact', 'position')),
  ),
  ...lines(
    'key',
    [...db.keys].map(([key, { voided_at, ...row }]) => ({ key, ...row, void: voided_at !== null })),
  ),
  ...lines('gate', [{ epoch: String(db.epoch) }]),
  ...lines(
    'state',
    [...db.trading].map(([ticker, { state, epoch }]) => ({ ticker, state, epoch: String(epoch) })),
  ),
  ...lines(
    'change of rules',
    db.rulesChanges.map(({ epoch, ticker, attempt, request_id, halted_since }) => {
      return { epoch: String(epoch), ticker, attempt, request_id, resumes: halted_since !== null }
    }),
  ),
  ...lines(
    'sweep',
    [...db.sweeps.values()].map(({ id, user_id, ticker, reason_code, cause, due_at, worked_by, done_at }) => {
      const ends = { timed: due_at !== null, worked_by, done: done_at !== null }
      return { id: String(id), user_id, ticker, reason_code, cause: JSON.parse(cause) as unknown, ...ends }
    }),
  ),
  ...lines(
    'switch',
    [...db.switches.values()].map(({ fires_at, cause, earlier, ...row }) => {
      return { ...row, earlier: earlier.join(' '), cause: JSON.parse(cause) as unknown, armed: fires_at !== null }
    }),
  ),
  ...lines(
    'change',
    [...db.changes.values()]
      .flat()
      .map((row) => ({ ...without(row, 'xact', 'position'), cause: JSON.parse(row.cause) })),
  ),
  ...logLines(logOfFake(db)),
  ...lines(
    'fill',
    [...db.ledger.values()].flat().map((row) => ({ ...without(row, 'xact', 'position'), ts: instant(row.ts) })),
  ),
  ...lines(
    'exception',
    [...db.exceptions.values()].flat().map((row) => ({ ...row, ts: instant(row.ts) })),
  ),
  ...lines(
    'event',
    [...db.outbox.values()].map((row) => ({
      ...without(row, 'writtenAt'),
      occurred_at: unlessNow(row.occurred_at),
    })),
  ),
  ...lines(
    'ending',
    [...db.endings.values()].map(({ due_at, told_at, acknowledged_at, ...row }) => ({
      ...row,
      due_at: unlessNow(new Date(due_at)),
      told: told_at !== null,
      acknowledged: acknowledged_at !== null,
    })),
  ),
  ...lines(
    'mark',
    [...db.marks].map(([key, until]) => ({ key, until: until === -Infinity ? null : new Date(until) })),
  ),
  ...lines(
    'report',
    [...db.reports.values()].map((row) => ({ ...row, arrived_at: null, settled_at: row.settled_at !== null })),
  ),
  ...lines('report exception', db.reportExceptions),
  ...lines(
    'lease',
    [...db.leases].map(([shard, { holder, setAside }]) => ({ shard, holder, set_aside: setAside })),
  ),
  ...lines(
    'replica',
    [...db.replicas.keys()].map((id) => ({ id })),
  ),
]

const bigints = (row: Record<string, unknown>, ...names: string[]): object => ({
  ...row,
  ...Object.fromEntries(names.map((name) => [name, BigInt(String(row[name]))])),
})

const reportedAt = sqlText([`to_char(reported_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as reported_at`])

export const contentsOfReal = async (sql: Sql): Promise<string[]> => {
  const [
    orders,
    keys,
    gates,
    states,
    rules,
    sweeps,
    switches,
    changes,
    log,
    fills,
    exceptions,
    events,
    endings,
    marks,
    reports,
    kept,
    leases,
    replicas,
  ] = await Promise.all([
    sql<OrderRow[]>`
      select id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price,
             filled_notional, stop_price, display_quantity, post_only, expires_at, triggered_at, status, created_at, updated_at, version, request_id, subject, reason_code, reason_text, rules_epoch
      from orders`,
    sql`
      select user_id || ' ' || client_order_id as key, order_id, voided_at is not null as void, request_id, subject from order_keys`,
    sql`select epoch::text from rules_gate`,
    sql`select ticker, state, epoch::text from trading_states`,
    sql`select epoch::text, ticker, attempt, request_id, halted_since is not null as resumes from rules_changes`,
    sql`
      select id::text, user_id, ticker, reason_code, cause, due_at is not null as timed, worked_by, done_at is not null as done
      from cancel_sweeps`,
    sql`select user_id, cause, attempt, array_to_string(earlier, ' ') as earlier, fired, found_fired, fires_at is not null as armed from cancel_after`,
    sql`
      select order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price, rules_epoch
      from order_changes`,
    sql<LogRow[]>`
      select 'order' as what, id, 0 as version, xact::text, position from orders
      union all select 'fill', order_id, order_version, xact::text, position from ingested_fills
      union all select 'change', order_id, version, xact::text, position from order_changes`,
    sql`
      select order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, cumulative_quantity, cumulative_notional,
             kafka_partition, kafka_offset
      from ingested_fills`,
    sql`
      select id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition, kafka_offset
      from exceptions`,
    sql`select position, event_id, kind, order_id, ticker, occurred_at, traceparent, filled_quantity, reason_code, reason_text from outbox`,
    sql`
      select order_id, outcome, reason_code, due_at, told_at is not null as told, acknowledged_at is not null as acknowledged, outbox_position
      from order_endings`,
    sql`
      select topic || ' ' || partition as key, case when isfinite(read_until) then read_until end as until from tape_marks`,
    sql`
      select order_id, report_id, kind, ticker, reason_text, cumulative_quantity, ${sql(reportedAt)}, kafka_topic, kafka_partition,
             kafka_offset, encode(message_key, 'hex') as message_key, encode(message, 'hex') as message, state, null as arrived_at,
             settled_at is not null as settled_at
      from ingested_reports`,
    sql`
      select id, disposition, reason, order_id, report_id, kind, ticker, reason_text, cumulative_quantity, ${sql(reportedAt)}, kafka_topic,
             kafka_partition, kafka_offset, encode(message_key, 'hex') as message_key, encode(message, 'hex') as message
      from report_exceptions`,
    sql`select shard, holder, set_aside from relay_leases`,
    sql`select id from replicas`,
  ])
  return [
    ...lines('order', orders),
    ...lines('key', keys),
    ...lines('gate', gates),
    ...lines('state', states),
    ...lines('change of rules', rules),
    ...lines('sweep', sweeps),
    ...lines('switch', switches),
    ...lines('change', changes),
    ...logLines(log),
    ...lines(
      'fill',
      fills.map((row) => bigints(row, 'kafka_offset')),
    ),
    ...lines(
      'exception',
      exceptions.map((row) => bigints(row, 'kafka_offset')),
    ),
    ...lines(
      'event',
      events.map((row) => ({ ...bigints(row, 'position'), occurred_at: unlessNow(row['occurred_at'] as Date) })),
    ),
    ...lines(
      'ending',
      endings.map((row) => ({
        ...row,
        due_at: unlessNow(row['due_at'] as Date),
        outbox_position: row['outbox_position'] === null ? null : BigInt(String(row['outbox_position'])),
      })),
    ),
    ...lines('mark', marks),
    ...lines(
      'report',
      reports.map((row) => bigints(row, 'kafka_offset')),
    ),
    ...lines(
      'report exception',
      kept.map((row) => bigints(row, 'kafka_offset')),
    ),
    ...lines('lease', leases),
    ...lines('replica', replicas),
  ]
}
