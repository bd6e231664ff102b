// Remembers the last write that Postgres refused, for health: a Postgres that answers reads and refuses writes is of no use.

export type RefusedWrites = {
  /** A batch was refused for this reason. */
  refuse: (reason: string) => void
  /** The last reason and how long ago that was, in ms; null if nothing was refused for half a minute. */
  last: () => { reason: string; agoMs: number } | null
}

const forgetAfterMs = 30_000

/** `clock`: monotonic milliseconds. */
export const createRefusedWrites = (clock: () => number): RefusedWrites => {
  let last: { reason: string; at: number } | null = null
  return {
    refuse(reason) {
      last = { reason, at: clock() }
    },
    last() {
      if (last === null) return null
      const agoMs = clock() - last.at
      return agoMs > forgetAfterMs ? null : { reason: last.reason, agoMs }
    },
  }
}
