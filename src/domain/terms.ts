// The terms of an order: what a client asks for. One table says of each term all that differs between terms. The body of a request,
// the columns, the JSON of orders and events, the comparison of repetitions, the audit of the topics and the published documents are
// made from it. A new term is a row here and a column in sql/; a type of order does not compile until it says whether it takes it.

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
  /** How its values are read, kept and written. Each layer has a table by kind that is complete or does not compile. */
  kind: 'uuid' | 'key' | 'ticker' | 'choice' | 'amount'
  /** In the table `orders`. */
  column: string
  /** `required`: always there. `optional`: null where the client leaves it out. `by type`: as typeRules says; null where it is not given. */
  presence: 'required' | 'optional' | 'by type'
  /** The events that carry it. */
  events: readonly EventKind[]
  /** Whether a repetition of a key has to repeat it. The user and the key itself are how a repetition is found. */
  repeats: boolean
  /** Of a choice. */
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
/** The terms of which this holds. */
type Where<Row> = { [N in TermName]: Table[N] extends Row ? N : never }[TermName]
export type RequiredTerm = Where<{ presence: 'required' }>
export type OptionalTerm = Exclude<TermName, RequiredTerm>
export type AmountTerm = Where<{ kind: 'amount' }>
export type ColumnOf<N extends TermName> = Table[N]['column']
type TermByType = Where<{ presence: 'by type' }>

type ValueOf<Row> = Row extends { kind: 'amount' } ? Amount : Row extends { values: readonly (infer V)[] } ? V : string

/** What the client asked for, all canonical. Never changes. */
export type OrderTerms = { [N in TermName]: ValueOf<Table[N]> | (N extends OptionalTerm ? null : never) }

/** A row with its name, as those see it that treat all terms alike. */
export type Term = TermRow & { name: TermName }
/** One whose values are text also in the domain. */
export type TextTerm = Term & { kind: Exclude<TermKind, 'amount'> }
export const terms: readonly Term[] = (Object.keys(termTable) as TermName[]).map((name) => ({
  name,
  ...termTable[name],
}))

/** The kinds of events that some term names. */
type KindWithTerms = Table[TermName]['events'][number]

/** The terms that an event of this kind carries, in order. A kind that no term names does not compile. */
export const eventTerms = (kind: KindWithTerms): readonly Term[] => terms.filter(({ events }) => events.includes(kind))

/** What an order of each type may and must say. A new type is a new row here, and in the constraint of the same name in sql/. */
export const typeRules = {
  LIMIT: { price: 'required' },
  MARKET: { price: 'forbidden' },
} as const satisfies Record<OrderType, Record<TermByType, 'required' | 'optional' | 'forbidden'>>

type Presence = 'required' | 'optional' | 'forbidden'
const termsByType = terms.filter(({ presence }) => presence === 'by type').map(({ name }) => name as TermByType)

/** What an order of this type says of each term whose presence its type decides. */
export const rulesOf = (type: OrderType): readonly (readonly [TermByType, Presence])[] =>
  termsByType.map((name) => [name, typeRules[type][name]])

const requiredTerms = terms.filter(({ presence }) => presence === 'required').map(({ name }) => name)

const nothingOptional = Object.fromEntries(
  terms.filter(({ presence }) => presence !== 'required').map(({ name }) => [name, null]),
) as Record<OptionalTerm, null>

/** Terms of which nothing optional has to be named. */
export const completeTerms = (given: Pick<OrderTerms, RequiredTerm> & Partial<OrderTerms>): OrderTerms => ({
  ...nothingOptional,
  ...given,
})

/**
 * Terms on their way in. Null: not given. Undefined: given, but it could not be read, and whoever tried has said so; nothing more
 * is said of its form.
 */
export type TermsDraft = { [N in TermName]: OrderTerms[N] | null | undefined }

/** `detail` completes "<term> …"; decide by `code`. */
export type TermFault = { term: TermName; code: 'REQUIRED' | 'FORBIDDEN' | 'MALFORMED'; detail: string }

/** What a value of this term has to be; completes "<term> …" for whoever has to mend it. */
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

/** The canonical form of a term that comes in as text; null for what is none of its values. */
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

/** Why a value that is there is not one of its term, in its canonical form; null where it is. */
const formFault = (term: Term, value: unknown, digits: AmountDigits): string | null => {
  if (isTextTerm(term)) return typeof value === 'string' && isCanonical(term, value) ? null : ruleOf(term, digits)
  const fault = typeof value === 'bigint' ? amountFault(value, digits) : 'NOT_A_NUMBER'
  return fault === null ? null : amountDetail(fault, digits)
}

/** What is missing, and what the type of the order forbids. The form of a value is not looked at. */
export const presenceFaults = (draft: TermsDraft): TermFault[] => {
  const faults: TermFault[] = []
  for (const term of requiredTerms)
    if (draft[term] === null) faults.push({ term, code: 'REQUIRED', detail: 'is required' })
  const { type } = draft
  if (type === undefined || type === null || !Object.hasOwn(typeRules, type)) return faults
  for (const term of termsByType) {
    const rule: Presence = typeRules[type][term]
    const isGiven = draft[term] !== null
    if (rule === 'required' && !isGiven) faults.push({ term, code: 'REQUIRED', detail: `is required for ${type}` })
    if (rule === 'forbidden' && isGiven) faults.push({ term, code: 'FORBIDDEN', detail: `is forbidden for ${type}` })
  }
  return faults
}

/**
 * All that is wrong with these terms: what is not in its canonical form, amounts beyond `digits`, what is missing, and what the
 * type of the order forbids. Empty: an order may be accepted with them.
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
