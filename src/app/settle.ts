// Decides a batch again and again until everything in it is settled. What lost a race is decided on what the winner left; what Postgres
// refuses is found by halving; what takes Postgres too long is halved too; while Postgres is away it waits.

import { codeOf, isTooSlow, storeFault } from '../store/faults.ts'
import { sleep } from './sleep.ts'

export type SettleContext = {
  signal: AbortSignal
  /** Called after every failed attempt; the batch goes on until it succeeds or `signal` is aborted. */
  onRetry: (error: unknown) => void
}

export type Settler<Group, Outcome> = {
  /** One attempt: the outcomes of what is settled, and the groups to decide again. */
  attempt: (groups: readonly Group[]) => Promise<{ settled: Outcome[]; again: Group[] }>
  /** Whether to leave these undecided instead of deciding them again: they have no outcome then. Absent: nothing is ever left. */
  leave?: (again: readonly Group[]) => boolean
  /** Two parts to settle one after the other; null: these groups cannot be divided. */
  halve: (groups: readonly Group[]) => [Group[], Group[]] | null
  /** The outcomes of groups that cannot be divided and that Postgres refuses: a bug of ours, but not a reason to stop their partition. */
  unstorable: (groups: readonly Group[], reason: string) => Outcome[]
}

/** The signal cut the batch off. What it had not written yet is as if it had never been received. */
export class SettleAborted extends Error {
  override name = 'SettleAborted'
}

const retryPauseMs = 100
const contendedPauseMs = 5

/** A row that Postgres refuses, or a broken invariant of ours: splitting finds out which part is at fault. */
const isGuilty = (error: unknown): boolean =>
  storeFault(error) === 'data' || (storeFault(error) === 'bug' && codeOf(error) === '')

/** Settles all groups but those that are left; only `signal` ends it early, with SettleAborted. */
export const untilSettled = async <Group, Outcome>(
  groups: readonly Group[],
  settler: Settler<Group, Outcome>,
  context: SettleContext,
): Promise<Outcome[]> => {
  const outcomes: Outcome[] = []
  let rest = groups
  while (rest.length > 0) {
    if (context.signal.aborted) throw new SettleAborted('stopped before the batch was settled')
    try {
      const { settled, again } = await settler.attempt(rest)
      outcomes.push(...settled)
      if (again.length > 0 && settler.leave?.(again) === true) return outcomes
      if (again.length > 0) await sleep(contendedPauseMs * (1 + Math.random()), context.signal)
      rest = again
    } catch (error) {
      context.onRetry(error)
      const halves = isGuilty(error) || isTooSlow(error) ? settler.halve(rest) : null
      if (halves !== null) {
        outcomes.push(...(await untilSettled(halves[0], settler, context)))
        rest = halves[1]
      } else if (isGuilty(error)) {
        const text = error instanceof Error ? error.message : String(error)
        return [...outcomes, ...settler.unstorable(rest, `could not be stored: ${text}`)]
      } else await sleep(retryPauseMs * (1 + Math.random()), context.signal)
    }
  }
  return outcomes
}
