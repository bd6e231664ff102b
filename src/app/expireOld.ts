// Ends open orders that no clock ends, on purpose: `orders expire`. It only begins the endings; the replicas tell the engine and give the
// orders their status, as for any order whose time is over (expiry.ts).

import { addEndings } from '../store/endings.ts'
import { readEndless, readMomentAgo, type EndlessOrder, type EndlessQuery } from '../store/endless.ts'
import type { Database } from '../store/sql.ts'
import { expireStops } from './expireStops.ts'

type Run = Pick<Database, 'run'>

/** `ageMs`: how long ago they were accepted at least, by the database's clock. `dryRun`: they are only counted. */
export type ExpireOld = Omit<EndlessQuery, 'before'> & {
  ageMs: number
  dryRun: boolean
  onProgress: (orders: number) => void
}
/** `known`: of these an engine is told. `waiting`: stops that waited for their price; they have ended already. */
export type OldOrders = { known: number; waiting: number }

const pageMax = 500
const lowestId = '00000000-0000-0000-0000-000000000000'
const reasonCode = 'EXPIRED_GTC'

const begin = async (db: Run, page: readonly EndlessOrder[], dryRun: boolean): Promise<OldOrders> => {
  const stops = page.filter(({ isWaiting }) => isWaiting).map((order) => ({ ...order, reasonCode }))
  const ids = page.filter(({ isWaiting }) => !isWaiting).map(({ id }) => id)
  if (dryRun) return { known: ids.length, waiting: stops.length }
  const known = await db.run((sql) => addEndings(sql, ids, { outcome: 'EXPIRED', reasonCode }))
  return { known, waiting: await expireStops(db, stops) }
}

export const expireOld = async (
  db: Run,
  { ageMs, userId, ticker, dryRun, onProgress }: ExpireOld,
): Promise<OldOrders> => {
  const before = await db.run((sql) => readMomentAgo(sql, ageMs))
  const total = { known: 0, waiting: 0 }
  for (let after: string | undefined = lowestId; after !== undefined;) {
    const from: string = after
    const page: EndlessOrder[] = await db.run((sql) =>
      readEndless(sql, { before, userId, ticker }, { after: from, limit: pageMax }),
    )
    const { known, waiting } = await begin(db, page, dryRun)
    total.known += known
    total.waiting += waiting
    onProgress(total.known + total.waiting)
    after = page.at(-1)?.id
  }
  return total
}
