// What waits for one at the head of the log, until it has kept what came before.

import { pageMax } from '../../app/logPages.ts'
import { portionsOf, type Portion, type Stretch } from './portions.ts'

export type Mail = {
  /** False: too much would wait; nothing was taken. One stretch is always taken, however long it is. */
  push: (stretch: Stretch) => boolean
  /** The next page; null: nothing waits. */
  take: () => Portion | null
  isEmpty: () => boolean
  /** The time of the oldest event that waits. */
  oldest: () => Date | null
}

/** Events that may wait. */
const waitingMax = 5_000

export const createMail = (): Mail => {
  const portions: Portion[] = []
  let count = 0
  return {
    push(stretch) {
      if (count > 0 && count + stretch.rows.length > waitingMax) return false
      portions.push(...portionsOf(stretch, pageMax))
      count += stretch.rows.length
      return true
    },
    take() {
      const first = portions.shift()
      if (first === undefined) return null
      const taken = [first]
      let size = first.rows.length
      while (portions.length > 0 && size + portions[0]!.rows.length <= pageMax) {
        taken.push(portions.shift()!)
        size += taken.at(-1)!.rows.length
      }
      count -= size
      return { rows: taken.flatMap(({ rows }) => rows), to: taken.at(-1)!.to }
    },
    isEmpty: () => portions.length === 0,
    oldest: () => portions[0]?.rows[0]!.history.at ?? null,
  }
}
