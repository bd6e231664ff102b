// Reads all tables of the fake and of a real Postgres as comparable rows, without the values that a clock wrote.

import type { OrderRow } from '../../../src/store/orders.ts'
import type { Sql } from '../../../src/store/sql.ts'
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

const instant = (text: string): string => new Date(text).toISOString()

export const contentsOfFake = (db: Postgres): string[] => [
  ...lines('order', [...db.orders.values()]),
  ...lines(
    'fill',
    [...db.ledger.values()].flat().map((row) => ({ ...row, ts: instant(row.ts) })),
  ),
  ...lines(
    'exception',
    [...db.exceptions.values()].flat().map((row) => ({ ...row, ts: instant(row.ts) })),
  ),
  ...lines(
    'event',
    [...db.outbox.values()].map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'writtenAt')),
    ),
  ),
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

export const contentsOfReal = async (sql: Sql): Promise<string[]> => {
  const [orders, fills, exceptions, events, leases, replicas] = await Promise.all([
    sql<OrderRow[]>`
      select id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price,
             filled_notional, status, created_at, updated_at, version
      from orders`,
    sql`
      select order_id, trade_id, side, ticker, ts, quantity, price, late, order_version, kafka_partition, kafka_offset
      from ingested_fills`,
    sql`
      select id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition, kafka_offset
      from exceptions`,
    sql`select position, event_id, kind, order_id, ticker, occurred_at, traceparent from outbox`,
    sql`select shard, holder, set_aside from relay_leases`,
    sql`select id from replicas`,
  ])
  return [
    ...lines('order', orders),
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
      events.map((row) => bigints(row, 'position')),
    ),
    ...lines('lease', leases),
    ...lines('replica', replicas),
  ]
}
