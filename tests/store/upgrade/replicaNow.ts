// A replica of this version, as far as the tests of an upgrade need it: it places, cancels and fills, makes keys void, and fills old keys in.

import { applyTrades } from '../../../src/app/fill.ts'
import { placeOrders } from '../../../src/app/place.ts'
import { prepareVoid, voidKeys } from '../../../src/app/voids.ts'
import type { DatabaseTarget } from '../../../src/store/connection.ts'
import { fillKeys, readFillProgress } from '../../../src/store/keyFill.ts'
import { readKeysFilled, type NamedKey } from '../../../src/store/keys.ts'
import { moveOrders } from '../../../src/store/moves.ts'
import { openDatabase } from '../../../src/store/sql.ts'
import { aCancel, amount, aPlacement, aTrade, newId } from '../../support/builders.ts'
import { placingIn, storeOrders } from '../../support/storeOrders.ts'
import { quantity } from './release12.ts'

type KeyedOrder = NamedKey & { price?: number }

export const replicaNow = (target: DatabaseTarget) => {
  const limits = { connections: 2, connectTimeoutMs: 10_000, lockTimeoutMs: 10_000, statementTimeoutMs: 20_000 }
  const db = openDatabase(target, { ...limits, plans: 'sets' })
  const keyFill = { isDone: () => db.run(readKeysFilled) }
  return {
    /** Places orders as 1.2 does; answers their ids. */
    async place(count: number): Promise<string[]> {
      const placements = Array.from({ length: count }, () => aPlacement({ quantity: amount(String(quantity)) }))
      await db.run((sql) => storeOrders(sql, placements))
      return placements.map(({ order }) => order.id)
    },
    /** Places orders with keys; answers for each the id of the order that has the key, or the code of the refusal. */
    async placeKeyed(...orders: KeyedOrder[]): Promise<string[]> {
      const placements = orders.map(({ price = 150, ...key }) =>
        aPlacement({ ...key, quantity: amount(String(quantity)), price: amount(String(price)) }),
      )
      const results = await placeOrders(db, placements, { ...placingIn(db), keyFill })
      return results.map((result) => (result.ok ? result.order.id : result.code))
    },
    /** The id of the order that has the key, or `void`. */
    async voidKey(key: NamedKey): Promise<string> {
      const call = { caller: null, requestId: 'a-void', traceparent: null }
      const [result] = await voidKeys(db, [prepareVoid(key, call, new Date())], { keyFill, onStored: () => undefined })
      return result!.voided ? 'void' : result!.order.id
    },
    /** As its loop does, without rests; answers how many orders it looked through. */
    async fillAllKeys(limit = 100): Promise<number> {
      for (;;) {
        const progress = await db.run((sql) => fillKeys(sql, limit))
        if (progress === null) return (await db.run(readFillProgress)).orders
        if (progress.finished) return progress.orders
      }
    },
    async cancel(id: string): Promise<void> {
      await db.run((sql) => moveOrders(sql, [aCancel(id)], new Date()))
    },
    async fill(id: string, amount: number): Promise<void> {
      const context = { now: () => new Date(), newId, signal: AbortSignal.timeout(60_000) }
      const onRetry = (error: unknown): void => {
        throw error
      }
      await applyTrades(db, [aTrade({ buy: id, quantity: String(amount) })], { ...context, onRetry })
    },
    close: () => db.close(),
  }
}
