// What `orders place` is asked for: the body of the request.

import { parsePlainAmount } from '../domain/decimal.ts'
import { presenceFaults, type TermsDraft } from '../domain/termFaults.ts'
import { sides, terms, timesInForce, type OrderType, type Term, type TermName } from '../domain/terms.ts'
import { fieldsInto } from './fields.ts'
import type { Flags, Values } from './grammar.ts'

export const placeFlags = {
  user: { kind: 'text', value: 'uuid', about: 'whose order; may be left out if your credential says it' },
  limit: { kind: 'text', value: 'price', about: 'at this price or better; the same as @ <price>' },
  market: { kind: 'switch', about: 'at any price' },
  stop: { kind: 'text', value: 'price', about: 'waits until a trade meets this price; then --limit or --market holds' },
  tif: { kind: 'text', value: 'time', about: 'DAY (default), GTC, IOC, FOK, GTD', words: timesInForce },
  'expires-at': { kind: 'text', value: 'instant', about: 'ends then, such as 2026-12-31T21:00:00Z; makes it GTD' },
  display: { kind: 'text', value: 'quantity', about: 'an iceberg: shows so much at a time' },
  'post-only': { kind: 'switch', about: 'refused by the engine rather than matched at once' },
  key: { kind: 'text', value: 'key', about: 'your own name for the order, to ask again safely; made if left out' },
  'dry-run': { kind: 'switch', about: 'only asks whether the order would be accepted' },
} as const satisfies Flags
type PlaceValues = Values<typeof placeFlags>

/** Amounts are exact text; a member that is undefined is left out. */
export type OrderBody = Readonly<Partial<Record<TermName, string | boolean | undefined>>>

/** The flag or word that a term comes from. */
const sourceOf: Readonly<Record<TermName, string>> = {
  userId: '--user',
  clientOrderId: '--key',
  ticker: 'the ticker',
  side: 'the side',
  type: 'the type',
  timeInForce: '--tif',
  quantity: 'the quantity',
  price: '--limit',
  stopPrice: '--stop',
  displayQuantity: '--display',
  postOnly: '--post-only',
  expiresAt: '--expires-at',
}

const example = 'such as: orders place BUY 100 AAPL --limit 187.50'

const typeOf = (limit: string | undefined, stop: string | undefined): OrderType => {
  if (stop === undefined) return limit === undefined ? 'MARKET' : 'LIMIT'
  return limit === undefined ? 'STOP' : 'STOP_LIMIT'
}

const limitOf = (values: PlaceValues, behind: readonly string[], faults: string[]): string | undefined => {
  const [sign, price, ...more] = behind
  if (sign !== undefined && (sign !== '@' || price === undefined || more.length > 0))
    faults.push(`behind the ticker may stand @ and a price, not "${behind.join(' ')}"`)
  const given = [values.limit, sign === '@' ? price : undefined].filter((text) => text !== undefined)
  if (given.length + Number(values.market) !== 1) faults.push('either --limit <price> (or @ <price>) or --market')
  return given[0]
}

/** The terms as a body; adds every fault that can be seen without the service. */
export const readOrder = (values: PlaceValues, words: readonly string[], faults: string[]): OrderBody => {
  const read = fieldsInto(faults)
  const [sideWord, quantityWord, tickerWord, ...behind] = words
  if (tickerWord === undefined)
    faults.push(`BUY or SELL, a quantity and a ticker are required, in this order, ${example}`)
  const limit = limitOf(values, behind, faults)
  const timeInForce =
    read.choice('--tif', values.tif, timesInForce) ?? (values['expires-at'] === undefined ? 'DAY' : 'GTD')
  const body = {
    userId: read.uuid('--user', values.user),
    clientOrderId: read.key('--key', values.key),
    ticker: read.ticker('the ticker', tickerWord),
    side: read.choice('the side', sideWord, sides),
    type: typeOf(limit, values.stop),
    timeInForce,
    quantity: read.amount('the quantity', quantityWord),
    price: read.amount('--limit', limit),
    stopPrice: read.amount('--stop', values.stop),
    displayQuantity: read.amount('--display', values.display),
    postOnly: values['post-only'] ? true : undefined,
    expiresAt: read.instant('--expires-at', values['expires-at']),
  } as const
  if (faults.length === 0) faults.push(...termFaultsOf(body))
  return body
}

/** A value of the body as the domain has it; null: it was left out. */
const draftValue = ({ kind }: Term, value: OrderBody[TermName]): unknown => {
  if (typeof value !== 'string' || kind !== 'amount') return value ?? null
  const parsed = parsePlainAmount(value)
  return parsed.ok ? parsed.amount : undefined
}

/** What the terms say against each other, by the rules of the service. Their forms were read already. */
const termFaultsOf = (body: OrderBody): string[] => {
  const draft = Object.fromEntries(terms.map((term) => [term.name, draftValue(term, body[term.name])])) as TermsDraft
  // The service may know whose credential it is.
  return presenceFaults({ ...draft, userId: undefined }).map(({ term, detail }) => `${sourceOf[term]} ${detail}`)
}
