// Ends orders by the clock. At its instant the engine is told, and the status follows the trade topic: it is given once everything was applied
// that was on the topic some time after the broker had the cancellation. Every replica runs this loop over the steps of expirySteps.ts. While there is
// nothing to end it rests until the lookout (lookout.ts) rings.

import { readEndingsBacklog, readEndingsWork, type EndingsBacklog } from '../store/endings.ts'
import { describe } from '../telemetry/log.ts'
import { stepsOf, type LimitedStep, type StepOptions } from './expirySteps.ts'
import { createBell, sleep } from './sleep.ts'

export type ExpiryOptions = StepOptions & {
  /** Milliseconds that only go up. */
  clock: () => number
}

/** `backlog`: read every few seconds while there is one. `obstacle`: why the last pass failed; null: it did not. */
type ExpiryState = { backlog: EndingsBacklog; obstacle: string | null }
export type Expiry = {
  run: (signal: AbortSignal) => Promise<void>
  /** One pass over all steps that have something to do; whether any of them had a full batch, so that there may be more. */
  pass: () => Promise<boolean>
  /** There is something to end. */
  ring: () => void
  state: () => ExpiryState
}

const pauseMs = 500
/** While nothing is to be ended, and nobody rings. */
const idleMs = 10_000
const errorPauseMs = 1_000
/** After each pass the loop rests at least as long as the pass took, so that fills and placing have Postgres for themselves half of the time. */
const restsPerPass = 1
/** A pass that did little may still have looked through much that waits: then it looks less often. */
const restsPerSmallPass = 10
const pauseMaxMs = 5_000
const backlogEveryMs = 5_000

/** `isIdle`: no step was needed. `more`: one had a full batch. */
type Passed = { isIdle: boolean; more: boolean }

/** A step that fails does not hold up the others. Throws the first error, once all were tried. */
const pass = async ({ db }: ExpiryOptions, steps: readonly LimitedStep[]): Promise<Passed> => {
  const work = await db.run(readEndingsWork)
  const needed = steps.filter(({ isNeeded }) => isNeeded(work))
  const errors: unknown[] = []
  let more = false
  for (const { run } of needed)
    try {
      more = (await run()) || more
    } catch (error) {
      errors.push(error)
    }
  if (errors.length > 0) throw errors[0]
  return { isIdle: needed.length === 0, more }
}

const nothing: EndingsBacklog = {
  due: { orders: 0, oldestMs: 0 },
  sending: { orders: 0, oldestMs: 0 },
  settling: { orders: 0, oldestMs: 0 },
}

export const createExpiry = (options: ExpiryOptions): Expiry => {
  const { db, clock, log } = options
  const steps = stepsOf(options)
  const bell = createBell()
  const state: ExpiryState & { readAt: number } = { backlog: nothing, obstacle: null, readAt: -Infinity }

  const readBacklog = async (): Promise<void> => {
    if (clock() - state.readAt < backlogEveryMs) return
    state.readAt = clock()
    state.backlog = await db.run(readEndingsBacklog)
  }

  /** One pass; how long to rest then, in ms; null: until there is something to do. */
  const passAndRest = async (): Promise<number | null> => {
    const startedAt = clock()
    try {
      const { isIdle, more } = await pass(options, steps)
      const tookMs = clock() - startedAt
      if (isIdle) state.backlog = nothing
      else await readBacklog()
      state.obstacle = null
      if (isIdle) return null
      return more ? tookMs * restsPerPass : Math.min(pauseMaxMs, Math.max(pauseMs, tookMs * restsPerSmallPass))
    } catch (error) {
      const fields = describe(error)
      state.obstacle = fields.error
      log.rarely('warn', 'expiry', 'orders cannot be ended by the clock now; it is tried again', fields)
      return errorPauseMs
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        const restMs = await passAndRest()
        await (restMs === null ? bell.wait(idleMs, signal) : sleep(restMs, signal))
      }
    },
    pass: async () => (await pass(options, steps)).more,
    ring: () => bell.ring(),
    state: () => state,
  }
}
