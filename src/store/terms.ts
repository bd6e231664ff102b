// The terms of an order as columns: their names, what goes in, what comes out. Every value goes in as text and is cast in the statement.

import { amountFromSql, formatAmount } from '../domain/decimal.ts'
import {
  terms,
  type AmountTerm,
  type ColumnOf,
  type OptionalTerm,
  type OrderTerms,
  type Term,
  type TermKind,
  type TermName,
} from '../domain/terms.ts'
import { compile } from '../wire/straightCode.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'

/** How a text becomes the type of the column, and how a value becomes a text and is read: each the source of an expression. */
const columnKinds = {
  uuid: { cast: '::uuid', textOf: (value) => value, valueOf: (column) => column },
  key: { cast: '', textOf: (value) => value, valueOf: (column) => column },
  ticker: { cast: '', textOf: (value) => value, valueOf: (column) => column },
  choice: { cast: '', textOf: (value) => value, valueOf: (column) => column },
  amount: {
    cast: '::numeric',
    textOf: (value) => `formatAmount(${value})`,
    valueOf: (column) => `amountFromSql(${column})`,
  },
} as const satisfies Record<
  TermKind,
  { cast: string; textOf: (value: string) => string; valueOf: (column: string) => string }
>

export const castOf = ({ kind }: Term): string => columnKinds[kind].cast

/** As it comes from Postgres: a `numeric` is text. */
type ColumnValue<N extends TermName> = N extends AmountTerm
  ? string | (N extends OptionalTerm ? null : never)
  : OrderTerms[N]
export type TermsRow = { [N in TermName as ColumnOf<N>]: ColumnValue<N> }

const unlessNull = ({ presence }: Term, value: string, source: string): string =>
  presence === 'required' || source === value ? source : `(${value} === null ? null : ${source})`

const memberSource = (term: Term): string => {
  const column = `it.${term.column}`
  return `${term.name}: ${unlessNull(term, column, columnKinds[term.kind].valueOf(column))}`
}

export const termsFromRow = compile(`({ ${terms.map(memberSource).join(', ')} })`, { amountFromSql }) as (
  row: TermsRow,
) => OrderTerms

/** `user_id, client_order_id, …`, each written by `write`. */
export const termColumns = (write: (term: Term) => string = ({ column }) => column): string =>
  terms.map(write).join(', ')

/** `user_id::uuid, client_order_id, …`: the columns of the texts, as what the table holds. */
export const castTermColumns = termColumns((term) => `${term.column}${castOf(term)}`)

const textOf = (term: Term): ((order: OrderTerms) => string | null) => {
  const value = `it.${term.name}`
  return compile(unlessNull(term, value, columnKinds[term.kind].textOf(value)), { formatAmount }) as (
    order: OrderTerms,
  ) => string | null
}
const texts = terms.map(textOf)

/** A text for `sql` that was put together from tables of this code, never from anything that came in: its parts between values. */
export const sqlText = (parts: readonly string[]): TemplateStringsArray =>
  Object.assign([...parts], { raw: parts }) as TemplateStringsArray

const between = sqlText(['', ...terms.slice(1).map(() => '::text[],\n        '), '::text[]'])

/** `$1::text[], $2::text[], …`: one array of texts a term, in the order of termColumns. For `unnest`. */
export const termArrays = (sql: Sql, orders: readonly OrderTerms[]): Fragment =>
  sql(between, ...texts.map((text) => textArray(orders.map(text))))
