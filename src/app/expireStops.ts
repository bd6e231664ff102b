// Ends stops that wait for their price. No engine knows of them, so they end at once, and nothing is published.

import type { ExpiringStop } from '../store/endings.ts'
import { moveOrders, type Move } from '../store/moves.ts'
import type { Database } from '../store/sql.ts'

const moveOf = ({ id, version, reasonCode }: ExpiringStop): Move => ({
  orderId: id,
  event: 'expire',
  ifVersion: version,
  reason: { code: reasonCode, text: null },
  cause: { kind: 'expiry' },
  outbox: null,
})

/** Returns how many ended. A stop that triggers at this moment has another version then, and is left alone. */
export const expireStops = async (db: Pick<Database, 'run'>, stops: readonly ExpiringStop[]): Promise<number> => {
  const [first] = stops
  if (first === undefined) return 0
  const rows = await db.run((sql) => moveOrders(sql, stops.map(moveOf), first.now))
  return [...rows.values()].filter(({ order }) => order !== null).length
}
