// Cancel-after, a dead man's switch. Arming is one statement of a batch; firing is a loop on every replica, so that a switch fires while the
// replica that armed it is gone. Firing writes a sweep (sweeps.ts), which cancels the orders. While there is neither, the loop rests until the
// lookout (lookout.ts) rings.

import type { Cause } from '../domain/history.ts'
import { armSwitches, fireDue, type Look, type Switch } from '../store/cancelAfter.ts'
import { storeFault } from '../store/faults.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createBell } from './sleep.ts'

/** A time-out of a switch, in ms; 0 disarms it. */
export const timeoutMinMs = 1_000
export const timeoutMaxMs = 86_400_000

/** `lost`: its statements whose answers were lost, the newest first; armBatch adds to them. */
export type ArmCommand = { userId: string; timeoutMs: number; cause: Cause; lost: string[] }
export type ArmResult = { ok: true; armed: Switch }

/** One statement, for users that differ; it has an id, so that it changes nothing if it runs after it was made again. */
const armOnce = async (
  db: Database,
  commands: readonly ArmCommand[],
  newId: () => string,
): Promise<ReadonlyMap<string, Switch>> => {
  const armings = commands.map((command) => ({ ...command, attempt: newId() }))
  try {
    return await db.run((sql) => armSwitches(sql, armings))
  } catch (error) {
    if (storeFault(error) === 'unknown') commands.forEach(({ lost }, i) => lost.unshift(armings[i]!.attempt))
    throw error
  }
}

/** Arms a batch; returns one result per command, in order. Of several commands for one user each takes a statement. */
export const armBatch = async (
  db: Database,
  commands: readonly ArmCommand[],
  { newId, onCommitted }: { newId: () => string; onCommitted: () => void },
): Promise<ArmResult[]> => {
  const results = new Map<ArmCommand, Switch>()
  for (let pending = [...commands]; pending.length > 0;) {
    const firsts = [...new Map(pending.toReversed().map((command) => [command.userId, command])).values()]
    const armed = await armOnce(db, firsts, newId)
    if (armed.size > 0) onCommitted()
    for (const command of firsts) {
      const result = armed.get(command.userId)
      if (result !== undefined) results.set(command, result)
    }
    pending = pending.filter((command) => !results.has(command))
  }
  return commands.map((command) => ({ ok: true, armed: results.get(command)! }))
}

export type SwitchesOptions = {
  db: Database
  /** Called for each switch that this replica fired, with how long after its deadline that was. */
  onFired?: (lateMs: number) => void
  /** Called when there are sweeps that nobody works on. */
  onSweeps: () => void
  /** Milliseconds that only go up. */
  clock: () => number
  log: Log
}

type SwitchesState = Pick<Look, 'open' | 'oldestMs'> & { obstacle: string | null }
export type Switches = {
  run: (signal: AbortSignal) => Promise<void>
  /** One look; how long to rest then, in ms. */
  look: () => Promise<number>
  /** A deadline has passed, or there are sweeps. */
  ring: () => void
  state: () => SwitchesState
}

/** Switches that one statement fires. */
const firedMax = 500
/** Between two looks: at least this long, so that looks cost little however many switches are armed. */
const restMinMs = 250
/** At most this long, while sweeps are open: whoever looks at the metrics sees how they go. */
const restMaxMs = 750
/** While there is nothing, and nobody rings. */
const idleMs = 10_000
/** While deadlines have passed that one look did not fire: there were too many, or somebody arms them at this moment. */
const againMs = 25
/** A timer may ring a little early. */
const slackMs = 2

export const createSwitches = ({ db, onFired, onSweeps, clock, log }: SwitchesOptions): Switches => {
  const bell = createBell()
  let state: SwitchesState = { open: 0, oldestMs: 0, obstacle: null }

  const look = async (): Promise<number> => {
    const { lateMs, due, nextMs, open, oldestMs, isWaiting } = await db.run((sql) => fireDue(sql, firedMax))
    for (const late of lateMs) onFired?.(late)
    if (isWaiting) onSweeps()
    state = { open, oldestMs, obstacle: null }
    if (due) return againMs
    return Math.min(open > 0 ? restMaxMs : idleMs, Math.max(restMinMs, (nextMs ?? idleMs) + slackMs))
  }

  return {
    look,
    ring: () => bell.ring(),
    state: () => state,
    async run(signal) {
      while (!signal.aborted) {
        const startedAt = clock()
        let restMs = restMinMs
        try {
          restMs = await look()
        } catch (error) {
          const fields = describe(error)
          state = { ...state, obstacle: fields.error }
          log.rarely('warn', 'switches', 'switches cannot be looked at now; it is tried again', fields)
        }
        // What the look itself took counts: its answer may have been slow.
        await bell.wait(Math.max(againMs, restMs - (clock() - startedAt)), signal)
      }
    },
  }
}
