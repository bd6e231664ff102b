// The terms of an order: what a client asks for. One table holds everything in which the terms differ. The body of a request, the columns,
// the JSON of orders and events, the comparison of repetitions, the audit of the topics and the published documents are made from it. A new
// term is a row here and a column in sql/; a type of order does not compile until it says whether it takes the term.

import { amountDetail, amountDigits, amountFault, amountRule, type Amount, type AmountDigits } from './decimal.ts'
import type { EventKind } from './events.ts'
import { canonicalUuid } from './ids.ts'
import { canonicalKey, canonicalTicker, isStored, keyForm, tickerForm, uuidForm } from './patterns.ts'

export const sides = ['BUY', 'SELL'] as const
export type Side = (typeof sides)[number]

export const orderTypes = ['LIMIT', 'MARKET'] as const
export type OrderType = (typeof orderTypes)[number]

const timesInForce = ['GTC', 'IOC', 'FOK', 'DAY'] as const
export type TimeInForce = (typeof timesInForce)[number]

type TermRow = {
  /** How its values are read, stored and written. Each layer has a table by kind that is complete or does not compile. */
  kind: 'uuid' | 'key' | 'ticker' | 'choice' | 'amount'
  /** Its column in the table `orders`. */
  column: string
  /** `required`: never null. `optional`: null if the client leaves it out. `by type`: as typeRules says; null if the client leaves it out. */
  presence: 'required' | 'optional' | 'by type'
  /** The events that carry it. */
  events: readonly EventKind[]
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
  price: { kind: 'amount', column: 'price', presence: 'by type', events: ['PLACED', 'CANCELLED'], repeats: true },
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
type TermByType = Where<{ presence: 'by type' }>

type ValueOf<Row> = Row extends { kind: 'amount' } ? Amount : Row extends { values: readonly (infer V)[] } ? V : string

/** What the client asked for, in canonical form. It never changes. */
export type OrderTerms = { [N in TermName]: ValueOf<Table[N]> | (N extends OptionalTerm ? null : never) }

/** A row with its name, for code that treats all terms alike. */
export type Term = TermRow & { name: TermName }
/** A term whose values are text in the domain too. */
export type TextTerm = Term & { kind: Exclude<TermKind, 'amount'> }
export const terms: readonly Term[] = (Object.keys(termTable) as TermName[]).map((name) => ({
  name,
  ...termTable[name],
}))

/** Every event carries the ticker, which is its key on the topic. */
type KindWithTerms = Table['ticker']['events'][number]

/** The terms that an event of this kind carries, in order. A kind that the row of the ticker does not name does not compile. */
export const eventTerms = (kind: KindWithTerms): readonly Term[] => terms.filter(({ events }) => events.includes(kind))

/**
 * Which terms an order of each type must have, may have, and must not have. A new type is a new row here, and in the constraint of the same
 * name in sql/.
 */
export const typeRules = {
  LIMIT: { price: 'required' },
  MARKET: { price: 'forbidden' },
} as const satisfies Record<OrderType, Record<TermByType, 'required' | 'optional' | 'forbidden'>>

type Presence = 'required' | 'optional' | 'forbidden'
const termsByType = terms.filter(({ presence }) => presence === 'by type').map(({ name }) => name as TermByType)

/** The rule of this type for each term whose presence depends on the type. */
export const rulesOf = (type: OrderType): readonly (readonly [TermByType, Presence])[] =>
  termsByType.map((name) => [name, typeRules[type][name]])

const requiredTerms = terms.filter(({ presence }) => presence === 'required').map(({ name }) => name)

const nothingOptional = Object.fromEntries(
  terms.filter(({ presence }) => presence !== 'required').map(({ name }) => [name, null]),
) as Record<OptionalTerm, null>

/** Completes terms: an optional term that is left out becomes null. */
export const completeTerms = (partial: Pick<OrderTerms, RequiredTerm> & Partial<OrderTerms>): OrderTerms => ({
  ...nothingOptional,
  ...partial,
})

/**
 * Terms before they are checked. Null: the client left the term out. Undefined: its value could not be read; the decoder has reported that
 * already, so no fault of its form is added.
 */
export type TermsDraft = { [N in TermName]: OrderTerms[N] | null | undefined }

/** `detail` completes "<term> …"; decide by `code`. */
export type TermFault = { term: TermName; code: 'REQUIRED' | 'FORBIDDEN' | 'MALFORMED'; detail: string }

/** The form that a value of this term must have; completes "<term> …" in the message to the client. */
export const ruleOf = ({ kind, values = [] }: Term, digits: AmountDigits = amountDigits): string => {
  switch (kind) {
    case 'uuid':
      return uuidForm.rule
    case 'key':
      return keyForm.rule
    case 'ticker':
      return tickerForm.rule
    case 'choice':
      return `must be one of ${values.join(', ')}`
    case 'amount':
      return amountRule(digits)
  }
}

/** The canonical form of a term that comes in as text; null if the text is not one of its values. */
export const canonicalText = ({ kind, values = [] }: TextTerm, text: string): string | null => {
  switch (kind) {
    case 'uuid':
      return canonicalUuid(text)
    case 'key':
      return canonicalKey(text)
    case 'ticker':
      return canonicalTicker(text)
    case 'choice':
      return values.includes(text) ? text : null
  }
}

/** Whether a text is the canonical form of a value of this term. */
const isCanonical = ({ kind, values = [] }: TextTerm, text: string): boolean => {
  switch (kind) {
    case 'uuid':
      return isStored.uuid(text)
    case 'key':
      return isStored.key(text)
    case 'ticker':
      return isStored.ticker(text)
    case 'choice':
      return values.includes(text)
  }
}

export const isTextTerm = (term: Term): term is TextTerm => term.kind !== 'amount'

/** Why a value that is present is not a canonical value of its term; null if it is one. */
const formFault = (term: Term, value: unknown, digits: AmountDigits): string | null => {
  if (isTextTerm(term)) return typeof value === 'string' && isCanonical(term, value) ? null : ruleOf(term, digits)
  const fault = typeof value === 'bigint' ? amountFault(value, digits) : 'NOT_A_NUMBER'
  return fault === null ? null : amountDetail(fault, digits)
}

/** The terms that are missing, and those that the type of the order forbids. It does not check the form of a value. */
export const presenceFaults = (draft: TermsDraft): TermFault[] => {
  const faults: TermFault[] = []
  for (const term of requiredTerms)
    if (draft[term] === null) faults.push({ term, code: 'REQUIRED', detail: 'is required' })
  const { type } = draft
  if (type === undefined || type === null || !Object.hasOwn(typeRules, type)) return faults
  for (const term of termsByType) {
    const rule: Presence = typeRules[type][term]
    const isPresent = draft[term] !== null
    if (rule === 'required' && !isPresent) faults.push({ term, code: 'REQUIRED', detail: `is required for ${type}` })
    if (rule === 'forbidden' && isPresent) faults.push({ term, code: 'FORBIDDEN', detail: `is forbidden for ${type}` })
  }
  return faults
}

/**
 * All faults of these terms: values that are not in canonical form, amounts beyond `digits`, terms that are missing, and terms that the
 * type of the order forbids. Empty: an order with these terms may be accepted.
 */
export const termsFaults = (draft: TermsDraft, digits: AmountDigits = amountDigits): TermFault[] => {
  const faults = presenceFaults(draft)
  for (const term of terms) {
    const value = draft[term.name]
    if (value === undefined || value === null) continue
    const detail = formFault(term, value, digits)
    if (detail !== null) faults.push({ term: term.name, code: 'MALFORMED', detail })
  }
  return faults
}

const repeatedTerms = terms.filter(({ repeats }) => repeats).map(({ name }) => name)

/** The terms in which two requests with one key differ, by the names of the API; empty for a true repetition. */
export const differingTerms = (present: OrderTerms, repeated: OrderTerms): TermName[] =>
  repeatedTerms.filter((name) => present[name] !== repeated[name])
