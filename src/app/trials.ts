// Validation: what placing would make of orders. Nothing is stored.

import type { Reason } from '../domain/reason.ts'
import { refusalBy } from '../domain/rules.ts'
import type { Placement, Placing } from './place.ts'

/** `WOULD_BE_REJECTED`: a rule refuses the order, so that placing would store it as REJECTED. */
export type TrialResult =
  | { ok: true }
  | { ok: false; code: 'WOULD_BE_REJECTED'; reason: Reason }
  | { ok: false; code: 'RATE_LIMITED'; waitSeconds: number }

/** What would become of new orders by the rules as they are in the database now. Stores nothing, and takes nothing from anybody's bound. */
export const judgeTrials = async (
  placements: readonly Placement[],
  { rules, rejections }: Pick<Placing, 'rules' | 'rejections'>,
): Promise<TrialResult[]> => {
  const now = await rules.refresh()
  return placements.map((placement) => {
    const reason = refusalBy(now, placement.order)
    if (reason === null) return { ok: true }
    const { allowed, waitSeconds } = rejections.look(placement)
    return allowed ? { ok: false, code: 'WOULD_BE_REJECTED', reason } : { ok: false, code: 'RATE_LIMITED', waitSeconds }
  })
}
