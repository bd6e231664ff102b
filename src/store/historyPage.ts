// Pages of an order's history, oldest first. The versions of an order are contiguous from 0, so a page is the same range of versions in
// each of the three tables.

import { assert } from '../domain/assert.ts'
import { amountFromSql, notionalFromSql } from '../domain/decimal.ts'
import { endKindOf, type HistoryEvent } from '../domain/history.ts'
import type { Order } from '../domain/order.ts'
import {
  acceptanceColumns,
  endOf,
  changeColumns,
  fillColumns,
  historyFromRow,
  orderOfEventColumns,
  type HistoryRow,
} from './historyRows.ts'
import type { Fragment, Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'
import { termsFromRow } from './terms.ts'

/** The amounts of an order. */
type Amounts = Pick<Order, 'filledQuantity' | 'filledNotional' | 'lastFillPrice'>

/** The order, its amounts before the page (null: nothing was filled), and one event of the page. `kind` is null if none was written down. */
type Row = Omit<HistoryRow, 'kind'> & {
  kind: HistoryRow['kind'] | null
  present_version: number
  updated_at: Date
  base_quantity: string | null
  base_notional: string | null
  base_price: string | null
}

const orderFields = sqlText([`${orderOfEventColumns}, o.version as present_version, o.updated_at`])
const acceptance = sqlText([acceptanceColumns])
const fill = sqlText([fillColumns])
const change = sqlText([changeColumns])

type Versions = { orderId: string; after: number; until: number }

/** The last fill of the versions up to `after`. */
const lastFillBefore = (sql: Sql, after: number): Fragment => sql`
  select b.filled_quantity as base_quantity, b.filled_notional as base_notional, b.last_fill_price as base_price
  from (
    select ${sql(fill)} from ingested_fills f
    where f.order_id = o.id and f.order_version <= ${after}::integer
    order by f.order_version desc
    limit 1
  ) b`

/** The ledger rows of the page. Those of 1.2 lack the cumulative amounts; they are summed up once, not once a row. */
const fillsOfPage = (sql: Sql, { after, until }: Versions): Fragment => sql`
  select g.order_id, g.order_version, g.applied_at, g.trade_id, g.side, g.quantity, g.price, g.late, g.kafka_partition, g.kafka_offset,
         coalesce(g.cumulative_quantity, coalesce(base.base_quantity, 0) + sum(g.quantity) over so_far) as cumulative_quantity,
         coalesce(g.cumulative_notional, coalesce(base.base_notional, 0) + sum(g.quantity * g.price) over so_far) as cumulative_notional
  from ingested_fills g
  where g.order_id = o.id and g.order_version > ${after}::integer and g.order_version <= ${until}::integer
  window so_far as (order by g.order_version)`

const readRows = (sql: Sql, versions: Versions) => {
  const { orderId, after, until } = versions
  return sql<Row[]>`
    select ${sql(orderFields)}, base.*, e.*
    from orders o
    left join lateral (${lastFillBefore(sql, after)}) base on true
    left join lateral (
      select ${sql(acceptance)} from orders a where a.id = o.id and ${after < 0}::boolean
      union all
      select ${sql(fill)} from (${fillsOfPage(sql, versions)}) f
      union all
      select ${sql(change)} from order_changes c
      where c.order_id = o.id and c.version > ${after}::integer and c.version <= ${until}::integer
    ) e on true
    where o.id = ${orderId}::uuid
    order by e.version`
}

/**
 * The end of an order that nobody wrote down: 1.2 and its predecessors only moved the order's row. `next`: the event after it; null: there
 * is none on this page.
 */
const unwrittenEnd = (
  row: Row,
  {
    orderId,
    version,
    amounts,
    next,
  }: { orderId: string; version: number; amounts: Amounts; next: HistoryEvent | null },
): HistoryEvent => {
  const kind = endKindOf(row.present_status)
  assert(kind !== null, 'only the end of an order may be missing in its history')
  return {
    kind,
    at: null,
    order: {
      ...termsFromRow(row),
      ...amounts,
      id: orderId,
      status: row.present_status,
      triggeredAt: row.triggered_at,
      reason: endOf(row),
      createdAt: row.created_at,
      updatedAt: next?.at ?? row.updated_at,
      version,
    },
    fill: null,
    reason: null,
    cause: { kind: 'before-log' },
  }
}

const newestVersion = 2 ** 31 - 1

/** At most `limit` events of an order, oldest first, those with a version above `after`. Null: no such order. */
export const readHistory = async (
  sql: Sql,
  { orderId, after, limit }: { orderId: string; after: number; limit: number },
): Promise<HistoryEvent[] | null> => {
  const until = Math.min(after + limit, newestVersion)
  const rows = await readRows(sql, { orderId, after, until })
  const [first] = rows
  if (first === undefined) return null
  const written = new Map(
    rows
      .filter((row): row is Row & HistoryRow => row.kind !== null)
      .map((row) => [row.version, historyFromRow(row)] as const),
  )
  let amounts: Amounts = {
    filledQuantity: first.base_quantity === null ? 0n : amountFromSql(first.base_quantity),
    filledNotional: first.base_notional === null ? 0n : notionalFromSql(first.base_notional),
    lastFillPrice: first.base_price === null ? null : amountFromSql(first.base_price),
  }
  const events: HistoryEvent[] = []
  for (let version = after + 1; version <= Math.min(until, first.present_version); version++) {
    const next = written.get(version + 1) ?? null
    const event = written.get(version) ?? unwrittenEnd(first, { orderId, version, amounts, next })
    const { filledQuantity, filledNotional, lastFillPrice } = event.order
    amounts = { filledQuantity, filledNotional, lastFillPrice }
    events.push(event)
  }
  return events
}
