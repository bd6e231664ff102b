// Exceptions: legs that were not applied although their order is ours.

import { amountFromSql, type Amount } from '../domain/decimal.ts'
import type { ExceptionDisposition } from '../domain/leg.ts'
import type { Side } from '../domain/terms.ts'
import { createExceptionList, type CommonFilter, type StoredException } from './exceptionList.ts'
import { isoFromSql } from './time.ts'

type Leg = { tradeId: string; side: Side; quantity: Amount; price: Amount; tradedAt: string }
type LegRow = { trade_id: string; side: Side; quantity: string; price: string; traded_at: string }
type OwnFilter = { tradeId: string | undefined }

export type TradeException = StoredException<ExceptionDisposition> & Leg
export type ExceptionFilter = CommonFilter<ExceptionDisposition> & OwnFilter

export const tradeExceptions = createExceptionList<LegRow, OwnFilter, Leg, ExceptionDisposition>({
  table: 'exceptions',
  resolutions: 'exception_resolutions',
  columns: `e.trade_id, e.side, e.quantity, e.price, to_char(e.ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as traded_at`,
  condition: (sql, { tradeId }) => (tradeId === undefined ? sql`true` : sql`e.trade_id = ${tradeId}`),
  fromRow: (row) => ({
    tradeId: row.trade_id,
    side: row.side,
    quantity: amountFromSql(row.quantity),
    price: amountFromSql(row.price),
    tradedAt: isoFromSql(row.traded_at),
  }),
})
