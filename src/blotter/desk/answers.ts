// What the desk reads of the answers of the service. Amounts are numbers that lost no digit (wire/json.ts).

/** An amount or null, as it came. */
type Amount = unknown

export const limitLabels = {
  tickSize: 'tick',
  lotSize: 'lot',
  quantityMin: 'least quantity',
  quantityMax: 'greatest quantity',
  notionalMax: 'greatest value',
  referencePrice: 'reference price',
  priceBandPercent: 'band in %',
} as const
type LimitName = keyof typeof limitLabels
export type Limits = Readonly<Record<LimitName, Amount>>

type TradingState = 'ACTIVE' | 'HALTED'
export type Changed = {
  readonly state: TradingState
  readonly since: string | null
  readonly by: string | null
  readonly note: string | null
}
export type HaltedTicker = Changed & { readonly ticker: string }
export type Trading = Changed & {
  readonly limits: Limits
  readonly halted: readonly HaltedTicker[]
  readonly haltedCount: number
}

export type Instrument = Limits & {
  readonly ticker: string
  readonly state: TradingState
  readonly changedAt: string
  readonly by: string
  readonly note: string
}

export type Resolution = { readonly resolvedBy: string; readonly note: string; readonly resolvedAt: string }

type AnyException = {
  readonly id: string
  readonly disposition: string
  readonly reason: string
  readonly orderId: string
  readonly ticker: string
  readonly recordedAt: string
  readonly source: { readonly topic: string; readonly partition: unknown; readonly offset: unknown }
  readonly message: string
  readonly resolution: Resolution | null
}
export type TradeException = AnyException & {
  readonly tradeId: string
  readonly side: 'BUY' | 'SELL'
  readonly quantity: Amount
  readonly price: Amount
}
export type ReportException = AnyException & {
  readonly reportId: string
  readonly kind: string
  readonly reportReason: string | null
  readonly cumulativeQuantity: Amount
}
