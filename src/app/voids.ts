// Makes keys void: an order with such a key can never be accepted any more. Whoever inserts the row of a key first, an order or a void, has
// it, so a void waits for an order with its key that is being stored, and the other way round.

import { assert } from '../domain/assert.ts'
import type { Order } from '../domain/order.ts'
import { insertVoids, keyText, readVoidKeys, type NamedKey, type NewVoid } from '../store/keys.ts'
import { readByKey } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { causeOf, type Call } from './caller.ts'
import type { KeyFill } from './keyFill.ts'

/** `order`: of the order that held the key before, as it is now; it may be REJECTED. */
export type VoidResult = { ok: true; voided: true } | { ok: true; voided: false; order: Order }

export const prepareVoid = (key: NamedKey, call: Call, at: Date): NewVoid => {
  const { requestId = null, subject = null } = causeOf(call)
  return { key, at, requestId, subject }
}

/** Makes a batch of keys void. Returns one result for each, in order. Called again with the same keys it finds them void and says so. */
export const voidKeys = async (
  db: Database,
  voids: readonly NewVoid[],
  { keyFill, onStored }: { keyFill: KeyFill; onStored: () => void },
): Promise<VoidResult[]> => {
  const keysFilled = await keyFill.isDone()
  const fresh = await db.run((sql) => insertVoids(sql, voids, keysFilled))
  if (fresh.size > 0) onStored()
  const taken = voids.map(({ key }) => key).filter((key) => !fresh.has(keyText(key)))
  const orders = taken.length === 0 ? [] : await db.run((sql) => readByKey(sql, taken, keysFilled))
  const holders = new Map(orders.map((order) => [keyText(order), order]))
  const unheld = taken.filter((key) => !holders.has(keyText(key)))
  const older = unheld.length === 0 ? new Set<string>() : await db.run((sql) => readVoidKeys(sql, unheld))
  return voids.map(({ key }): VoidResult => {
    const order = holders.get(keyText(key))
    if (order !== undefined) return { ok: true, voided: false, order }
    assert(fresh.has(keyText(key)) || older.has(keyText(key)), 'whoever holds the key can be read')
    return { ok: true, voided: true }
  })
}
