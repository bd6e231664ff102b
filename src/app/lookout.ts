// One look at all that waits for the clock, or was left there by another replica or a command: orders whose time is over, switches, reports
// of the engine. The loops that work on it rest until they are rung, so an idle replica asks one statement and not one for each of them.
// Every replica runs it.

import { readPending, type Pending } from '../store/pending.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createBell } from './sleep.ts'

export type LookoutOptions = {
  db: Database
  /** Whether the service itself ends orders that are executed at once or not at all. */
  endsImmediate: boolean
  /** Whom to wake, by what there is to do. */
  rings: Record<'endings' | 'switches' | 'reports', () => void>
  /** Milliseconds that only go up. */
  clock: () => number
  log: Log
}

export type Lookout = {
  run: (signal: AbortSignal) => Promise<void>
  /** Something waits that was not there at the last look. */
  ring: () => void
  /** Whether somebody waits for the marks of the trade topic, by the last look; true while that is unknown. */
  needsTape: () => boolean
}

/**
 * At most this long, less than the shortest time-out of a switch and the least that an `expiresAt` lies ahead: so what another replica stores
 * is known here before its moment, and nobody has to be told of it.
 */
const restMaxMs = 750
/** At least this long, so that looks cost little however many moments there are. */
const restMinMs = 250
/** A timer may ring a little early. */
const slackMs = 2

export const createLookout = ({ db, endsImmediate, rings, clock, log }: LookoutOptions): Lookout => {
  const bell = createBell()
  let pending: Pending | null = null

  const look = async (): Promise<void> => {
    try {
      pending = await db.run((sql) => readPending(sql, { endsImmediate }))
    } catch (error) {
      pending = null
      log.rarely(
        'warn',
        'lookout',
        'what waits for the clock cannot be looked at now; it is tried again',
        describe(error),
      )
    }
    // Where that is unknown, each loop looks for itself, and says why it cannot.
    for (const part of ['endings', 'switches', 'reports'] as const) if (pending?.[part] !== false) rings[part]()
  }

  return {
    ring: () => bell.ring(),
    needsTape: () => pending?.tape !== false,
    async run(signal) {
      while (!signal.aborted) {
        const startedAt = clock()
        await look()
        const untilNextMs = (pending?.nextMs ?? restMaxMs) + slackMs
        // What the look itself took counts: its answer may have been slow.
        const restMs = Math.min(restMaxMs - (clock() - startedAt), untilNextMs)
        await bell.wait(Math.max(restMinMs, restMs), signal)
      }
    },
  }
}
