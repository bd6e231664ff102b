// The terms of an order as columns: their names, what goes in, what comes out. Every value goes in as text; the statement makes it what the
// column holds.

import { amountFromSql, formatAmount, plainFromSql } from '../domain/decimal.ts'
import {
  allEventTerms,
  terms,
  type AmountTerm,
  type ColumnOf,
  type EventTerms,
  type OptionalTerm,
  type OrderTerms,
  type Term,
  type TermKind,
  type TermName,
} from '../domain/terms.ts'
import { sparseArray } from './sql.ts'
import { sqlText } from './sqlText.ts'

/**
 * `type`: of the column, if that is not text. `absent`: what the column holds for a term that is null, if that is not null. A column that
 * holds it is read as null.
 */
type Kind = {
  type: string | null
  absent?: string
  toText: (value: never) => string
  fromColumn: (column: never) => unknown
}

const same = (text: string): string => text

/** How a text becomes the type of the column, how a value becomes that text, and how it is read from the column. */
const columnKinds = {
  uuid: { type: 'uuid', toText: same, fromColumn: same },
  key: { type: null, toText: same, fromColumn: same },
  ticker: { type: null, toText: same, fromColumn: same },
  choice: { type: null, toText: same, fromColumn: same },
  amount: { type: 'numeric', toText: formatAmount, fromColumn: amountFromSql },
  flag: { type: 'boolean', absent: 'false', toText: String, fromColumn: (flag: boolean) => flag || null },
  instant: { type: 'timestamptz', toText: same, fromColumn: (at: Date) => at.toISOString() },
} as const satisfies Record<TermKind, Kind>

/** What makes a parameter an array of what the column of a term holds: `::text::uuid[]`, `::text[]`. */
export const arrayCast = ({ kind }: Term): string => {
  const { type }: Kind = columnKinds[kind]
  return type === null ? '::text[]' : `::text::${type}[]`
}

/** As it comes from Postgres: a `numeric` is text. */
type ColumnValue<N extends TermName> = N extends AmountTerm
  ? string | (N extends OptionalTerm ? null : never)
  : N extends 'postOnly'
    ? boolean
    : N extends 'expiresAt'
      ? Date | null
      : OrderTerms[N]
export type TermsRow = { [N in TermName as ColumnOf<N>]: ColumnValue<N> }

type Read = (column: unknown) => unknown
const readerOf = ({ name, column, kind }: Term, read = (columnKinds[kind] as Kind).fromColumn as Read) => ({
  name,
  column: column as keyof TermsRow,
  read,
})
type TermReader = ReturnType<typeof readerOf>

const readWith = (readers: readonly TermReader[], row: Partial<TermsRow>): object => {
  const order: Partial<Record<TermName, unknown>> = {}
  for (const { name, column, read } of readers) {
    const value = row[column]
    order[name] = value === null ? null : read(value)
  }
  return order
}

const readers = terms.map((term) => readerOf(term))

export const termsFromRow = (row: TermsRow): OrderTerms => readWith(readers, row) as OrderTerms

const eventReaders = allEventTerms.map((term) =>
  readerOf(term, term.kind === 'amount' ? (plainFromSql as Read) : undefined),
)

/** The columns that eventTermColumns names. */
export type EventTermsRow = Pick<TermsRow, ColumnOf<keyof EventTerms>>

export const eventTermsFromRow = (row: EventTermsRow): EventTerms => readWith(eventReaders, row) as EventTerms

/** `user_id, client_order_id, …`, each written by `write`. */
export const termColumns = (write: (term: Term) => string = ({ column }) => column): string =>
  terms.map(write).join(', ')

/** The same of the terms that events carry. */
export const eventTermColumns = (write: (term: Term) => string): string => allEventTerms.map(write).join(', ')

/** The values of the columns that `unnest` of termParameters gives. */
export const termValues = termColumns((term) => {
  const { absent }: Kind = columnKinds[term.kind]
  return absent === undefined ? term.column : `coalesce(${term.column}, ${absent})`
})

const textOf = ({ name, kind }: Term): ((order: OrderTerms) => string | null) => {
  const toText: Kind['toText'] = columnKinds[kind].toText
  return (order) => {
    const value = order[name]
    return value === null ? null : toText(value as never)
  }
}
const texts = terms.map(textOf)

/** `$1::text::uuid[], $2::text[], …`: the parameters of `unnest`, one a term, in the order of termColumns. */
export const termParameters = sqlText([
  '',
  ...terms.map((term, i) => `${arrayCast(term)}${i === terms.length - 1 ? '' : ',\n        '}`),
])

/** Their values: one array of texts a term. */
export const termArrays = (orders: readonly OrderTerms[]): string[] =>
  texts.map((text) => sparseArray(orders.map(text)))
