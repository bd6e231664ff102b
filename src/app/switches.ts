// Cancel-after, a dead man's switch. Arming is one statement of a batch; firing is a loop on every replica, so that a switch fires while the
// replica that armed it is gone. Firing writes a sweep (sweeps.ts), which cancels the orders. While there is neither, the loop rests until the
// lookout (lookout.ts) rings.

import type { Cause } from '../domain/history.ts'
import { armSwitches, fireDue, type Look, type Switch } from '../store/cancelAfter.ts'
import { isLockTimeout, storeFault } from '../store/faults.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { BatchRefusal } from './batcher.ts'
import type { FoundLocked } from './foundLocked.ts'
import { createBell } from './sleep.ts'

/** A time-out of a switch, in ms; 0 disarms it. */
export const timeoutMinMs = 1_000
export const timeoutMaxMs = 86_400_000

/** `lost`: its statements whose answers were lost, the newest first; armBatch adds to them. */
export type ArmCommand = { userId: string; timeoutMs: number; cause: Cause; lost: string[] }
export type ArmResult = { ok: true; armed: Switch } | BatchRefusal

type ArmParts = { newId: () => string; foundLocked: FoundLocked; onCommitted: () => void }
type Armed = ReadonlyMap<string, Switch>

/** One statement, for users that differ; it has an id, so that it changes nothing if it runs after it was made again. */
const armOnce = async (
  db: Database,
  commands: readonly ArmCommand[],
  { newId, onCommitted, skipLocked }: ArmParts & { skipLocked: boolean },
): Promise<Armed> => {
  const armings = commands.map((command) => ({ ...command, attempt: newId() }))
  const addLost = (wasMade: (userId: string) => boolean): void =>
    commands.forEach(({ userId, lost }, i) => void (wasMade(userId) && lost.unshift(armings[i]!.attempt)))
  try {
    const armed = await db.run((sql) => armSwitches(sql, armings, { skipLocked }))
    if (armed.size > 0) onCommitted()
    // Should a later statement of the batch fail, this one's answer is lost with it.
    addLost((userId) => armed.has(userId))
    return armed
  } catch (error) {
    if (storeFault(error) === 'unknown') addLost(() => true)
    throw error
  }
}

const usersOf = (commands: readonly ArmCommand[]): string[] => commands.map(({ userId }) => userId)

/**
 * Arms the switches of users that differ: first those that nobody has locked, then the others. So a session that holds one of them holds up no other,
 * whose deadline may be near. `locked`: the users of those that stay locked.
 */
const armFreeFirst = async (
  db: Database,
  commands: readonly ArmCommand[],
  parts: ArmParts,
): Promise<{ armed: Armed; locked: ReadonlySet<string> }> => {
  const users = usersOf(commands)
  const locked = new Set(parts.foundLocked.among(users))
  let armed = await armOnce(db, commands, { ...parts, skipLocked: true })
  for (const userId of armed.keys()) locked.delete(userId)
  const awaited = commands.filter(({ userId }) => !armed.has(userId) && !locked.has(userId))
  try {
    if (awaited.length > 0)
      armed = new Map([...armed, ...(await armOnce(db, awaited, { ...parts, skipLocked: false }))])
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    for (const { userId } of awaited) locked.add(userId)
  }
  parts.foundLocked.note(users, locked)
  return { armed, locked }
}

/**
 * Arms a batch; returns one result per command, in order. Of several commands for one user each takes a statement. Those for a switch that stays locked
 * are refused.
 */
export const armBatch = async (
  db: Database,
  commands: readonly ArmCommand[],
  parts: ArmParts,
): Promise<ArmResult[]> => {
  const results = new Map<ArmCommand, ArmResult>()
  for (let pending = [...commands]; pending.length > 0;) {
    const firsts = [...new Map(pending.toReversed().map((command) => [command.userId, command])).values()]
    const { armed, locked } = await armFreeFirst(db, firsts, parts)
    for (const command of firsts) {
      const result = armed.get(command.userId)
      if (result !== undefined) results.set(command, { ok: true, armed: result })
    }
    for (const command of pending.filter(({ userId }) => locked.has(userId)))
      results.set(command, { ok: false, code: command.lost.length > 0 ? 'OUTCOME_UNKNOWN' : 'OVERLOADED' })
    pending = pending.filter((command) => !results.has(command))
  }
  return commands.map((command) => results.get(command)!)
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
