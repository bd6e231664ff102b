// A replica of this version, as far as the tests of an upgrade need it: it places, cancels and fills.

import { applyTrades } from '../../../src/app/fill.ts'
import type { DatabaseTarget } from '../../../src/store/connection.ts'
import { moveOrders } from '../../../src/store/moves.ts'
import { openDatabase } from '../../../src/store/sql.ts'
import { aCancel, amount, aPlacement, aTrade, newId } from '../../support/builders.ts'
import { storeOrders } from '../../support/storeOrders.ts'
import { quantity } from './release12.ts'

export const replicaNow = (target: DatabaseTarget) => {
  const limits = { connections: 2, connectTimeoutMs: 10_000, lockTimeoutMs: 10_000, statementTimeoutMs: 20_000 }
  const db = openDatabase(target, { ...limits, plans: 'sets' })
  return {
    async place(): Promise<string> {
      const placement = aPlacement({ quantity: amount(String(quantity)) })
      await db.run((sql) => storeOrders(sql, [placement]))
      return placement.order.id
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
