// Stores orders past the use cases, for tests that are about something else: by the rules in force, whatever these are.

import { placeOrders, type Placement, type PlaceResult, type Placing } from '../../src/app/place.ts'
import { createRejections } from '../../src/app/rejections.ts'
import { createRuleBook } from '../../src/app/rules.ts'
import { readEpoch } from '../../src/store/gate.ts'
import { insertOrders } from '../../src/store/orders.ts'
import type { Database, Sql } from '../../src/store/sql.ts'

/** Answers the ids that are new. `fresh`: see InsertOptions. */
export const storeOrders = async (
  sql: Sql,
  placements: Parameters<typeof insertOrders>[1],
  fresh = false,
): Promise<Set<string>> => {
  const { stored } = await insertOrders(sql, placements, { epoch: await readEpoch(sql), keysFilled: true, fresh })
  return stored
}

/** By what the service judges new orders if nothing is set. */
export const placingIn = (db: Database, onCommitted: () => void = () => undefined): Placing => ({
  rules: createRuleBook({ db, features: new Set() }),
  keyFill: { isDone: () => Promise.resolve(true) },
  rejections: createRejections(600, () => performance.now()),
  onCommitted,
})

export const placeAll = (
  db: Database,
  placements: readonly Placement[],
  onCommitted?: () => void,
): Promise<PlaceResult[]> => placeOrders(db, placements, placingIn(db, onCommitted))
