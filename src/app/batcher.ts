// Group commit. Requests that arrive while the previous transaction runs share the next one: no timer, no linger, so an idle service
// answers at the latency of one order and a busy one pays one commit for many. Everything is bounded: the queue, the batch, the lanes, and
// how long a request waits.

import { storeFault } from '../store/faults.ts'
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
  /** Items per transaction. */
  batchMax: number
  /** Transactions at a time. */
  lanes: number
  /** Items that may wait; one more is refused. */
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
}

/** `waitedMs`: how long its first item waited for a lane. `tookMs`: from then to its answers, retries and halves included. */
export type BatchReport = { items: number; waitedMs: number; tookMs: number }

export type Batcher<T, R> = {
  submit: (item: T) => Promise<R | BatchRefusal>
  /** Whether the queue is full: the next item would be refused. */
  isFull: () => boolean
  /** Items waiting and items in a transaction. */
  load: () => { queued: number; running: number }
  /** Resolves when nothing waits and nothing runs. */
  drained: () => Promise<void>
  close: () => void
}

type Job<T, R> = { item: T; at: number; settle: (result: R | BatchRefusal) => void }

const retryPauseMs = 50
const sweepMs = 100

const refusal = (code: BatchRefusal['code']): BatchRefusal => ({ ok: false, code })

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

/** Refuses every job that has waited to the deadline. Settling a promise a second time does nothing. */
const refuseLate = <T, R>(
  queue: Job<T, R>[],
  running: Iterable<readonly Job<T, R>[]>,
  { kind, deadlineMs }: Pick<BatcherOptions<T, R>, 'kind' | 'deadlineMs'>,
): void => {
  const before = performance.now() - deadlineMs
  let late = 0
  while (late < queue.length && queue[late]!.at <= before) late++
  for (const job of queue.splice(0, late)) job.settle(refusal('OVERLOADED'))
  for (const batch of running)
    for (const job of batch)
      if (job.at <= before) job.settle(refusal(kind === 'write' ? 'OUTCOME_UNKNOWN' : 'OVERLOADED'))
}

/** Creates a batcher; see BatcherOptions for its limits. */
export const createBatcher = <T, R>(options: BatcherOptions<T, R>): Batcher<T, R> => {
  const queue: Job<T, R>[] = []
  const running = new Set<Job<T, R>[]>()
  let idle: (() => void)[] = []
  let scheduled = false

  const finish = (batch: Job<T, R>[]): void => {
    running.delete(batch)
    pump()
    if (running.size === 0) {
      for (const resolve of idle) resolve()
      idle = []
    }
  }

  const start = (batch: Job<T, R>[]): void => {
    running.add(batch)
    const startedAt = performance.now()
    const giveUpAt = startedAt + options.deadlineMs
    void runBatch(
      batch.map((job) => job.item),
      { ...options, giveUpAt },
    )
      .then((results) => batch.forEach((job, i) => job.settle(results[i]!)))
      .finally(() => {
        const waitedMs = startedAt - batch[0]!.at
        options.onBatch?.({ items: batch.length, waitedMs, tookMs: performance.now() - startedAt })
        finish(batch)
      })
  }

  const pump = (): void => {
    scheduled = false
    while (running.size < options.lanes && queue.length > 0) start(queue.splice(0, options.batchMax))
  }

  const isFull = (): boolean => queue.length >= options.queueMax

  // One sweep for all instead of a timer for each.
  const sweeper = setInterval(() => refuseLate(queue, running, options), sweepMs)

  return {
    isFull,
    submit(item) {
      if (isFull()) return Promise.resolve(refusal('OVERLOADED'))
      const { promise, resolve } = Promise.withResolvers<R | BatchRefusal>()
      queue.push({ item, at: performance.now(), settle: resolve })
      if (!scheduled) {
        scheduled = true
        setImmediate(pump)
      }
      return promise
    },
    load: () => ({ queued: queue.length, running: [...running].reduce((sum, batch) => sum + batch.length, 0) }),
    drained: () =>
      running.size === 0 && queue.length === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)),
    close: () => clearInterval(sweeper),
  }
}
