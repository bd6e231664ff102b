// Lanes: so many tasks run at a time, so many wait, first come first served.

export type Lanes = {
  /** Runs it when a lane is free; settles as it does. Null: too many wait already. */
  run: <T>(task: () => Promise<T>) => Promise<T> | null
  load: () => { running: number; waiting: number }
}

export const createLanes = (lanes: number, waitingMax: number): Lanes => {
  const waiting: (() => void)[] = []
  let running = 0

  const start = async <T>(task: () => Promise<T>): Promise<T> => {
    running++
    try {
      return await task()
    } finally {
      running--
      waiting.shift()?.()
    }
  }

  const queue = <T>(task: () => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.push(() => void start(task).then(resolve, reject))
    return promise
  }

  return {
    run(task) {
      if (running < lanes && waiting.length === 0) return start(task)
      return waiting.length < waitingMax ? queue(task) : null
    },
    load: () => ({ running, waiting: waiting.length }),
  }
}
