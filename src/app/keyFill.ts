// Whether the keys of orders from before the table of keys were filled into it (store/keys.ts). Once that is known it is never asked again.

import { readKeysFilled } from '../store/keys.ts'
import type { Database } from '../store/sql.ts'

export type KeyFill = {
  /** False: the unique index of orders counts as well. False is always safe, and slower. */
  isDone: () => Promise<boolean>
}

const lookEveryMs = 10_000

/** `clock`: monotonic milliseconds. */
export const createKeyFill = (db: Database, clock: () => number): KeyFill => {
  let done = false
  let lookedAt = -Infinity
  let looking: Promise<boolean> | null = null

  const look = async (): Promise<boolean> => {
    lookedAt = clock()
    try {
      return (done = await db.run(readKeysFilled))
    } finally {
      looking = null
    }
  }

  return {
    // Who asks while a look is under way waits for it: without the old index, which is dropped some time after the fill, false is slow.
    isDone: async () => looking ?? (done || clock() - lookedAt < lookEveryMs ? done : (looking = look())),
  }
}
