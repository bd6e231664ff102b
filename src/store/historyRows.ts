// One row for one thing that happened to an order, whichever table keeps it: the acceptance is the order's row, a fill its row of the
// ledger, everything else a row of order_changes. History and log select the same columns of all three.

import { amountFromSql, notionalFromSql, type Amount } from '../domain/decimal.ts'
import { adoptedOrigin, doorOf } from '../domain/door.ts'
import type { Cause, HistoryEvent, HistoryKind } from '../domain/history.ts'
import { isFinal, type Order, type Status } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import type { Side } from '../domain/terms.ts'
import { termColumns, termsFromRow, type TermsRow } from './terms.ts'

/** The columns of an event, in the order of acceptanceColumns, fillColumns and changeColumns. What does not belong to its kind is null. */
type EventRow = {
  order_id: string
  version: number
  kind: HistoryKind
  at: Date
  filled_quantity: string
  filled_notional: string
  last_fill_price: string | null
  trade_id: string | null
  fill_side: Side | null
  fill_quantity: string | null
  fill_price: string | null
  late: boolean | null
  kafka_partition: number | null
  kafka_offset: string | null
  reason_code: string | null
  reason_text: string | null
  cause: Cause | null
}

/** An event with its order: the columns of one of the three tables, and orderOfEventColumns. */
export type HistoryRow = EventRow &
  TermsRow & {
    created_at: Date
    request_id: string | null
    subject: string | null
    origin: string | null
    triggered_at: Date | null
    end_code: string | null
    end_text: string | null
    /** The status that the order has now. */
    present_status: Status
    before_log: boolean
  }

/** Columns of the order that a HistoryRow has beside those of the event, of the table or set called `o`. */
export const orderOfEventColumns = `${termColumns(({ column }) => `o.${column}`)}, o.created_at, o.request_id, o.subject, o.origin,
  o.triggered_at, o.reason_code as end_code, o.reason_text as end_text, o.status as present_status, o.xact = '3' as before_log`

/** The acceptance, of the orders called `a`; or that it was refused by a rule of business. */
export const acceptanceColumns = `a.id as order_id, 0 as version,
  case when a.status = 'REJECTED' and a.version = 0 then 'REJECTED' else 'ACCEPTED' end as kind, a.created_at as at, 0::numeric as filled_quantity,
  0::numeric as filled_notional, null::numeric as last_fill_price, null::text as trade_id, null::text as fill_side,
  null::numeric as fill_quantity, null::numeric as fill_price, null::boolean as late, null::integer as kafka_partition,
  null::bigint as kafka_offset, case when a.version = 0 then a.reason_code end as reason_code,
  case when a.version = 0 then a.reason_text end as reason_text, null::jsonb as cause`

const upToThisFill = 'from ingested_fills g where g.order_id = f.order_id and g.order_version <= f.order_version'

/** A fill, of the ledger called `f`. Rows that 1.2 wrote lack the cumulative amounts: these are summed up. */
export const fillColumns = `f.order_id, f.order_version as version, 'FILLED' as kind, f.applied_at as at,
  coalesce(f.cumulative_quantity, (select sum(g.quantity) ${upToThisFill})) as filled_quantity,
  coalesce(f.cumulative_notional, (select sum(g.quantity * g.price) ${upToThisFill})) as filled_notional,
  f.price as last_fill_price, f.trade_id, f.side as fill_side, f.quantity as fill_quantity, f.price as fill_price, f.late,
  f.kafka_partition, f.kafka_offset, null::text as reason_code, null::text as reason_text, null::jsonb as cause`

/** Another change, of the order_changes called `c`. */
export const changeColumns = `c.order_id, c.version, c.kind, c.at, c.filled_quantity, c.filled_notional, c.last_fill_price,
  null::text as trade_id, null::text as fill_side, null::numeric as fill_quantity, null::numeric as fill_price, null::boolean as late,
  null::integer as kafka_partition, null::bigint as kafka_offset, c.reason_code, c.reason_text, c.cause`

/** The status in which the event left the order. A late fill leaves the status as it was, and that one is final. */
const statusAfter = (row: HistoryRow, { quantity, filled }: { quantity: Amount; filled: Amount }): Status => {
  switch (row.kind) {
    case 'ACCEPTED':
    case 'TRIGGERED':
      return 'NEW'
    case 'FILLED':
      if (row.late === true) return row.present_status
      return filled === quantity ? 'FILLED' : 'PARTIALLY_FILLED'
    case 'CANCELED':
    case 'EXPIRED':
    case 'REJECTED':
      return row.kind
  }
}

/** How the order ended: nothing changes that later. */
export const endOf = ({ end_code, end_text }: Pick<HistoryRow, 'end_code' | 'end_text'>): Reason | null =>
  end_code === null ? null : { code: end_code, text: end_text }

const orderAfter = (row: HistoryRow): Order => {
  const terms = termsFromRow(row)
  const filledQuantity = amountFromSql(row.filled_quantity)
  const status = statusAfter(row, { quantity: terms.quantity, filled: filledQuantity })
  return {
    ...terms,
    id: row.order_id,
    status,
    // Nothing happens to a stop before its price is met, or else it ends.
    triggeredAt: row.version === 0 ? null : row.triggered_at,
    reason: isFinal(status) ? endOf(row) : null,
    filledQuantity,
    filledNotional: notionalFromSql(row.filled_notional),
    lastFillPrice: row.last_fill_price === null ? null : amountFromSql(row.last_fill_price),
    createdAt: row.created_at,
    updatedAt: row.at,
    version: row.version,
  }
}

const causeOf = (row: HistoryRow): Cause => {
  if (row.version === 0) {
    if (row.origin === adoptedOrigin) return { kind: 'adopted' }
    if (row.before_log) return { kind: 'before-log' }
    return {
      ...(doorOf(row.origin) ?? { kind: 'request' }),
      ...(row.request_id !== null && { requestId: row.request_id }),
      ...(row.subject !== null && { subject: row.subject }),
    }
  }
  // A leg that the Java service applied, and whose record nobody has any more.
  if (row.kind === 'FILLED' && row.kafka_partition! < 0) return { kind: 'adopted' }
  if (row.kind === 'FILLED') return { kind: 'trade', partition: row.kafka_partition!, offset: row.kafka_offset! }
  return row.cause!
}

const doorPart = (origin: string | null): Pick<HistoryEvent, 'door'> => {
  const door = doorOf(origin)
  return door === null ? {} : { door }
}

export const historyFromRow = (row: HistoryRow): HistoryEvent => ({
  kind: row.kind,
  at: row.at,
  order: orderAfter(row),
  fill:
    row.kind === 'FILLED'
      ? {
          tradeId: row.trade_id!,
          side: row.fill_side!,
          quantity: amountFromSql(row.fill_quantity!),
          price: amountFromSql(row.fill_price!),
          late: row.late!,
        }
      : null,
  reason: row.reason_code === null ? null : { code: row.reason_code, text: row.reason_text },
  cause: causeOf(row),
  ...doorPart(row.origin),
})
