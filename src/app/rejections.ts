// How many refused orders of one caller are stored. They are rows for ever, so a caller whose orders are all refused must not fill the tables.

import type { Placement } from './place.ts'
import { createBuckets, type BucketState } from './rateLimit.ts'

export type Rejections = {
  /** Whether this placement may be stored though a rule refuses it. However often it is asked for one placement, it takes one token. */
  take: (placement: Placement) => BucketState
  /** Whether there is a token for this placement; takes none. */
  look: (placement: Placement) => BucketState
  /** Gives back the token of a placement, if it has one: it was not stored as a refused order. */
  putBack: (placement: Placement) => void
}

const callersMax = 50_000

/** Callers that need not identify themselves count as one. */
const callerOf = ({ origin }: Placement): string => origin.subject ?? ''

/** `nowMs`: a monotonic clock. */
export const createRejections = (perMinuteMax: number, nowMs: () => number): Rejections => {
  const buckets = createBuckets({ perSecond: perMinuteMax / 60, burst: perMinuteMax, keysMax: callersMax, nowMs })
  const takenBy = new WeakMap<Placement, BucketState>()
  return {
    take(placement) {
      const before = takenBy.get(placement)
      if (before?.allowed === true) return before
      const state = buckets.take(callerOf(placement))
      takenBy.set(placement, state)
      return state
    },
    look: (placement) => buckets.look(callerOf(placement)),
    putBack(placement) {
      if (takenBy.get(placement)?.allowed === true) buckets.putBack(callerOf(placement))
      takenBy.delete(placement)
    },
  }
}
