// The rules of business: what a well-formed order is refused for when it comes in. Administrators set them while the service runs.

import { formatAmount, notionalOf, wholeAmount, type Amount, type Notional } from './decimal.ts'
import { unsupportedBy, type EngineFeature } from './engine.ts'
import type { Reason } from './reason.ts'
import type { OrderTerms } from './terms.ts'

export const limitNames = [
  'tickSize',
  'lotSize',
  'quantityMin',
  'quantityMax',
  'notionalMax',
  'referencePrice',
  'priceBandPercent',
] as const
export type LimitName = (typeof limitNames)[number]
/** Null: no such limit. */
export type Limits = Readonly<Record<LimitName, Amount | null>>

export const noLimits: Limits = {
  tickSize: null,
  lotSize: null,
  quantityMin: null,
  quantityMax: null,
  notionalMax: null,
  referencePrice: null,
  priceBandPercent: null,
}

export const tradingStates = ['ACTIVE', 'HALTED'] as const
export type TradingState = (typeof tradingStates)[number]

/** Which tickers may be ordered: all, or those that are listed. */
export const instrumentModes = ['open', 'listed'] as const
export type InstrumentMode = (typeof instrumentModes)[number]

/** What holds for one ticker. */
export type TickerRules = { readonly state: TradingState; readonly listed: boolean; readonly limits: Limits }

export const usualTicker: TickerRules = { state: 'ACTIVE', listed: false, limits: noLimits }

/** `epoch`: of the gate; each change of the rules raises it. */
export type Rules = {
  readonly epoch: string
  readonly mode: InstrumentMode
  /** Of all tickers. */
  readonly state: TradingState
  /** What holds where a ticker has no limit of its own. */
  readonly limits: Limits
  /** Only those with something of their own. */
  readonly tickers: ReadonlyMap<string, TickerRules>
  /** What the engine can do. */
  readonly features: ReadonlySet<EngineFeature>
}

type Judge = (terms: OrderTerms, limit: (name: LimitName) => Amount | null) => Reason | null

const refuse = (code: string, text: string): Reason => ({ code, text })

const tickSize: Judge = ({ price, stopPrice }, limit) => {
  const tick = limit('tickSize')
  if (tick === null) return null
  if (price !== null && price % tick !== 0n)
    return refuse('TICK_SIZE', `the price must be a multiple of ${formatAmount(tick)}`)
  return stopPrice !== null && stopPrice % tick !== 0n
    ? refuse('TICK_SIZE', `the stopPrice must be a multiple of ${formatAmount(tick)}`)
    : null
}

const lotSize: Judge = ({ quantity, displayQuantity }, limit) => {
  const lot = limit('lotSize')
  if (lot === null) return null
  if (quantity % lot !== 0n) return refuse('LOT_SIZE', `the quantity must be a multiple of ${formatAmount(lot)}`)
  return displayQuantity !== null && displayQuantity % lot !== 0n
    ? refuse('LOT_SIZE', `the displayQuantity must be a multiple of ${formatAmount(lot)}`)
    : null
}

const quantityLimit: Judge = ({ quantity }, limit) => {
  const min = limit('quantityMin')
  if (min !== null && quantity < min)
    return refuse('QUANTITY_LIMIT', `the quantity must be at least ${formatAmount(min)}`)
  const max = limit('quantityMax')
  return max !== null && quantity > max
    ? refuse('QUANTITY_LIMIT', `the quantity must be at most ${formatAmount(max)}`)
    : null
}

const one = wholeAmount(1)
const percent = wholeAmount(100)

const notionalLimit: Judge = ({ quantity, price, stopPrice }, limit) => {
  const max = limit('notionalMax')
  if (max === null) return null
  const reference = limit('referencePrice')
  const by = price ?? stopPrice ?? reference
  if (by === null) return null
  const most: Notional = notionalOf(max, one)
  if (notionalOf(quantity, by) <= most) return null
  const name = price !== null ? 'price' : stopPrice !== null ? 'stopPrice' : `the reference price ${formatAmount(by)}`
  return refuse('NOTIONAL_LIMIT', `quantity times ${name} must be at most ${formatAmount(max)}`)
}

const priceBand: Judge = ({ price, stopPrice }, limit) => {
  const band = limit('priceBandPercent')
  const reference = limit('referencePrice')
  if (band === null || reference === null) return null
  // Prices are whole in their last digit, so the exact width may be cut to it.
  const width = (reference * band) / percent
  const isOutside = (amount: Amount | null): boolean =>
    amount !== null && (amount < reference - width || amount > reference + width)
  const name = isOutside(price) ? 'price' : isOutside(stopPrice) ? 'stopPrice' : null
  if (name === null) return null
  const highest = formatAmount(reference + width)
  const range = reference > width ? `from ${formatAmount(reference - width)} to ${highest}` : `at most ${highest}`
  return refuse(
    'PRICE_BAND',
    `the ${name} must be ${range}, within ${formatAmount(band)} percent of the reference price ${formatAmount(reference)}`,
  )
}

/** In the order in which they are judged. */
const judges: readonly Judge[] = [tickSize, lotSize, quantityLimit, notionalLimit, priceBand]

/** Why no order of this ticker is taken now; null: they are taken. */
const tickerRefusal = ({ state, mode }: Rules, ticker: string, own: TickerRules): Reason | null => {
  if (state === 'HALTED') return refuse('HALTED', 'trading is halted')
  if (own.state === 'HALTED') return refuse('HALTED', `trading in ${ticker} is halted`)
  return mode === 'listed' && !own.listed ? refuse('UNKNOWN_TICKER', `${ticker} is not listed`) : null
}

/**
 * Why these rules refuse an order; null: they do not. What the engine does not know comes last: an administrator can do nothing about it, and
 * the limits hold whatever engine there is.
 */
export const refusalBy = (rules: Rules, terms: OrderTerms): Reason | null => {
  const own = rules.tickers.get(terms.ticker) ?? usualTicker
  const refusal = tickerRefusal(rules, terms.ticker, own)
  if (refusal !== null) return refusal
  const limit = (name: LimitName): Amount | null => own.limits[name] ?? rules.limits[name]
  for (const judge of judges) {
    const reason = judge(terms, limit)
    if (reason !== null) return reason
  }
  return unsupportedBy(rules.features, terms)
}
