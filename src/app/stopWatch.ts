// Watches what stops depend on: how many wait, and whether replicas of an older version are alive. These trigger no stops, so while one of
// them reads trades, a stop might never trigger: then none is accepted.

import type { Database } from '../store/sql.ts'
import { readStopsState, type StopsState } from '../store/stops.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { sleep } from './sleep.ts'

export type StopWatch = {
  run: (signal: AbortSignal) => Promise<void>
  /** As of the last look. */
  state: () => StopsState
  /** Whether a stop may be placed now. False also while Postgres cannot say. The answer is at most a second old. */
  mayPlace: () => Promise<boolean>
}

const lookEveryMs = 10_000
const freshForMs = 1_000
/** More stops than these are not counted, so that a count costs the same however many there are. */
const countMax = 10_000

/** `clock`: monotonic milliseconds. */
export type StopWatchOptions = { db: Database; clock: () => number; log: Log }

export const createStopWatch = ({ db, clock, log }: StopWatchOptions): StopWatch => {
  let state: StopsState = { waiting: 0, oldReplicas: 0 }
  let lookedAt = -Infinity
  let looking: Promise<boolean> | null = null

  const become = (next: StopsState): void => {
    const isUnsafe = ({ waiting, oldReplicas }: StopsState): boolean => waiting > 0 && oldReplicas > 0
    if (isUnsafe(next) && !isUnsafe(state))
      log.error(
        'stops wait, and a replica of an older version is alive: trades that it reads trigger none of them',
        next,
      )
    if (!isUnsafe(next) && isUnsafe(state))
      log.info('no replica of an older version is alive beside waiting stops', next)
    state = next
  }

  /** Whether Postgres answered. */
  const look = async (): Promise<boolean> => {
    const startedAt = clock()
    try {
      become(await db.run((sql) => readStopsState(sql, countMax)))
      lookedAt = startedAt
      return true
    } catch (error) {
      log.rarely('warn', 'stops', 'the waiting stops could not be counted', describe(error))
      return false
    } finally {
      looking = null
    }
  }

  return {
    state: () => state,
    async mayPlace() {
      const isKnown = clock() - lookedAt < freshForMs || (await (looking ??= look()))
      return isKnown && state.oldReplicas === 0
    },
    async run(signal) {
      while (!signal.aborted) {
        await (looking ??= look())
        await sleep(lookEveryMs, signal)
      }
    },
  }
}
