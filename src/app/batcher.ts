// Group commit. Requests that arrive while the previous transaction runs share the next one: no timer, no linger, so an idle service
// answers at the latency of one order and a busy one pays one commit for many. Everything is bounded: the queue, the batch, the lanes, and
// how long a request waits.

import { storeFault } from '../store/faults.ts'
import { createAlarm, createSweeper, realClock, type BatcherClock } from './batcherClock.ts'
import { msToNextLane } from './lanes.ts'
import { sleep } from './sleep.ts'

/** `OVERLOADED`: nothing was stored. `OUTCOME_UNKNOWN`: it may have been. `INTERNAL`: a bug, logged by `onBug`; nothing was stored. */
export type BatchRefusal = { ok: false; code: 'OVERLOADED' | 'OUTCOME_UNKNOWN' | 'INTERNAL' }

export type BatcherOptions<T, R> = {
  /**
   * Runs one transaction over the items; returns one result per item, in their order. It may be called again with the same items after its
   * answer was lost (`again` is true then), so it has to be idempotent. It calls `stored` once it has committed something: if it fails
   * after that, the outcome is unknown whatever it fails with.
   */
  run: (items: readonly T[], attempt: { again: boolean; stored: () => void }) => Promise<readonly R[]>
  /** Items per transaction. A unit of more items has a transaction of its own. */
  batchMax: number
  /** Transactions at a time. A second write starts only where that helps: see lanes.ts. */
  lanes: number
  /** Items that may wait; one more is refused. A unit waits whole or is refused whole. */
  queueMax: number
  /** How long an item waits for its answer, queueing included. */
  deadlineMs: number
  /** A read stores nothing, so a lost answer does not make its outcome unknown. */
  kind: 'read' | 'write'
  onBug: (error: unknown) => void
  /** Called with the error behind a refusal that is not a bug: Postgres is away, or has no room, or did not answer in time. */
  onRefused?: (error: unknown) => void
  /** Called for every batch once it has its answers. */
  onBatch?: (batch: BatchReport) => void
  /** Default: the real one. */
  clock?: BatcherClock
}

/** `waitedMs`: how long its first item waited for a lane. `tookMs`: from then to its answers, retries and halves included. */
export type BatchReport = { items: number; waitedMs: number; tookMs: number }

export type BatcherLoad = { queued: number; running: number }

export type Batcher<T, R> = {
  submit: (item: T) => Promise<R | BatchRefusal>
  /**
   * Submits a unit: items that wait and run together, in their order, and share one transaction. Only where a row of the batch is at fault
   * may the halving divide a unit. One result per item.
   */
  submitAll: (items: readonly T[]) => Promise<readonly (R | BatchRefusal)[]>
  /** Whether the queue is full: the next item would be refused. */
  isFull: () => boolean
  /** Items waiting and items in a transaction. */
  load: () => BatcherLoad
  /** Resolves when nothing waits and nothing runs. */
  drained: () => Promise<void>
  /** Stops looking for units that are late. Nothing may be submitted afterwards. */
  close: () => void
}

/** What a batch calls after each commit: the outcome of a failure is unknown from then on, whatever fails. */
export const afterCommit = (stored: () => void, onCommitted: () => void) => (): void => {
  stored()
  onCommitted()
}

type Unit<T, R> = { items: readonly T[]; at: number; settle: (results: readonly (R | BatchRefusal)[]) => void }

const retryPauseMs = 50
const sweepMs = 100

const refusal = (code: BatchRefusal['code']): BatchRefusal => ({ ok: false, code })

const sizeOf = (units: readonly { items: readonly unknown[] }[]): number =>
  units.reduce((sum, { items }) => sum + items.length, 0)

/** Runs one batch to its end: splits it around a guilty row, repeats it if that is safe and may help, refuses it otherwise. */
export const runBatch = async <T, R>(
  items: readonly T[],
  options: Pick<BatcherOptions<T, R>, 'run' | 'kind' | 'onBug' | 'onRefused'> & { giveUpAt: number },
  lost = false,
): Promise<(R | BatchRefusal)[]> => {
  let again = lost
  const stored = (): void => {
    again = true
  }
  const refuseAll = (code: BatchRefusal['code']) =>
    items.map(() => refusal(again && options.kind === 'write' ? 'OUTCOME_UNKNOWN' : code))
  const giveUp = (error: unknown) => {
    options.onRefused?.(error)
    return refuseAll('OVERLOADED')
  }
  for (;;) {
    try {
      return [...(await options.run(items, { again, stored }))]
    } catch (error) {
      switch (storeFault(error)) {
        case 'data': {
          if (items.length === 1) {
            options.onBug(error)
            return refuseAll('INTERNAL')
          }
          const half = items.length >> 1
          const first = await runBatch(items.slice(0, half), options, again)
          return [...first, ...(await runBatch(items.slice(half), options, again))]
        }
        case 'bug':
          options.onBug(error)
          return refuseAll('INTERNAL')
        case 'unavailable':
          // Answer at once, unless an earlier attempt may have stored something: then another attempt is worth the wait, because it finds
          // that out.
          if (!again || options.kind === 'read') return giveUp(error)
          break
        case 'unknown':
          again = true
          break
        case 'contention':
          break
      }
      if (performance.now() >= options.giveUpAt) return giveUp(error)
      await sleep(retryPauseMs)
    }
  }
}

/** Refuses a unit. Settling a promise a second time does nothing. */
const refuseUnit = <T, R>({ items, settle }: Unit<T, R>, code: BatchRefusal['code']): void =>
  settle(items.map(() => refusal(code)))

/** Refuses every unit that came `before`; takes those that wait out of the queue. Returns how many items these have. */
const refuseLate = <T, R>(
  queue: Unit<T, R>[],
  running: Iterable<readonly Unit<T, R>[]>,
  { kind, before }: { kind: 'read' | 'write'; before: number },
): number => {
  let late = 0
  while (late < queue.length && queue[late]!.at <= before) late++
  const refused = queue.splice(0, late)
  for (const unit of refused) refuseUnit(unit, 'OVERLOADED')
  for (const batch of running)
    for (const unit of batch)
      if (unit.at <= before) refuseUnit(unit, kind === 'write' ? 'OUTCOME_UNKNOWN' : 'OVERLOADED')
  return sizeOf(refused)
}

/** Takes the next batch out of the queue: its first unit, and those after it that fit as well. */
const takeBatch = <T, R>(queue: Unit<T, R>[], itemsMax: number): Unit<T, R>[] => {
  let [count, items] = [0, 0]
  do items += queue[count++]!.items.length
  while (count < queue.length && items + queue[count]!.items.length <= itemsMax)
  return queue.splice(0, count)
}

/** Gives each unit its part of the results. */
const settleUnits = <T, R>(batch: readonly Unit<T, R>[], results: readonly (R | BatchRefusal)[]): void => {
  let from = 0
  for (const { items, settle } of batch) settle(results.slice(from, (from += items.length)))
}

type Serving<T, R> = { batch: readonly Unit<T, R>[]; items: readonly T[]; clock: BatcherClock }

/** Runs a batch to its end, answers its units, and reports it. */
const serveBatch = async <T, R>(
  { batch, items, clock }: Serving<T, R>,
  options: BatcherOptions<T, R>,
): Promise<void> => {
  const beganAt = clock.now()
  try {
    settleUnits(batch, await runBatch(items, { ...options, giveUpAt: performance.now() + options.deadlineMs }))
  } finally {
    const waitedMs = beganAt - batch[0]!.at
    options.onBatch?.({ items: items.length, waitedMs, tookMs: clock.now() - beganAt })
  }
}

/** Creates a batcher; see BatcherOptions for its limits. */
export const createBatcher = <T, R>(options: BatcherOptions<T, R>): Batcher<T, R> => {
  const queue: Unit<T, R>[] = []
  const running = new Set<Unit<T, R>[]>()
  /** Items in the queue. */
  let queued = 0
  let idle: (() => void)[] = []
  let scheduled = false
  const clock = options.clock ?? realClock
  /** Of the youngest batch. */
  let startedAt = -Infinity

  const finish = (batch: Unit<T, R>[]): void => {
    running.delete(batch)
    pump()
    if (running.size === 0) {
      for (const resolve of idle) resolve()
      idle = []
    }
  }

  const start = (batch: Unit<T, R>[]): void => {
    running.add(batch)
    startedAt = clock.now()
    const items = batch.length === 1 ? batch[0]!.items : batch.flatMap((unit) => unit.items)
    queued -= items.length
    void serveBatch({ batch, items, clock }, options).finally(() => finish(batch))
  }

  const pump = (): void => {
    scheduled = false
    for (;;) {
      const ms = msToNextLane(options, { waiting: queued, running: running.size, startedAt, now: clock.now() })
      if (ms !== 0) return ms === null ? undefined : pumpIn(ms)
      start(takeBatch(queue, options.batchMax))
    }
  }

  const pumpIn = createAlarm(clock, pump)

  const isFull = (): boolean => queued >= options.queueMax

  const submitAll = (items: readonly T[]): Promise<readonly (R | BatchRefusal)[]> => {
    if (items.length === 0) return Promise.resolve([])
    if (queued + items.length > options.queueMax) return Promise.resolve(items.map(() => refusal('OVERLOADED')))
    const { promise, resolve } = Promise.withResolvers<readonly (R | BatchRefusal)[]>()
    queue.push({ items, at: clock.now(), settle: resolve })
    queued += items.length
    sweeper.start()
    if (!scheduled) {
      scheduled = true
      setImmediate(pump)
    }
    return promise
  }

  const sweeper = createSweeper(sweepMs, () => {
    queued -= refuseLate(queue, running, { kind: options.kind, before: clock.now() - options.deadlineMs })
    return queue.length > 0 || running.size > 0
  })

  return {
    isFull,
    submit: (item) => submitAll([item]).then((results) => results[0]!),
    submitAll,
    load: () => ({ queued, running: [...running].reduce((sum, batch) => sum + sizeOf(batch), 0) }),
    drained: () =>
      running.size === 0 && queue.length === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)),
    close: sweeper.stop,
  }
}
