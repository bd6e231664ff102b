// The rules of business as this process knows them. What it knows may be old: the gate tells, in the statement that stores the order.

import type { EngineFeature } from '../domain/engine.ts'
import type { Rules } from '../domain/rules.ts'
import { readEpoch } from '../store/gate.ts'
import type { Database } from '../store/sql.ts'

export type RuleBook = {
  /** The rules that were read last; they are read first if none were. */
  current: () => Promise<Rules>
  /** The rules as they are at the time of the call or later. */
  refresh: () => Promise<Rules>
}

export type RuleBookOptions = { db: Database; features: ReadonlySet<EngineFeature> }

export const createRuleBook = ({ db, features }: RuleBookOptions): RuleBook => {
  let known: Rules | null = null
  let reading: Promise<Rules> | null = null
  let next: Promise<Rules> | null = null

  const read = async (): Promise<Rules> => {
    try {
      known = { epoch: await db.run(readEpoch), features }
      return known
    } finally {
      reading = null
    }
  }
  /** A read that is under way may have begun before the change that the caller knows of: all who come meanwhile share the one behind it. */
  const refresh = (): Promise<Rules> => {
    if (reading === null) return (reading = read())
    next ??= reading
      .catch(() => undefined)
      .then(() => {
        next = null
        return (reading ??= read())
      })
    return next
  }
  return { current: () => (known === null ? (reading ?? refresh()) : Promise.resolve(known)), refresh }
}
