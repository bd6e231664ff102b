// The ledger of fills and the exceptions. The state for a batch of legs is read in one statement: with two reads, a rival's fill could come
// in between and still pass the check of the write. The legs are decided in TypeScript, and one statement writes the decisions after
// checking that nobody wrote the orders' rows since. It checks the row and not the version of the order: an exception changes the records
// of an order but not its version, so a statement that stores an exception writes the row too.

import { amountFromSql, formatAmount, formatNotional } from '../domain/decimal.ts'
import type { ExceptionDisposition, LegContent, TradeRecord } from '../domain/leg.ts'
import type { JudgedOrder } from '../domain/order.ts'
import type { Side } from '../domain/terms.ts'
import type { Coordinates } from '../wire/coordinates.ts'
import { judgedColumns, stateOf, type JudgedRow, type JudgedState } from './judged.ts'
import { textArray, type Sql } from './sql.ts'

/** The state against which a batch of legs is judged, all from one snapshot. Its records: by order id, then by trade id. */
export type LegState = JudgedState<TradeRecord>

/** Where a leg came from. */
export type Source = Coordinates

export type LedgerRow = {
  orderId: string
  tradeId: string
  content: LegContent
  /** ISO-8601 with microseconds. */
  tradedAt: string
  late: boolean
  /** The order as the fill left it: its version, time and amounts. */
  after: Pick<JudgedOrder, 'version' | 'updatedAt' | 'filledQuantity' | 'filledNotional'>
  source: Source
}

export type ExceptionRow = {
  id: string
  disposition: ExceptionDisposition
  reason: string
  orderId: string
  tradeId: string
  content: LegContent
  tradedAt: string
  source: Source
  key: Uint8Array | null
  message: Uint8Array
}

/**
 * `after`: the order to write, unchanged if there are only exceptions to store. `stamp`: that of the row on which the move was decided.
 * `retoldAs`: the id of the event that tells the engine once more that the order has ended; null or absent: none does.
 */
export type OrderMove = { after: JudgedOrder; stamp: string; retoldAs?: string | null }

type StateRow = JudgedRow & {
  trade_id: string
  fill_side: Side | null
  fill_ticker: string
  fill_quantity: string
  fill_price: string
  exceptions: [Side, string, string, string][] | null
}

const recordFromRow = (row: StateRow): TradeRecord => ({
  ledger:
    row.fill_side === null
      ? null
      : {
          side: row.fill_side,
          ticker: row.fill_ticker,
          quantity: amountFromSql(row.fill_quantity),
          price: amountFromSql(row.fill_price),
        },
  exceptions: (row.exceptions ?? []).map(([side, ticker, quantity, price]) => ({
    side,
    ticker,
    quantity: amountFromSql(quantity),
    price: amountFromSql(price),
  })),
})

/**
 * Reads the orders, ledger rows and exceptions of these (order, trade) pairs in one snapshot. Unknown orders are left out. A ledger row is
 * selected as the first one from its key on. With plain equality Postgres chose the other index that begins with the order id, and searched
 * all fills of the order, which may have thousands.
 */
export const readLegState = async (
  sql: Sql,
  pairs: readonly { orderId: string; tradeId: string }[],
): Promise<LegState> => {
  const rows = await sql<StateRow[]>`
    select ${judgedColumns(sql)}, i.trade_id,
           f.side as fill_side, f.ticker as fill_ticker, f.quantity as fill_quantity, f.price as fill_price,
           (select json_agg(json_build_array(e.side, e.ticker, e.quantity::text, e.price::text))
            from exceptions e where e.order_id = o.id and e.trade_id = i.trade_id) as exceptions
    from unnest(
      ${textArray(pairs.map((pair) => pair.orderId))}::text[],
      ${textArray(pairs.map((pair) => pair.tradeId))}::text[]
    ) as i (order_id, trade_id)
    join orders o on o.id = i.order_id::uuid
    left join lateral (
      select * from ingested_fills
      where (order_id, trade_id) >= (o.id, i.trade_id) order by order_id, trade_id limit 1
    ) f on f.order_id = o.id and f.trade_id = i.trade_id`
  return stateOf(rows, (row) => row.trade_id, recordFromRow)
}

const moveInput = (sql: Sql, moves: readonly OrderMove[]) => {
  const text = (of: (move: OrderMove) => string | null) => textArray(moves.map(of))
  return sql`unnest(
    ${text((m) => m.after.id)}::text[],
    ${text((m) => m.stamp)}::text[],
    ${text((m) => String(m.after.version))}::text[],
    ${text((m) => m.after.status)}::text[],
    ${text((m) => formatAmount(m.after.filledQuantity))}::text[],
    ${text((m) => formatNotional(m.after.filledNotional))}::text[],
    ${text((m) => (m.after.lastFillPrice === null ? null : formatAmount(m.after.lastFillPrice)))}::text[],
    ${text((m) => m.after.updatedAt.toISOString())}::text[]
  ) as m (id, stamp, version, status, filled_quantity, filled_notional, last_fill_price, updated_at)`
}

const retoldInput = (sql: Sql, moves: readonly OrderMove[]) => {
  const retold = moves.filter(({ retoldAs = null }) => retoldAs !== null)
  const text = (of: (move: OrderMove) => string | null) => textArray(retold.map(of))
  return sql`unnest(
    ${text((m) => m.after.id)}::text[],
    ${text((m) => m.retoldAs!)}::text[],
    ${text((m) => m.after.ticker)}::text[],
    ${text((m) => m.after.updatedAt.toISOString())}::text[],
    ${text((m) => formatAmount(m.after.filledQuantity))}::text[],
    ${text((m) => m.after.reason?.code ?? null)}::text[],
    ${text((m) => m.after.reason?.text ?? null)}::text[]
  ) as r (order_id, event_id, ticker, occurred_at, filled_quantity, reason_code, reason_text)`
}

const ledgerInput = (sql: Sql, ledger: readonly LedgerRow[]) => {
  const text = (of: (row: LedgerRow) => string) => textArray(ledger.map(of))
  return sql`unnest(
    ${text((l) => l.orderId)}::text[],
    ${text((l) => l.tradeId)}::text[],
    ${text((l) => l.content.side)}::text[],
    ${text((l) => l.content.ticker)}::text[],
    ${text((l) => l.tradedAt)}::text[],
    ${text((l) => formatAmount(l.content.quantity))}::text[],
    ${text((l) => formatAmount(l.content.price))}::text[],
    ${text((l) => String(l.late))}::text[],
    ${text((l) => l.after.updatedAt.toISOString())}::text[],
    ${text((l) => String(l.after.version))}::text[],
    ${text((l) => formatAmount(l.after.filledQuantity))}::text[],
    ${text((l) => formatNotional(l.after.filledNotional))}::text[],
    ${text((l) => String(l.source.partition))}::text[],
    ${text((l) => String(l.source.offset))}::text[]
  ) as l (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, cumulative_quantity, cumulative_notional,
          kafka_partition, kafka_offset)`
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const exceptionInput = (sql: Sql, exceptions: readonly ExceptionRow[]) => {
  const text = (of: (row: ExceptionRow) => string | null) => textArray(exceptions.map(of))
  return sql`unnest(
    ${text((e) => e.id)}::text[],
    ${text((e) => e.disposition)}::text[],
    ${text((e) => e.reason)}::text[],
    ${text((e) => e.orderId)}::text[],
    ${text((e) => e.tradeId)}::text[],
    ${text((e) => e.content.side)}::text[],
    ${text((e) => e.content.ticker)}::text[],
    ${text((e) => e.tradedAt)}::text[],
    ${text((e) => formatAmount(e.content.quantity))}::text[],
    ${text((e) => formatAmount(e.content.price))}::text[],
    ${text((e) => e.source.topic)}::text[],
    ${text((e) => String(e.source.partition))}::text[],
    ${text((e) => String(e.source.offset))}::text[],
    ${text((e) => (e.key === null ? null : hex(e.key)))}::text[],
    ${text((e) => hex(e.message))}::text[]
  ) as e (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition, kafka_offset, message_key, message)`
}

/**
 * Writes the decisions on the orders whose row nobody has written since it was read and nobody locks right now; returns their ids, and the
 * ids of the exceptions that are new. Every other order has to be decided again. It never waits for a lock, so it cannot deadlock. The
 * insert into the ledger has no `on conflict`: if a row were there already, the argument for exactly-once would be broken.
 */
export const writeFills = async (
  sql: Sql,
  {
    moves,
    ledger,
    exceptions,
    now,
  }: { moves: readonly OrderMove[]; ledger: readonly LedgerRow[]; exceptions: readonly ExceptionRow[]; now: Date },
): Promise<{ written: Set<string>; newExceptions: Set<string> }> => {
  const rows = await sql<{ kind: 'order' | 'exception'; id: string }[]>`
    with move as materialized (select * from ${moveInput(sql, moves)}),
    held as materialized (
      select o.id from orders o join move m on o.id = m.id::uuid
      where o.xmin = m.stamp::xid
      order by o.id
      for update of o skip locked
    ), moved as (
      update orders o
      set status = m.status, filled_quantity = m.filled_quantity::numeric, filled_notional = m.filled_notional::numeric,
          last_fill_price = m.last_fill_price::numeric, updated_at = greatest(o.updated_at, m.updated_at::timestamptz),
          version = m.version::integer
      from move m join held h on h.id = m.id::uuid
      where o.id = h.id
    ), appended as (
      insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, cumulative_quantity,
                                  cumulative_notional, kafka_partition, kafka_offset)
      select h.id, l.trade_id, l.side, l.ticker, l.ts::timestamptz, l.quantity::numeric, l.price::numeric, l.late::boolean,
             l.applied_at::timestamptz, l.order_version::integer, l.cumulative_quantity::numeric, l.cumulative_notional::numeric,
             l.kafka_partition::integer, l.kafka_offset::bigint
      from ${ledgerInput(sql, ledger)} join held h on h.id = l.order_id::uuid
      order by h.id, l.order_version::integer
    ), kept as (
      insert into exceptions (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition,
                              kafka_offset, message_key, message, recorded_at)
      select e.id::uuid, e.disposition, e.reason, h.id, e.trade_id, e.side, e.ticker, e.ts::timestamptz, e.quantity::numeric, e.price::numeric,
             e.kafka_topic, e.kafka_partition::integer, e.kafka_offset::bigint, decode(e.message_key, 'hex'), decode(e.message, 'hex'),
             ${now.toISOString()}::timestamptz
      from ${exceptionInput(sql, exceptions)} join held h on h.id = e.order_id::uuid
      on conflict do nothing
      returning id
    ), retold as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, filled_quantity, reason_code, reason_text)
      select r.event_id::uuid, 'CANCELLED', h.id, r.ticker, r.occurred_at::timestamptz, r.filled_quantity::numeric, r.reason_code, r.reason_text
      from ${retoldInput(sql, moves)} join held h on h.id = r.order_id::uuid
      order by h.id
    )
    select 'order' as kind, id from held union all select 'exception', id from kept`
  const idsOf = (kind: 'order' | 'exception') => new Set(rows.filter((row) => row.kind === kind).map((row) => row.id))
  return { written: idsOf('order'), newExceptions: idsOf('exception') }
}
