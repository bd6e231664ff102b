// The keys of orders. Whoever inserts the row of a key first has it for ever: an order, or a void. The keys of orders from before this table
// are filled in in the background; until all are there, the unique index of orders counts as well.

import type { OrderTerms } from '../domain/terms.ts'
import { codeOf } from './faults.ts'
import { sparseArray, textArray, type Fragment, type Sql } from './sql.ts'
import { parameter, statementText } from './sqlText.ts'

export type OrderKey = Pick<OrderTerms, 'userId' | 'clientOrderId'>
/** A key of which it is known that there is one. */
export type NamedKey = { userId: string; clientOrderId: string }

/** A key as one text, by which sets and maps know it. No user id has a space. */
export const keyText = ({ userId, clientOrderId }: OrderKey): string => `${userId} ${clientOrderId}`

type KeyRow = { user_id: string; client_order_id: string }
const textOfRow = (row: KeyRow): string => keyText({ userId: row.user_id, clientOrderId: row.client_order_id })

/** No order of before the table holds the key of the row called `i`. Wanted only until the old keys were filled in. */
export const noOlderOrder =
  'not exists (select from orders older where older.user_id = i.user_id::uuid and older.client_order_id = i.client_order_id)'

/** The keys as a set called `k`. */
export const keyInput = (sql: Sql, keys: readonly OrderKey[]): Fragment =>
  sql`unnest(${textArray(keys.map((key) => key.userId))}::text[], ${textArray(keys.map((key) => key.clientOrderId))}::text[]) as k (user_id, client_order_id)`

/** The id of the order that holds a key, null if none does. The orders themselves are asked only while their keys are being filled in. */
export const idByKey = (sql: Sql, { userId, clientOrderId }: NamedKey): Fragment => sql`
  coalesce(
    (select h.order_id from order_keys h where h.user_id = ${userId}::uuid and h.client_order_id = ${clientOrderId}),
    (select older.id from orders older
     where older.user_id = ${userId}::uuid and older.client_order_id = ${clientOrderId}
       and exists (select from order_keys_fill where slot and finished_at is null)
     limit 1)
  )`

const divisionByZero = '22012'
const outOfRange = '22003'
/**
 * Inserts keys, and takes them back by an error: `division by zero` if all of them went in, `out of range` if only some did. If none went in
 * there is nothing to take back, and it answers 0.
 */
const undone = (condition: string) => statementText`
    with keyed as (
      insert into order_keys (user_id, client_order_id, order_id)
      select i.user_id::uuid, i.client_order_id, '00000000-0000-0000-0000-000000000000'
      from unnest(${parameter}::text[], ${parameter}::text[]) as i (user_id, client_order_id)
      where ${condition}
      order by i.user_id, i.client_order_id
      on conflict do nothing
      returning 1
    )
    select case inserted when 0 then 0 when wanted then 1 / (wanted - inserted) else 2147483647 + inserted end
    from (select count(*)::integer as inserted from keyed) k, (select ${parameter}::integer as wanted) n`
const undoneText = undone('true')
const undoneTextBeforeFill = undone(noOlderOrder)

/**
 * Whether nobody holds any of these keys; no two of them are the same. It inserts their rows and takes that back, because only an insert waits
 * for another one that is under way with the same key: a read would not see that one, and its answer may be lost. If it says no, whoever
 * holds one can be read.
 */
export const areKeysFree = async (sql: Sql, keys: readonly OrderKey[], keysFilled: boolean): Promise<boolean> => {
  try {
    await sql(
      keysFilled ? undoneText : undoneTextBeforeFill,
      textArray(keys.map(({ userId }) => userId)),
      textArray(keys.map(({ clientOrderId }) => clientOrderId)),
      keys.length,
    )
    return false
  } catch (error) {
    if (codeOf(error) === divisionByZero) return true
    if (codeOf(error) === outOfRange) return false
    throw error
  }
}

/** A key that is to be void, with what is kept of the request. */
export type NewVoid = { key: NamedKey; at: Date; requestId: string | null; subject: string | null }

const voidTextOf = (keysFilled: boolean) => statementText`
    with voided as (
      insert into order_keys (user_id, client_order_id, voided_at, request_id, subject)
      select i.user_id::uuid, i.client_order_id, i.voided_at::timestamptz, i.request_id, i.subject
      from unnest(
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[]
      ) as i (user_id, client_order_id, voided_at, request_id, subject)
      where ${keysFilled ? 'true' : noOlderOrder}
      order by i.user_id, i.client_order_id
      on conflict do nothing
      returning user_id, client_order_id
    )
    select user_id, client_order_id from voided`
const voidText = voidTextOf(true)
const voidTextBeforeFill = voidTextOf(false)

/**
 * Makes keys void that nobody holds; answers which were free until now, as keyText. It waits for whoever is storing one of
 * them, and takes the keys in the order in which orders take them.
 */
export const insertVoids = async (sql: Sql, voids: readonly NewVoid[], keysFilled: boolean): Promise<Set<string>> => {
  const rows = await sql<KeyRow[]>(
    keysFilled ? voidText : voidTextBeforeFill,
    textArray(voids.map(({ key }) => key.userId)),
    textArray(voids.map(({ key }) => key.clientOrderId)),
    textArray(voids.map(({ at }) => at.toISOString())),
    sparseArray(voids.map(({ requestId }) => requestId)),
    sparseArray(voids.map(({ subject }) => subject)),
  )
  return new Set(rows.map(textOfRow))
}

/** Which of these keys are void, as keyText. */
export const readVoidKeys = async (sql: Sql, keys: readonly OrderKey[]): Promise<Set<string>> => {
  const rows = await sql<KeyRow[]>`
    select h.user_id, h.client_order_id from ${keyInput(sql, keys)}
    cross join lateral (
      select user_id, client_order_id, order_id from order_keys
      where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1
    ) h
    where h.order_id is null`
  return new Set(rows.map(textOfRow))
}

/** Whether the keys of all older orders are in the table. Once true, it stays true. */
export const readKeysFilled = async (sql: Sql): Promise<boolean> => {
  const rows = await sql<
    { filled: boolean }[]
  >`select finished_at is not null as filled from order_keys_fill where slot`
  return rows[0]?.filled ?? false
}
