// The fake of the table of keys (src/store/keys.ts): whoever inserts the row of a key first has it, and others wait for the end of a rival.

import { refuse, sqlState } from './errors.ts'
import type { KeyRecord, Postgres } from './state.ts'
import { awaitFree, lockKey, take, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]

export const keyName = (userId: string, clientOrderId: string): string => `${userId} ${clientOrderId}`

export const ofOrder = (orderId: string): KeyRecord => ({
  order_id: orderId,
  voided_at: null,
  request_id: null,
  subject: null,
})

/** On conflict do nothing: false if the key is taken, also by this statement. */
export function* insertKey(db: Postgres, tx: Tx, name: string, row: KeyRecord): Steps<boolean> {
  yield* awaitFree(db, tx, lockKey.client(name))
  if (db.keys.has(name) || db.locks.get(lockKey.client(name)) === tx) return false
  take(db, tx, lockKey.client(name))
  tx.writes.push(() => void db.keys.set(name, row))
  return true
}

/** Whether an order has the key, as the index of old orders says. */
export const hasOlderOrder = (db: Postgres, userId: string, clientOrderId: string): boolean =>
  db.orders.values().some((order) => order.user_id === userId && order.client_order_id === clientOrderId)

/** It fails if it could insert any, in order of their names: in one way if that was all. `filled`: the index of old orders does not count. */
export function* areKeysFree(
  db: Postgres,
  tx: Tx,
  { names, count, filled }: { names: (readonly [string, string])[]; count: number; filled: boolean },
): Steps<object[]> {
  const wanted = names.filter(([user, key]) => filled || !hasOlderOrder(db, user, key)).map((name) => keyName(...name))
  let inserted = 0
  for (const name of wanted.toSorted()) {
    yield null
    if (yield* insertKey(db, tx, name, ofOrder(''))) inserted++
  }
  refuse(inserted > 0 && inserted < count, sqlState.numericOverflow, 'integer out of range')
  refuse(inserted === count, sqlState.divisionByZero, 'division by zero')
  return [{}]
}

type NewVoid = { user: string; key: string; row: KeyRecord }

const voidsOf = ([users, keys, times, requests, subjects]: readonly Column[]): NewVoid[] =>
  users!.map((user, i) => ({
    user: user!,
    key: keys![i]!,
    row: {
      order_id: null,
      voided_at: new Date(times![i]!),
      request_id: requests![i] ?? null,
      subject: subjects![i] ?? null,
    },
  }))

/** Makes those void that nobody has, in order of their names. */
export function* insertVoids(db: Postgres, tx: Tx, columns: readonly Column[], filled: boolean): Steps<object[]> {
  const wanted = voidsOf(columns).filter(({ user, key }) => filled || !hasOlderOrder(db, user, key))
  const answer: object[] = []
  for (const { user, key, row } of wanted.toSorted((a, b) =>
    keyName(a.user, a.key) < keyName(b.user, b.key) ? -1 : 1,
  )) {
    yield null
    if (yield* insertKey(db, tx, keyName(user, key), row)) answer.push({ user_id: user, client_order_id: key })
  }
  return answer
}

/** The keys of these that are void. */
export const readVoidKeys = (db: Postgres, users: Column, keys: Column): object[] =>
  users.flatMap((user, i) =>
    keys[i] !== null && db.keys.get(keyName(user!, keys[i]!))?.order_id === null
      ? [{ user_id: user, client_order_id: keys[i] }]
      : [],
  )
