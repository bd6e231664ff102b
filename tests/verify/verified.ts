// A database that the service wrote, and what verify says of it.

import { applyTrades } from '../../src/app/fill.ts'
import { placeOrders } from '../../src/app/place.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { openSession } from '../../src/store/sql.ts'
import { verifyTables } from '../../src/verify/tables.ts'
import { beReader } from '../../src/verify/tablesSql.ts'
import type { Violation } from '../../src/verify/violation.ts'
import { aCancel, aPlacement, aTrade, newId } from '../support/builders.ts'
import type { TestDatabase } from '../support/database.ts'

/** All that verify says of a database. */
export const verify = async (database: TestDatabase) => {
  const sql = openSession(database.target, 10_000)
  const violations: Violation[] = []
  const notes: string[] = []
  try {
    await beReader(sql)
    const report = await verifyTables(sql, {
      onViolations: async (found) => void violations.push(...found),
      onNote: async (note) => void notes.push(note),
      onProgress: () => undefined,
    })
    return { ...report, violations, notes }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** One order of each kind: `fresh`, `partial`, `filled`, `late` (canceled, then filled) and `canceled`. */
const kinds = ['fresh', 'partial', 'filled', 'late', 'canceled'] as const
export type Ids = Record<(typeof kinds)[number], string>

export const populate = async (database: TestDatabase): Promise<Ids> => {
  const db = database.open()
  const placements = kinds.map(() => aPlacement())
  await placeOrders(db, placements, () => undefined)
  const [fresh, partial, filled, late, canceled] = placements.map(({ order }) => order.id) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const cancels = [aCancel(late), aCancel(canceled)]
  await db.run((sql) => moveOrders(sql, cancels, new Date()))
  const trades = [
    aTrade({ tradeId: 'p1', buy: partial, quantity: '30.00000001', price: '150.25' }),
    aTrade({ tradeId: 'f1', buy: filled, quantity: '99.99999999', price: '149.99999999' }),
    aTrade({ tradeId: 'f2', order: filled, quantity: '0.00000001', price: '150.5' }),
    aTrade({ tradeId: 'l1', buy: late, quantity: '5' }),
    aTrade({ tradeId: 'over', buy: partial, quantity: '100' }),
    aTrade({ tradeId: 'p1', buy: partial, quantity: '1' }),
  ]
  const context = { now: () => new Date(), newId, signal: new AbortController().signal, onRetry: () => undefined }
  await applyTrades(db, trades, context)
  return { fresh, partial, filled, late, canceled }
}
