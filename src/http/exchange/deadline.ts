// Waits for promises for a limited time. All waits of one limit share one timer: a timer and a race for each request cost more than what
// they guard.

type Waiting = {
  /** On the clock of `performance.now`. */
  lateAt: number
  giveUp: () => void
}

/** Those that wait, in the order in which they began, which is that of their ends. */
const waitingOf = new Map<number, Set<Waiting>>()

const watch = (waiting: Set<Waiting>, limitMs: number): void => {
  const [first] = waiting
  if (first === undefined) {
    waitingOf.delete(limitMs)
    return
  }
  const wait = Math.max(1, Math.ceil(first.lateAt - performance.now()))
  setTimeout(() => {
    const now = performance.now()
    for (const one of waiting) {
      if (one.lateAt > now) break
      one.giveUp()
    }
    watch(waiting, limitMs)
  }, wait).unref()
}

const join = (limitMs: number, one: Waiting): Set<Waiting> => {
  const present = waitingOf.get(limitMs)
  if (present !== undefined) return present.add(one)
  const waiting = new Set([one])
  waitingOf.set(limitMs, waiting)
  watch(waiting, limitMs)
  return waiting
}

type Waited<T> = { value: T } | 'late' | 'failed'

/** What `promise` resolves to; `failed` if it rejects, `late` if it does neither within the limit. What it does later is ignored. */
export const within = <T>(limitMs: number, promise: Promise<T>): Promise<Waited<T>> =>
  new Promise((resolve) => {
    const one = { lateAt: performance.now() + limitMs, giveUp: () => settle('late') }
    const waiting = join(limitMs, one)
    const settle = (outcome: Waited<T>): void => {
      waiting.delete(one)
      resolve(outcome)
    }
    promise.then(
      (value) => settle({ value }),
      () => settle('failed'),
    )
  })
