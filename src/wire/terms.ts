// The terms of an order as JSON: how a value of each kind is written, and the schema of the written form. Amounts are written as exact
// decimals, which JSON.stringify cannot write; ids, tickers and choices need no escape.

import { Type, type TSchema } from '@sinclair/typebox'
import { formatAmount, type Amount } from '../domain/decimal.ts'
import {
  orderTypes,
  rulesOf,
  terms,
  type AmountTerm,
  type EventTerms,
  type OptionalTerm,
  type OrderTerms,
  type Term,
  type TermKind,
  type TermName,
} from '../domain/terms.ts'
import { ClientKey, ExactAmount, Instant, oneOf, Ticker, Uuid } from './shapes.ts'

export const amountOrNull = (amount: Amount | null): string => (amount === null ? 'null' : formatAmount(amount))

type Writer = (value: never) => string

const same = (text: string): string => text
const quoted = (text: string): string => `"${text}"`
const escaped = (text: string | null): string => JSON.stringify(text)
const quotedOrNull = (text: string | null): string => (text === null ? 'null' : `"${text}"`)

/** How a value of each kind is written as JSON. `value`: of a term that is never null. `orNull`: of a term that may be null. */
const writers = {
  uuid: { value: quoted, orNull: quotedOrNull },
  key: { value: escaped, orNull: escaped },
  ticker: { value: quoted, orNull: quotedOrNull },
  choice: { value: quoted, orNull: quotedOrNull },
  amount: { value: formatAmount, orNull: amountOrNull },
  flag: { value: String, orNull: (flag: true | null) => String(flag === true) },
  instant: { value: quoted, orNull: quotedOrNull },
} as const satisfies Record<TermKind, Record<'value' | 'orNull', Writer>>

/** Of an event, whose amounts are texts already. */
const eventWriters = { ...writers, amount: { value: same, orNull: (text: string | null) => text ?? 'null' } }

type Writers = Record<TermKind, Record<'value' | 'orNull', Writer>>

type Words = Readonly<Record<string, string>>

/** `words`: what JSON has in place of the domain's words. */
const memberWriter = ({ name, kind, presence }: Term, by: Writers, words?: Words): Writer => {
  const start = `,"${name}":`
  const write = by[kind][presence === 'required' ? 'value' : 'orNull']
  if (words === undefined) return (order: Record<TermName, unknown>) => start + write(order[name] as never)
  return (order: Record<TermName, string | null>) => {
    const value = order[name]
    return start + write((value === null ? null : words[value]) as never)
  }
}

const allOf = (members: readonly Writer[]): ((order: OrderTerms | EventTerms) => string) => {
  const writes = members as readonly ((order: unknown) => string)[]
  return (order: unknown) => {
    let text = ''
    for (const write of writes) text += write(order)
    return text
  }
}

/** Writes these terms as members, each with a comma before it: `,"userId":"…","ticker":"…"`. */
export const membersWriter = (shown: readonly Term[]): ((order: OrderTerms) => string) =>
  allOf(shown.map((term) => memberWriter(term, writers)))

/** By term, and by the domain's word: the word that JSON has in its place. */
export type Vocabulary = Partial<Record<TermName, Words>>

const eventMemberWriter = (term: Term, vocabulary: Vocabulary): Writer => {
  const { name, onlyIfSet } = term
  const write = memberWriter(term, eventWriters, vocabulary[name])
  if (onlyIfSet !== true) return write
  return (order: Record<TermName, unknown>) => (order[name] === null ? '' : write(order as never))
}

/** As membersWriter, of an event, which has words of its own and leaves out some terms that the order does not have. */
export const eventMembersWriter = (shown: readonly Term[], vocabulary: Vocabulary): ((order: EventTerms) => string) =>
  allOf(shown.map((term) => eventMemberWriter(term, vocabulary)))

const shapes = {
  uuid: () => Uuid,
  key: () => ClientKey,
  ticker: () => Ticker,
  choice: (values) => oneOf(values),
  amount: () => ExactAmount,
  flag: () => Type.Boolean(),
  instant: () => Instant,
} as const satisfies Record<TermKind, (values: readonly string[]) => TSchema>

/** The types of order that do not take this term. */
const typesWithout = (name: TermName): string[] =>
  orderTypes.filter((type) => rulesOf(type).some(([term, rule]) => term === name && rule === 'forbidden'))

const orNull = ({ name }: Term, shape: TSchema): TSchema => {
  const types = typesWithout(name)
  const description = types.length === 0 ? {} : { description: `Null for ${types.join(', ')}.` }
  return Type.Union([shape, Type.Null()], description)
}

/** The schema of a term as it leaves. `words`: the words of a choice, if they are not the domain's. */
const shapeOf = (term: Term, words: readonly string[] = term.values ?? []): TSchema => {
  const shape = shapes[term.kind](words)
  return term.presence === 'required' || term.kind === 'flag' ? shape : orNull(term, shape)
}

/** With `words`: of an event, which leaves out some terms that the order does not have. */
export const termShapes = (
  shown: readonly Term[],
  words?: Partial<Record<TermName, readonly string[]>>,
): Record<string, TSchema> =>
  Object.fromEntries(
    shown.map((term) => {
      const shape = shapeOf(term, words?.[term.name])
      return [term.name, words !== undefined && term.onlyIfSet === true ? Type.Optional(shape) : shape]
    }),
  )

/** The type of a term for a reader of JSON that keeps every digit: amounts are text. */
type JsonValue<N extends TermName> = N extends AmountTerm
  ? string | (N extends OptionalTerm ? null : never)
  : N extends 'postOnly'
    ? boolean
    : OrderTerms[N]
export type TermProperties = { [N in TermName]: ReturnType<typeof Type.Unsafe<JsonValue<N>>> }

/** The schemas of all terms, for the one shape of an order. */
export const termProperties = termShapes(terms) as TermProperties
