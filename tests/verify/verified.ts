// A database that the service wrote, and what verify says of it.

import { applyTrades } from '../../src/app/fill.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { openSession } from '../../src/store/sql.ts'
import { verifyTables } from '../../src/verify/tables.ts'
import { beReader } from '../../src/verify/tablesSql.ts'
import type { Violation } from '../../src/verify/violation.ts'
import { aCancel, amount, aPlacement, aTrade, newId } from '../support/builders.ts'
import type { TestDatabase } from '../support/database.ts'
import { placeAll } from '../support/storeOrders.ts'

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

/**
 * One order of each kind: `fresh`, `partial`, `filled`, `late` (canceled, then filled), `canceled`, `halfway` (filled in part, canceled, filled
 * late), `stop` (it waits), `triggered` (a stop, then filled in part) and `refused` (by a rule of business).
 */
const kinds = ['fresh', 'partial', 'filled', 'late', 'canceled', 'halfway', 'stop', 'triggered', 'refused'] as const
export type Ids = Record<(typeof kinds)[number], string>

export const populate = async (database: TestDatabase): Promise<Ids> => {
  const db = database.open()
  const placements = kinds.map((kind) => {
    const placement = aPlacement(
      kind === 'stop' || kind === 'triggered' ? { type: 'STOP_LIMIT', stopPrice: amount('150') } : {},
    )
    const reason = { code: 'NOT_SUPPORTED_BY_ENGINE', text: 'a text' }
    return kind === 'refused'
      ? { ...placement, order: { ...placement.order, status: 'REJECTED' as const, reason } }
      : placement
  })
  const ids = Object.fromEntries(kinds.map((kind, i) => [kind, placements[i]!.order.id])) as Ids
  await placeAll(db, placements, () => undefined)
  const { partial, filled, late, canceled, halfway, triggered } = ids
  const sql = database.session()
  await sql`
    with moved as (
      update orders set triggered_at = clock_timestamp(), updated_at = clock_timestamp(), version = 1 where id = ${triggered}::uuid returning *
    )
    insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional, rules_epoch)
    select id, version, 'TRIGGERED', triggered_at, '{"kind": "trigger"}', 0, 0, 1 from moved`
  const cancels = [aCancel(late), aCancel(canceled)]
  await db.run((sql) => moveOrders(sql, cancels, new Date()))
  const trades = [
    aTrade({ tradeId: 'p1', buy: partial, quantity: '30.00000001', price: '150.25' }),
    aTrade({ tradeId: 'f1', buy: filled, quantity: '99.99999999', price: '149.99999999' }),
    aTrade({ tradeId: 'f2', order: filled, quantity: '0.00000001', price: '150.5' }),
    aTrade({ tradeId: 'l1', buy: late, quantity: '5' }),
    aTrade({ tradeId: 'over', buy: partial, quantity: '100' }),
    aTrade({ tradeId: 'p1', buy: partial, quantity: '1' }),
    aTrade({ tradeId: 'h1', buy: halfway, quantity: '1' }),
    aTrade({ tradeId: 's1', buy: triggered, quantity: '1' }),
  ]
  const context = { now: () => new Date(), newId, signal: new AbortController().signal, onRetry: () => undefined }
  await applyTrades(db, trades, context)
  await db.run((sql) => moveOrders(sql, [aCancel(halfway)], new Date()))
  await applyTrades(db, [aTrade({ tradeId: 'h2', buy: halfway, quantity: '1' })], context)
  return ids
}
