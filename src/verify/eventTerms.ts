// The terms of an order in its events, as `orders verify` reads and compares them. All of it is made from the table of terms
// (domain/terms.ts).

import { Type, type TSchema } from '@sinclair/typebox'
import { formatAmount, type Amount } from '../domain/decimal.ts'
import { eventKinds, type EventKind } from '../domain/events.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { canonicalInstant } from '../domain/patterns.ts'
import { eventTerms, terms, type Term, type TermKind, type TermName } from '../domain/terms.ts'
import { publishedVocabulary } from '../kafka/vocabulary.ts'
import { textArray, type Fragment, type Sql } from '../store/sql.ts'
import { sqlText } from '../store/sqlText.ts'
import { arrayCast } from '../store/terms.ts'
import { amountFromJson } from '../wire/json.ts'
import type { Vocabulary } from '../wire/terms.ts'

/** What an event says of its order's terms. Null: the event says that the order has none. Absent: events of this kind do not carry the term. */
export type PublishedTerms = Partial<Record<TermName, string | Amount | null>> & { ticker: string }

/** A NUL cannot be stored as a text; no lawful value has one. */
export const printable = (text: string): string => text.replaceAll('\0', '?')

/**
 * The JSON type of each kind, and how its value is read; undefined if it is not a value of the kind. A value that is only wrong stays as it
 * is.
 */
const kinds = {
  uuid: { shape: Type.String(), read: (value) => canonicalUuid(value as string) ?? undefined },
  key: { shape: Type.String(), read: (value) => printable(value as string) },
  ticker: { shape: Type.String(), read: (value) => printable(value as string) },
  choice: { shape: Type.String(), read: (value) => printable(value as string) },
  amount: {
    shape: Type.Unknown(),
    read: (value) => {
      const parsed = amountFromJson(value)
      return parsed.ok ? parsed.amount : undefined
    },
  },
  flag: { shape: Type.Boolean(), read: (value) => (value === true ? 'true' : 'false') },
  instant: { shape: Type.String(), read: (value) => canonicalInstant(value as string) ?? undefined },
} as const satisfies Record<TermKind, { shape: TSchema; read: (value: unknown) => string | Amount | undefined }>

/**
 * The members of an event of this kind for its terms. A term that an order may lack may be absent: an event that was published
 * before that term existed does not name it.
 */
export const termMembers = (kind: EventKind): Record<string, TSchema> =>
  Object.fromEntries(
    eventTerms(kind).map(({ name, kind: of, presence }) => [
      name,
      presence === 'required' ? kinds[of].shape : Type.Optional(Type.Union([kinds[of].shape, Type.Null()])),
    ]),
  )

/**
 * Reads the terms of a message that has these members. A term that is absent reads as null, so it differs from the order's row
 * if that holds a value. @returns the name of the first term that cannot be read, if there is one
 */
export const readTerms = (kind: EventKind, message: Readonly<Record<string, unknown>>): PublishedTerms | TermName => {
  const read: Partial<PublishedTerms> = {}
  for (const { name, kind: of, presence } of eventTerms(kind)) {
    const value = message[name] ?? null
    const term = value === null && presence !== 'required' ? null : kinds[of].read(value)
    if (term === undefined) return name
    Object.assign(read, { [name]: term })
  }
  return read as PublishedTerms
}

const published = terms.filter(({ events }) => events.length > 0)

/** For `unnest`: one array per published term, in the order of termColumns. */
export const termArrays = (sql: Sql, rows: readonly PublishedTerms[]): Fragment => {
  const arrays = published.map(({ name }) =>
    textArray(rows.map(({ [name]: value = null }) => (typeof value === 'bigint' ? formatAmount(value) : value))),
  )
  return sql(arrayTexts, ...arrays)
}
const arrayTexts = sqlText([
  '',
  ...published.map((term, i) => `${arrayCast(term)}${i === published.length - 1 ? '' : ',\n    '}`),
])

export const termColumns = sqlText([published.map(({ column }) => column).join(', ')])

/** In the form in which equal values are alike. An event leaves a flag out that is not set. */
const scaled = ({ kind }: Term, value: string): string => {
  if (kind === 'amount') return `trim_scale(${value})`
  return kind === 'flag' ? `nullif(${value}, false)` : value
}

/** The value of a term that an event must have if its kind carries the term, by the order's row `o`. */
const expected = (term: Term): string => {
  const value = scaled(term, `o.${term.column}`)
  if (eventKinds.every((kind) => term.events.includes(kind))) return `${value} as ${term.column}`
  const carriers = term.events.map((kind) => `'${kind}'`).join(', ')
  return `case when i.kind in (${carriers}) then ${value} end as ${term.column}`
}

const vocabulary: Vocabulary = publishedVocabulary

const foundValue = (term: Term): string => {
  const column = `i.${term.column}`
  switch (term.kind) {
    case 'uuid':
    case 'amount':
    case 'instant':
    case 'flag':
      return scaled(term, column)
    case 'key':
    case 'ticker':
    case 'choice':
      return `${column} collate "C"`
  }
}

/** The value in the event `i`. A word of the topic stands for the order's own word; older versions published the order's own word. */
const found = (term: Term): string => {
  const { name, column } = term
  const value = foundValue(term)
  const words = Object.entries(vocabulary[name] ?? {}).filter(([own, word]) => own !== word)
  if (words.length === 0) return `${value} as ${column}`
  const pairs = words.map(([own, word]) => `('${own}', '${word}')`).join(', ')
  return `case when (o.${column}, i.${column}) in (${pairs}) then o.${column} else ${value} end as ${column}`
}

export const termRules = {
  expected: sqlText([published.map(expected).join(',\n           ')]),
  found: sqlText([published.map(found).join(',\n           ')]),
}
