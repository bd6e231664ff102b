// The terms of an order as JSON: how a value of each kind is written, and the schema of the written form. Amounts are written as exact
// decimals, which JSON.stringify cannot write; ids, tickers and choices need no escape.

import { Type, type TSchema } from '@sinclair/typebox'
import { formatAmount, type Amount } from '../domain/decimal.ts'
import {
  orderTypes,
  rulesOf,
  terms,
  type AmountTerm,
  type OptionalTerm,
  type OrderTerms,
  type Term,
  type TermKind,
  type TermName,
} from '../domain/terms.ts'
import { ClientKey, ExactAmount, oneOf, Ticker, Uuid } from './shapes.ts'

export const amountOrNull = (amount: Amount | null): string => (amount === null ? 'null' : formatAmount(amount))

type Writer = (value: never) => string

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
} as const satisfies Record<TermKind, Record<'value' | 'orNull', Writer>>

/** By term, and by the domain's word: the word that JSON has in its place. */
export type Vocabulary = Partial<Record<TermName, Readonly<Record<string, string>>>>

const memberWriter = ({ name, kind, presence }: Term, words?: Readonly<Record<string, string>>): Writer => {
  const start = `,"${name}":`
  const write = writers[kind][presence === 'required' ? 'value' : 'orNull'] as Writer
  if (words === undefined) return (order: OrderTerms) => start + write(order[name] as never)
  return (order: OrderTerms) => {
    const value = order[name]
    return start + write((value === null ? null : words[value as string]) as never)
  }
}

/** Writes these terms as members, each with a comma before it: `,"userId":"…","ticker":"…"`. */
export const membersWriter = (shown: readonly Term[], vocabulary: Vocabulary = {}): ((order: OrderTerms) => string) => {
  const members = shown.map((term) => memberWriter(term, vocabulary[term.name])) as ((order: OrderTerms) => string)[]
  return (order) => {
    let text = ''
    for (const write of members) text += write(order)
    return text
  }
}

const shapes = {
  uuid: () => Uuid,
  key: () => ClientKey,
  ticker: () => Ticker,
  choice: (values) => oneOf(values),
  amount: () => ExactAmount,
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
  return term.presence === 'required' ? shape : orNull(term, shape)
}

export const termShapes = (
  shown: readonly Term[],
  words: Partial<Record<TermName, readonly string[]>> = {},
): Record<string, TSchema> => Object.fromEntries(shown.map((term) => [term.name, shapeOf(term, words[term.name])]))

/** The type of a term for a reader of JSON that keeps every digit: amounts are text. */
type JsonValue<N extends TermName> = N extends AmountTerm
  ? string | (N extends OptionalTerm ? null : never)
  : OrderTerms[N]
export type TermProperties = { [N in TermName]: ReturnType<typeof Type.Unsafe<JsonValue<N>>> }

/** The schemas of all terms, for the one shape of an order. */
export const termProperties = termShapes(terms) as TermProperties
