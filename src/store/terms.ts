// The terms of an order as columns: their names, what goes in, what comes out. Every value goes in as text and is cast in the statement.

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
 * `cast`: from text to the type of the column. `absent`: what the column holds for a term that is null, if that is not null. A column that
 * holds it is read as null.
 */
type Kind = {
  cast: string
  absent?: string
  toText: (value: never) => string
  fromColumn: (column: never) => unknown
}

const same = (text: string): string => text

/** How a text becomes the type of the column, how a value becomes that text, and how it is read from the column. */
const columnKinds = {
  uuid: { cast: '::uuid', toText: same, fromColumn: same },
  key: { cast: '', toText: same, fromColumn: same },
  ticker: { cast: '', toText: same, fromColumn: same },
  choice: { cast: '', toText: same, fromColumn: same },
  amount: { cast: '::numeric', toText: formatAmount, fromColumn: amountFromSql },
  flag: { cast: '::boolean', absent: 'false', toText: String, fromColumn: (flag: boolean) => flag || null },
  instant: { cast: '::timestamptz', toText: same, fromColumn: (at: Date) => at.toISOString() },
} as const satisfies Record<TermKind, Kind>

export const castOf = ({ kind }: Term): string => columnKinds[kind].cast

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

/** `user_id::uuid, client_order_id, …`: the columns of the texts, as what the table holds. */
export const castTermColumns = termColumns((term) => {
  const { absent }: Kind = columnKinds[term.kind]
  const value = `${term.column}${castOf(term)}`
  return absent === undefined ? value : `coalesce(${value}, ${absent})`
})

const textOf = ({ name, kind }: Term): ((order: OrderTerms) => string | null) => {
  const toText: Kind['toText'] = columnKinds[kind].toText
  return (order) => {
    const value = order[name]
    return value === null ? null : toText(value as never)
  }
}
const texts = terms.map(textOf)

/** `$1::text[], $2::text[], …`: the parameters of `unnest`, one a term, in the order of termColumns. */
export const termParameters = sqlText(['', ...terms.slice(1).map(() => '::text[],\n        '), '::text[]'])

/** Their values: one array of texts a term. */
export const termArrays = (orders: readonly OrderTerms[]): string[] =>
  texts.map((text) => sparseArray(orders.map(text)))
