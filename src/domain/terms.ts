// The terms of an order: what a client asks for. One table holds everything in which the terms differ. The body of a request, the columns,
// the JSON of orders and events, the comparison of repetitions, the audit of the topics and the published documents are made from it. A new
// term is a row here and a column in sql/; a type of order does not compile until it says whether it takes the term.

import type { Amount } from './decimal.ts'
import type { EventKind } from './events.ts'

export const sides = ['BUY', 'SELL'] as const
export type Side = (typeof sides)[number]

export const orderTypes = ['LIMIT', 'MARKET', 'STOP', 'STOP_LIMIT'] as const
export type OrderType = (typeof orderTypes)[number]

export const timesInForce = ['GTC', 'IOC', 'FOK', 'DAY', 'GTD'] as const
export type TimeInForce = (typeof timesInForce)[number]

type TermRow = {
  /** How its values are read, stored and written. Each layer has a table by kind that is complete or does not compile. */
  kind: 'uuid' | 'key' | 'ticker' | 'choice' | 'amount' | 'flag' | 'instant'
  /** Its column in the table `orders`. */
  column: string
  /** `required`: never null. `optional`: null if the client leaves it out. `by rule`: as typeRules and timeInForceRules say; else null too. */
  presence: 'required' | 'optional' | 'by rule'
  /** The events that carry it. */
  events: readonly EventKind[]
  /** An event leaves it out if the order does not have it: the original readers know no such member. */
  onlyIfSet?: boolean
  /** Whether a request that repeats a key must repeat this term too. (The user and the key itself identify the repetition.) */
  repeats: boolean
  /** The values of a choice. */
  values?: readonly string[]
}

/** In the order in which they stand in bodies, answers and events. */
const termTable = {
  userId: { kind: 'uuid', column: 'user_id', presence: 'required', events: ['PLACED', 'CANCELLED'], repeats: false },
  clientOrderId: { kind: 'key', column: 'client_order_id', presence: 'optional', events: [], repeats: false },
  ticker: { kind: 'ticker', column: 'ticker', presence: 'required', events: ['PLACED', 'CANCELLED'], repeats: true },
  side: { kind: 'choice', column: 'side', presence: 'required', events: ['PLACED'], repeats: true, values: sides },
  type: { kind: 'choice', column: 'type', presence: 'required', events: ['PLACED'], repeats: true, values: orderTypes },
  timeInForce: {
    kind: 'choice',
    column: 'time_in_force',
    presence: 'required',
    events: ['PLACED'],
    repeats: true,
    values: timesInForce,
  },
  quantity: {
    kind: 'amount',
    column: 'quantity',
    presence: 'required',
    events: ['PLACED', 'CANCELLED'],
    repeats: true,
  },
  price: { kind: 'amount', column: 'price', presence: 'by rule', events: ['PLACED', 'CANCELLED'], repeats: true },
  /** The order waits for a trade at this price or beyond it; then it goes to the engine. */
  stopPrice: { kind: 'amount', column: 'stop_price', presence: 'by rule', events: [], repeats: true },
  /** How much of an iceberg the engine shows at a time. */
  displayQuantity: {
    kind: 'amount',
    column: 'display_quantity',
    presence: 'by rule',
    events: ['PLACED'],
    repeats: true,
    onlyIfSet: true,
  },
  /** The engine refuses the order rather than match it at once. Null: it may match. */
  postOnly: {
    kind: 'flag',
    column: 'post_only',
    presence: 'by rule',
    events: ['PLACED'],
    repeats: true,
    onlyIfSet: true,
  },
  /** ISO-8601 UTC to the millisecond. A client gives it for GTD; for DAY, and for GTC if it ends, it is fixed when the order is accepted. */
  expiresAt: {
    kind: 'instant',
    column: 'expires_at',
    presence: 'by rule',
    events: ['PLACED'],
    repeats: true,
    onlyIfSet: true,
  },
} as const satisfies Record<string, TermRow>

type Table = typeof termTable
export type TermName = keyof Table
export type TermKind = Table[TermName]['kind']
/** The names of the terms whose row matches. */
type Where<Row> = { [N in TermName]: Table[N] extends Row ? N : never }[TermName]
export type RequiredTerm = Where<{ presence: 'required' }>
export type OptionalTerm = Exclude<TermName, RequiredTerm>
export type AmountTerm = Where<{ kind: 'amount' }>
export type ColumnOf<N extends TermName> = Table[N]['column']
type TermByRule = Where<{ presence: 'by rule' }>

type ValueOf<Row> = Row extends { kind: 'amount' }
  ? Amount
  : Row extends { kind: 'flag' }
    ? true
    : Row extends { values: readonly (infer V)[] }
      ? V
      : string

/** What the client asked for, in canonical form. It never changes. */
export type OrderTerms = { [N in TermName]: ValueOf<Table[N]> | (N extends OptionalTerm ? null : never) }

/** A row with its name, for code that treats all terms alike. */
export type Term = TermRow & { name: TermName }
/** A term whose values are text in the domain too. */
export type TextTerm = Term & { kind: Exclude<TermKind, 'amount' | 'flag'> }
export const terms: readonly Term[] = (Object.keys(termTable) as TermName[]).map((name) => ({
  name,
  ...termTable[name],
}))

type EventTermName = { [N in TermName]: Table[N]['events'] extends readonly [] ? never : N }[TermName]
/**
 * What events say of an order. Amounts are texts in the shortest notation, because nobody calculates with them between the database and
 * the topic.
 */
export type EventTerms = {
  [N in EventTermName]: N extends AmountTerm ? string | (N extends OptionalTerm ? null : never) : OrderTerms[N]
}
/** The terms that some event carries. */
export const allEventTerms: readonly (Term & { name: EventTermName })[] = terms.filter(
  (term): term is Term & { name: EventTermName } => term.events.length > 0,
)

/** Every event carries the ticker, which is its key on the topic. */
type KindWithTerms = Table['ticker']['events'][number]

/** The terms that an event of this kind carries, in order. A kind that the row of the ticker does not name does not compile. */
export const eventTerms = (kind: KindWithTerms): readonly Term[] => terms.filter(({ events }) => events.includes(kind))

type Presence = 'required' | 'optional' | 'forbidden'

/**
 * Which terms an order of each type must have, may have, and must not have. A new type is a new row here, and in the constraint
 * `orders_type_and_terms` in sql/.
 */
export const typeRules = {
  LIMIT: { price: 'required', stopPrice: 'forbidden', displayQuantity: 'optional', postOnly: 'optional' },
  MARKET: { price: 'forbidden', stopPrice: 'forbidden', displayQuantity: 'forbidden', postOnly: 'forbidden' },
  STOP: { price: 'forbidden', stopPrice: 'required', displayQuantity: 'forbidden', postOnly: 'forbidden' },
  STOP_LIMIT: { price: 'required', stopPrice: 'required', displayQuantity: 'optional', postOnly: 'forbidden' },
} as const satisfies Record<OrderType, Record<Exclude<TermByRule, 'expiresAt'>, Presence>>

const atOnce = {
  expiresAt: 'forbidden',
  stopPrice: 'forbidden',
  displayQuantity: 'forbidden',
  postOnly: 'forbidden',
} as const

/** The same by time in force: what a client gives. A new row has its twin in the constraint `orders_time_in_force`. */
export const timeInForceRules = {
  GTC: { expiresAt: 'forbidden' },
  DAY: { expiresAt: 'forbidden' },
  GTD: { expiresAt: 'required' },
  IOC: atOnce,
  FOK: atOnce,
} as const satisfies Record<TimeInForce, Partial<Record<TermByRule, Presence>>>

/** The terms whose presence a type, or a time in force, decides, each with its presence. */
export type PresenceRules = readonly (readonly [TermByRule, Presence])[]
const rulesIn = <Key extends string>(table: Record<Key, Partial<Record<TermByRule, Presence>>>) =>
  Object.fromEntries(
    Object.entries(table).map(([key, rules]) => [key, Object.entries(rules as object)]),
  ) as unknown as {
    [K in Key]: PresenceRules
  }
const rulesByType = rulesIn<OrderType>(typeRules)
const rulesByTimeInForce = rulesIn<TimeInForce>(timeInForceRules)

/** The rule of this type for each term whose presence depends on the type. */
export const rulesOf = (type: OrderType): PresenceRules => rulesByType[type]
export const rulesOfTimeInForce = (timeInForce: TimeInForce): PresenceRules => rulesByTimeInForce[timeInForce]

export const requiredTerms: readonly TermName[] = terms
  .filter(({ presence }) => presence === 'required')
  .map(({ name }) => name)

const nothingOptional = Object.fromEntries(
  terms.filter(({ presence }) => presence !== 'required').map(({ name }) => [name, null]),
) as Record<OptionalTerm, null>

/** Completes terms: an optional term that is left out becomes null. */
export const completeTerms = (partial: Pick<OrderTerms, RequiredTerm> & Partial<OrderTerms>): OrderTerms => ({
  ...nothingOptional,
  ...partial,
})

const repeatedTerms = terms.filter(({ repeats }) => repeats).map(({ name }) => name)

/** The terms in which two requests with one key differ, by the names of the API; empty for a true repetition. */
export const differingTerms = (present: OrderTerms, repeated: OrderTerms): TermName[] =>
  repeatedTerms.filter(
    (name) => present[name] !== repeated[name] && !(name === 'expiresAt' && isFixedAtAcceptance(present)),
  )

/** Whether the end of this order is none of its client's terms, but fixed when it is accepted. */
const isFixedAtAcceptance = ({ timeInForce }: OrderTerms): boolean =>
  timeInForceRules[timeInForce].expiresAt === 'forbidden'
