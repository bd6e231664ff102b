// Cancels the open orders of a user or a ticker in one request: page by page, newest first, until its deadline. It covers the orders that were
// committed before it began. Once something was canceled the answer says so: it is no refusal any more, however the rest fails.

import type { Cause } from '../domain/history.ts'
import type { Status } from '../domain/order.ts'
import { readCoveredPage, readMoment, type CancelScope, type Moment } from '../store/covered.ts'
import { storeFault } from '../store/faults.ts'
import type { Database } from '../store/sql.ts'
import type { BatchRefusal } from './batcher.ts'
import { cancelMany, pageMax } from './cancelMany.ts'
import { sleep } from './sleep.ts'

/**
 * `notCanceled`: orders that became final between reading and canceling, with their status. `remaining`: some orders of the scope that were there
 * when it began may still be open.
 */
export type MassCanceled = {
  ok: true
  canceled: string[]
  notCanceled: { id: string; status: Status }[]
  remaining: boolean
}

type MassCancel = { scope: CancelScope; cause: Cause; traceparent: string | null }

export type MassCancelsOptions = {
  /** For pages. */
  reads: Database
  /** For cancels. */
  changes: Database
  /** How long a request waits for its answer. */
  deadlineMs: number
  newId: (at: Date) => string
  now: () => Date
  onCommitted: () => void
  /** Called for each order that was canceled. */
  onCanceled?: (orders: number) => void
  onBug: (error: unknown) => void
  onRefused?: (error: unknown) => void
}

export type MassCancels = {
  submit: (command: MassCancel) => Promise<MassCanceled | BatchRefusal>
  /** Resolves when none runs. */
  drained: () => Promise<unknown>
}

/** Each has a statement of 500 orders under way nearly all of its time; cancels of single orders share its connections. */
const atATime = 2
/** Orders that one answer names. */
export const idsMax = 10_000
/** Before the deadline, for writing the answer: at most this long, and at most this share of it. */
const answerMarginMs = 500
const answerMarginShare = 0.2
const retryPauseMs = 50

const refusal = (code: BatchRefusal['code']): BatchRefusal => ({ ok: false, code })

/** `inDoubt`: the answer of a cancel is under way, or was lost. `error`: why it ended early. */
type Progress = {
  canceled: string[]
  closed: Map<string, Status>
  inDoubt: boolean
  complete: boolean
  over: boolean
  error: unknown
}

/** It goes on for as long as trying again may help and there is time. */
class GaveUp extends Error {
  override name = 'GaveUp'
}

/** Runs a statement again after a failure that passes, until the time is over. `write`: whether an attempt whose answer was lost may have done something. */
const insist = async <T>(progress: Progress, write: boolean, run: (again: boolean) => Promise<T>): Promise<T> => {
  for (let again = false; ;) {
    if (progress.over) throw new GaveUp('the time is over')
    try {
      if (write) progress.inDoubt = true
      const result = await run(again)
      if (write) progress.inDoubt = false
      return result
    } catch (error) {
      const fault = storeFault(error)
      again ||= fault === 'unknown'
      if (write) progress.inDoubt = again
      progress.error = error
      if (fault !== 'unknown' && fault !== 'contention') throw error
    }
    await sleep(retryPauseMs)
  }
}

const standby = Object.assign(new Error('the server is a standby'), { code: '25006' })

const begin = async (db: Database): Promise<Moment> => {
  const moment = await db.run(readMoment)
  if (moment === null) throw standby
  return moment
}

/** What became of the ids that nothing was done with. `lost`: an attempt whose answer was lost may have canceled some of them. */
type Left = { ids: string[]; lost: boolean }

/** Cancels these orders, and leaves what it did in `progress`. Orders that an attempt has canceled whose answer was lost are among the closed. */
const cancelSome = async (
  { ids, lost }: Left,
  { cause, traceparent }: MassCancel,
  progress: Progress,
  options: MassCancelsOptions,
): Promise<Left & { refused: number }> => {
  const { changes, now, newId, onCommitted, onCanceled, onBug } = options
  let wasLost = lost
  const done = await insist(progress, true, (again) => {
    wasLost ||= again
    return cancelMany(changes, {
      ids,
      reasonCode: 'MASS_CANCELED',
      cause,
      traceparent,
      newEventId: () => newId(now()),
      now: now(),
      onCommitted,
    })
  })
  const { canceled, closed } = progress
  const credited = wasLost ? done.closed.flatMap(({ id, status }) => (status === 'CANCELED' ? [id] : [])) : []
  canceled.push(...done.canceled, ...credited)
  for (const { id, status } of done.closed) if (!credited.includes(id)) closed.set(id, status)
  for (const { error } of done.refused) onBug(error)
  onCanceled?.(done.canceled.length + credited.length)
  if (done.left !== null) progress.error = done.left.error
  return {
    ids: done.left?.ids ?? [],
    lost: done.left !== null && storeFault(done.left.error) === 'unknown',
    refused: done.refused.length,
  }
}

/** Goes over the scope, and leaves what it did in `progress`. Orders that a session holds locked come last, until there is no time any more. */
const walk = async (command: MassCancel, progress: Progress, options: MassCancelsOptions): Promise<void> => {
  const { reads, now } = options
  const moment = await insist(progress, false, () => begin(reads))
  const { canceled, closed } = progress
  const left: Left[] = []
  let isWhole = true
  const cancel = async (some: Left): Promise<void> => {
    const { refused, ...rest } = await cancelSome(some, command, progress, options)
    isWhole &&= refused === 0
    if (rest.ids.length > 0) left.push(rest)
  }
  const room = (): number => idsMax - canceled.length - closed.size
  let before: string | undefined
  do {
    const query = { scope: command.scope, moment, before, limit: Math.min(pageMax, room()), now: now() }
    const { ids, next } = await insist(progress, false, () => reads.run((sql) => readCoveredPage(sql, query)))
    await cancel({ ids, lost: false })
    before = next ?? undefined
  } while (before !== undefined && room() > 0)
  while (left.length > 0 && room() > 0) {
    const { ids, lost } = left.shift()!
    const some = ids.slice(0, room())
    if (some.length < ids.length) left.push({ ids: ids.slice(some.length), lost })
    await cancel({ ids: some, lost })
  }
  progress.complete = isWhole && before === undefined && left.length === 0
}

const answerOf = ({ canceled, closed, inDoubt, complete, error }: Progress): MassCanceled | BatchRefusal => {
  if (complete || canceled.length + closed.size > 0)
    return {
      ok: true,
      canceled: [...canceled],
      notCanceled: [...closed].map(([id, status]) => ({ id, status })),
      remaining: !complete,
    }
  if (inDoubt) return refusal('OUTCOME_UNKNOWN')
  return refusal(error !== null && storeFault(error) === 'bug' ? 'INTERNAL' : 'OVERLOADED')
}

export const createMassCancels = (options: MassCancelsOptions): MassCancels => {
  const { deadlineMs, onBug, onRefused } = options
  const running = new Set<Promise<void>>()

  const run = async (command: MassCancel, progress: Progress): Promise<void> => {
    try {
      await walk(command, progress, options)
    } catch (error) {
      if (error instanceof GaveUp) return
      progress.error = error
      const fault = storeFault(error)
      if (fault === 'bug' || fault === 'data') onBug(error)
      else onRefused?.(error)
    }
  }

  return {
    async submit(command) {
      if (running.size >= atATime) return refusal('OVERLOADED')
      const progress: Progress = {
        canceled: [],
        closed: new Map(),
        inDoubt: false,
        complete: false,
        over: false,
        error: null,
      }
      const work = run(command, progress).finally(() => running.delete(work))
      running.add(work)
      const timer = new AbortController()
      const time = sleep(deadlineMs - Math.min(answerMarginMs, deadlineMs * answerMarginShare), timer.signal)
      await Promise.race([work, time])
      timer.abort()
      progress.over = true
      return answerOf(progress)
    },
    drained: () => Promise.all(running),
  }
}
