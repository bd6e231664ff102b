// What an order is, said a second time and in the plainest words: a reference to hold the service against. It shares no code
// with src/. Amounts are whole numbers of 10^-8, notionals of 10^-16. Every function gives a new state and what it answers.

export type Side = 'BUY' | 'SELL'

/** `stopPrice` null: no stop. */
export type Terms = { side: Side; ticker: string; quantity: bigint; stopPrice: bigint | null }

/** One leg of a trade for one order. `side` null: the order's own. `both`: the trade names this order twice. */
export type Leg = {
  tradeId: string
  side: Side | null
  ticker: string
  quantity: bigint
  price: bigint
  both: boolean
}

export type Disposition = 'MISMATCH' | 'DUPLICATE' | 'CONFLICT' | 'OVERFILL' | 'LATE' | 'APPLIED'

export type State = {
  terms: Terms
  status: 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED' | 'REJECTED'
  /** A stop whose price was never met. */
  waits: boolean
  filled: bigint
  notional: bigint
  lastPrice: bigint | null
  version: number
  /** In the order of application: `trade content late`. */
  ledger: readonly { tradeId: string; content: string; late: boolean }[]
  /** `trade content disposition`, in any order. */
  exceptions: readonly { tradeId: string; content: string; disposition: Disposition }[]
}

export const place = (terms: Terms): State => ({
  terms,
  status: 'NEW',
  waits: terms.stopPrice !== null,
  filled: 0n,
  notional: 0n,
  lastPrice: null,
  version: 0,
  ledger: [],
  exceptions: [],
})

type Answer = { state: State; answer: State['status'] | 'OK' }

/** The end of an order that is not filled. One that is partially filled keeps its fills, and cannot be rejected. */
export const end = (state: State, status: 'CANCELED' | 'EXPIRED' | 'REJECTED'): Answer => {
  const can = state.status === 'NEW' || (state.status === 'PARTIALLY_FILLED' && status !== 'REJECTED')
  return can
    ? { state: { ...state, status, version: state.version + 1 }, answer: 'OK' }
    : { state, answer: state.status }
}

/** A cancel of a new order only; the answer otherwise is the status that stood in the way. */
export const cancel = (state: State): Answer =>
  state.status === 'NEW' ? end(state, 'CANCELED') : { state, answer: state.status }

/** A stop that waits is triggered by a trade of its ticker at its price or beyond it. */
export const trigger = (state: State, trade: { ticker: string; price: bigint }): { state: State; answer: boolean } => {
  const { side, ticker, stopPrice } = state.terms
  const isMet = stopPrice !== null && (side === 'BUY' ? trade.price >= stopPrice : trade.price <= stopPrice)
  const answer = state.waits && state.status === 'NEW' && trade.ticker === ticker && isMet
  return answer ? { state: { ...state, waits: false, version: state.version + 1 }, answer } : { state, answer }
}

export const contentOf = (leg: Omit<Leg, 'both' | 'tradeId'>, side: Side): string =>
  `${leg.side ?? side} ${leg.ticker} ${leg.quantity} at ${leg.price}`

const judge = (state: State, leg: Leg, content: string): Disposition => {
  const { terms, status, waits, filled, ledger, exceptions } = state
  if (waits || status === 'REJECTED') return 'MISMATCH'
  if (leg.both || leg.ticker !== terms.ticker || (leg.side ?? terms.side) !== terms.side) return 'MISMATCH'
  const ofTrade = (row: { tradeId: string }): boolean => row.tradeId === leg.tradeId
  const recorded = [...ledger.filter(ofTrade), ...exceptions.filter(ofTrade)]
  if (recorded.some((row) => row.content === content)) return 'DUPLICATE'
  if (ledger.some(ofTrade)) return 'CONFLICT'
  if (filled + leg.quantity > terms.quantity) return 'OVERFILL'
  return status === 'CANCELED' || status === 'EXPIRED' ? 'LATE' : 'APPLIED'
}

const applied = (state: State, leg: Leg, content: string, late: boolean): State => {
  const filled = state.filled + leg.quantity
  const reached = filled === state.terms.quantity ? 'FILLED' : 'PARTIALLY_FILLED'
  return {
    ...state,
    status: late ? state.status : reached,
    filled,
    notional: state.notional + leg.quantity * leg.price,
    lastPrice: leg.price,
    version: state.version + 1,
    ledger: [...state.ledger, { tradeId: leg.tradeId, content, late }],
  }
}

export const fill = (state: State, leg: Leg): { state: State; answer: Disposition } => {
  const content = contentOf(leg, state.terms.side)
  const answer = judge(state, leg, content)
  if (answer === 'APPLIED' || answer === 'LATE')
    return { state: applied(state, leg, content, answer === 'LATE'), answer }
  const { tradeId } = leg
  const isKnown = state.exceptions.some((row) => row.tradeId === tradeId && row.content === content)
  if (answer === 'DUPLICATE' || isKnown) return { state, answer }
  return { state: { ...state, exceptions: [...state.exceptions, { tradeId, content, disposition: answer }] }, answer }
}

/** One text for all that can be read of an order, to compare by. */
export const picture = ({ status, waits, filled, notional, lastPrice, version, ledger, exceptions }: State): string =>
  [
    `${status}${waits ? ' waits' : ''} v${version} filled ${filled} for ${notional} last ${lastPrice ?? '-'}`,
    ...ledger.map((row) => `${row.tradeId} ${row.content}${row.late ? ' late' : ''}`),
    ...exceptions.map((row) => `${row.disposition} ${row.tradeId} ${row.content}`).toSorted(),
  ].join('\n')
