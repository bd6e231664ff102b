// Changes a rule of business, however often it has to be tried: while statements that passed the gate are under way, the change waits for them.

import { isLockTimeout } from '../store/faults.ts'
import { changeRules, type ChangeOrigin, type RulesChange, type StoredChange } from '../store/rules.ts'
import type { Database } from '../store/sql.ts'
import { sleep } from './sleep.ts'

export type RulesCommand = { change: RulesChange; origin: ChangeOrigin }

/** `NOT_FOUND`: the ticker that is to be delisted is not listed. */
export type ChangeResult = { ok: true; change: StoredChange } | { ok: false; code: 'NOT_FOUND' }

/** Statements held the gate whenever the change was tried: nothing was changed. */
class GateBusy extends Error {
  override name = 'GateBusy'
  readonly code = 'GATE_BUSY'
}

/** What waits behind the change is let pass between two attempts. */
const pauseMs = 50
const attemptsMax = 4

export const tryToChangeRules = async (
  db: Database,
  { change, origin }: RulesCommand,
  lockTimeoutMs: number,
): Promise<ChangeResult> => {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      const stored = await db.run((sql) => changeRules(sql, change, { origin, lockTimeoutMs }))
      return stored === undefined ? { ok: false, code: 'NOT_FOUND' } : { ok: true, change: stored }
    } catch (error) {
      if (!isLockTimeout(error)) throw error
    }
    await sleep(pauseMs)
  }
  throw new GateBusy('orders that are being stored hold the rules: nothing was changed')
}
