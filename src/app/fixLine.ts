// The line of a session of FIX: its messages are carried out in the order in which they were submitted. What arrives while a statement of the
// session is under way waits, and what is alike goes into the next one together. So a session has one statement at a time, however
// many messages its client sends ahead, and a number is moved only after all before it.

import type { BatchRefusal } from './batcher.ts'
import type { FixRefusal } from './fixOrders.ts'

/** Alike messages in one statement. */
const runMax = 256
/** Messages of a session that may wait. Whoever reads the socket stops before that. */
const waitingMax = 10_000

type LineRefusal = FixRefusal | BatchRefusal

/** How alike messages are carried out: one answer for each, in order. `follows`: whether the second may be in one statement with the first. */
export type Runner<T, R> = {
  run: (items: readonly T[]) => Promise<readonly (R | LineRefusal)[]>
  follows: (first: T, second: T) => boolean
}

type Entry = { runner: Runner<never, unknown>; item: unknown; settle: (answer: unknown) => void }

const lost: FixRefusal = { ok: false, code: 'SESSION_LOST' }
const overloaded: BatchRefusal = { ok: false, code: 'OVERLOADED' }

/** Whether the session goes on after this answer: its number was consumed. */
const goesOn = (answer: unknown): boolean => {
  const { ok, code } = answer as { ok: boolean; code?: string }
  return ok || (code !== 'SESSION_LOST' && code !== 'OVERLOADED' && code !== 'OUTCOME_UNKNOWN' && code !== 'INTERNAL')
}

export type Line = {
  submit: <T, R>(runner: Runner<T, R>, item: T) => Promise<R | LineRefusal>
  /** How many messages wait. */
  waiting: () => number
  /** Nothing more is carried out; what waits is refused. What is under way comes to its end. */
  close: () => void
  /** Resolves when nothing waits and nothing is under way. */
  drained: () => Promise<void>
}

const takeRun = (queue: Entry[]): Entry[] => {
  const [first] = queue
  const { runner } = first!
  const follows = runner.follows as (first: unknown, second: unknown) => boolean
  let count = 1
  while (
    count < Math.min(queue.length, runMax) &&
    queue[count]!.runner === runner &&
    follows(queue[count - 1]!.item, queue[count]!.item)
  )
    count++
  return queue.splice(0, count)
}

/**
 * A line ends with the first message whose number was not consumed: every later one is refused with SESSION_LOST, because the session would
 * not take its number. `onBug`: a runner threw; its messages count as refused.
 */
export const createLine = (onBug: (error: unknown) => void): Line => {
  const queue: Entry[] = []
  let ended = false
  let pumping: Promise<void> | null = null

  const refuseWaiting = (): void => {
    for (const { settle } of queue.splice(0)) settle(lost)
  }

  const carryOut = async (run: readonly Entry[]): Promise<void> => {
    const items = run.map(({ item }) => item)
    let answers: readonly unknown[]
    try {
      answers = await (run[0]!.runner as Runner<unknown, unknown>).run(items)
    } catch (error) {
      onBug(error)
      answers = items.map(() => ({ ok: false, code: 'INTERNAL' }))
    }
    if (!answers.every(goesOn)) ended = true
    for (const [i, { settle }] of run.entries()) settle(answers[i])
  }

  const pump = async (): Promise<void> => {
    // What is submitted in the same turn goes together.
    await Promise.resolve()
    while (queue.length > 0) {
      await carryOut(takeRun(queue))
      if (ended) refuseWaiting()
    }
    pumping = null
  }

  return {
    submit: <T, R>(runner: Runner<T, R>, item: T) => {
      if (ended) return Promise.resolve(lost)
      if (queue.length >= waitingMax) {
        ended = true
        return Promise.resolve(overloaded)
      }
      const { promise, resolve } = Promise.withResolvers<R | LineRefusal>()
      queue.push({ runner, item, settle: resolve as (answer: unknown) => void })
      pumping ??= pump()
      return promise
    },
    waiting: () => queue.length,
    close() {
      ended = true
      refuseWaiting()
    },
    drained: () => pumping ?? Promise.resolve(),
  }
}
