// What a batcher knows of time: a clock, one alarm, and a sweep that runs while it has something to look at.

/** `now`: in ms, only goes up. `after`: calls `ring` once in so many ms. */
export type BatcherClock = { now: () => number; after: (ms: number, ring: () => void) => void }

export const realClock: BatcherClock = {
  now: () => performance.now(),
  after: (ms, ring) => void setTimeout(ring, ms),
}

/** Calls `ring` in so many ms, but once only, however often it is set meanwhile: a ring that comes too early has to look again. */
export const createAlarm = (clock: BatcherClock, ring: () => void) => {
  let isSet = false
  return (ms: number): void => {
    if (isSet) return
    isSet = true
    clock.after(ms, () => {
      isSet = false
      ring()
    })
  }
}

/** Calls `sweep` every so many ms from `start` on, until it returns false or is stopped. One for all instead of a timer for each. */
export const createSweeper = (everyMs: number, sweep: () => boolean) => {
  let timer: Timer | undefined
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    start: (): void => void (timer ??= setInterval(() => (sweep() ? undefined : stop()), everyMs)),
    stop,
  }
}
