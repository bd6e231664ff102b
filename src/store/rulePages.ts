// What people and clients read of the rules of business: instruments with their limits, and whether trading is halted.

import type { Limits, TradingState } from '../domain/rules.ts'
import { limitsFromRow, type LimitsRow } from './rules.ts'
import type { Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

/** Who changed something last, when and why. `at`: ISO-8601. */
type LastChange = { at: string; by: string; note: string }

type LastChangeRow = { changed_at: string; changed_by: string; note: string }

const lastChangeFromRow = ({ changed_at, changed_by: by, note }: LastChangeRow): LastChange => ({
  at: isoFromSql(changed_at),
  by,
  note,
})

/** `state`: HALTED also where all trading is halted. `limits`: its own. */
export type Instrument = { ticker: string; state: TradingState; limits: Limits; epoch: string; changed: LastChange }

export type InstrumentFilter = { ticker: string | undefined; after: string | undefined }

const limitColumns = (sql: Sql) =>
  sql`i.tick_size, i.lot_size, i.quantity_min, i.quantity_max, i.notional_max, i.reference_price, i.price_band_percent`

/** At most `limit` listed instruments, by ticker. `after`: tickers behind this one only. */
export const readInstruments = async (
  sql: Sql,
  { ticker, after }: InstrumentFilter,
  limit: number,
): Promise<Instrument[]> => {
  type Row = LimitsRow & LastChangeRow & { ticker: string; state: TradingState; epoch: string }
  const rows = await sql<Row[]>`
    select i.ticker, ${limitColumns(sql)}, i.epoch, utc_text(i.changed_at) as changed_at, i.changed_by, i.note,
           case when exists (select from trading_states s where s.state = 'HALTED' and s.ticker in ('', i.ticker))
                then 'HALTED' else 'ACTIVE' end as state
    from instruments i
    where i.listed
      and ${ticker === undefined ? sql`true` : sql`i.ticker = ${ticker}`}
      and ${after === undefined ? sql`true` : sql`i.ticker > ${after}`}
    order by i.ticker
    limit ${limit}::integer`
  return rows.map((row) => ({
    ticker: row.ticker,
    state: row.state,
    limits: limitsFromRow(row),
    epoch: row.epoch,
    changed: lastChangeFromRow(row),
  }))
}

/** `since`: when the state became this one, ISO-8601. Both null: it was never changed. */
export type Trading = { state: TradingState; since: string | null; changed: LastChange | null }

/** `limits`: what holds where a ticker has none of its own. `halted`: the first tickers that are halted by themselves; `haltedCount`: all. */
export type TradingOverview = {
  epoch: string
  all: Trading
  limits: Limits
  halted: (Trading & { ticker: string })[]
  haltedCount: number
}

type TradingRow = LastChangeRow & { ticker: string | null; state: TradingState; since: string }

const tradingFromRow = (row: TradingRow | undefined): Trading =>
  row === undefined
    ? { state: 'ACTIVE', since: null, changed: null }
    : { state: row.state, since: isoFromSql(row.since), changed: lastChangeFromRow(row) }

/** Of all trading, with at most `limit` halted tickers, by ticker. */
export const readTrading = async (sql: Sql, limit: number): Promise<TradingOverview> => {
  const rows = await sql<(TradingRow & LimitsRow & { epoch: string; halted: number })[]>`
    select g.epoch, ${limitColumns(sql)}, s.ticker, s.state, utc_text(s.since) as since, utc_text(s.changed_at) as changed_at, s.changed_by, s.note,
           (select count(*)::integer from trading_states h where h.state = 'HALTED' and h.ticker <> '') as halted
    from rules_gate g
    left join instruments i on i.ticker = ''
    left join lateral (
      (select * from trading_states t where t.ticker = '')
      union all
      (select * from trading_states t where t.state = 'HALTED' and t.ticker <> '' order by t.ticker limit ${limit}::integer)
    ) s on true
    order by s.ticker`
  const first = rows[0]!
  return {
    epoch: first.epoch,
    all: tradingFromRow(rows.find(({ ticker }) => ticker === '')),
    limits: limitsFromRow(first),
    halted: rows.flatMap((row) =>
      row.ticker === null || row.ticker === '' ? [] : [{ ticker: row.ticker, ...tradingFromRow(row) }],
    ),
    haltedCount: first.halted,
  }
}

/** `own`: of the ticker by itself. Its orders are taken where both are ACTIVE. */
export type TickerTrading = { epoch: string; ticker: string; own: Trading; all: Trading }

export const readTickerTrading = async (sql: Sql, ticker: string): Promise<TickerTrading> => {
  const rows = await sql<(TradingRow & { epoch: string })[]>`
    select g.epoch, s.ticker, s.state, utc_text(s.since) as since, utc_text(s.changed_at) as changed_at, s.changed_by, s.note
    from rules_gate g left join trading_states s on s.ticker in ('', ${ticker})`
  const of = (name: string): Trading => tradingFromRow(rows.find((row) => row.ticker === name))
  return { epoch: rows[0]!.epoch, ticker, own: of(ticker), all: of('') }
}
