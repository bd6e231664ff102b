// Checks what followers saw once the database had lost its newest part: all that was written afterwards, or they were told to begin anew.

import type { FollowerRecord, LoggedRow, Segment } from '../journal.ts'
import { checkWhole, haveSeenLast, nameOf, passes, rowOf, truthOf, type Facts } from './log.ts'

/** `takenAt`: the database is as it was then. `at`: when that happened. Both in ms of the run. */
export type Loss = { takenAt: number; at: number }

/** The log as it is now. */
const withoutLost = (facts: Facts, { takenAt, at }: Loss): Facts => {
  const log = facts.journal.log.filter(({ committedAt }) => committedAt <= takenAt || committedAt > at)
  return { ...facts, journal: { ...facts.journal, log } }
}

const beganAnew = ({ beganAt }: Segment, { at }: Loss): boolean => beganAt > at

/** Rows of after the loss that a follower with an old cursor has not seen. */
const unseen = (facts: Facts, record: FollowerRecord, { at }: Loss): LoggedRow[] => {
  const truth = truthOf(facts)
  const seen = new Set(record.segments.at(-1)!.events.map(({ text }) => rowOf(truth, text)))
  return [...truth.values()]
    .flat()
    .filter((row) => row.committedAt > at && passes(facts, record, row.orderId) && !seen.has(row))
}

export const haveSeenAllSince = (facts: Facts, loss: Loss): boolean => {
  const now = withoutLost(facts, loss)
  return facts.journal.followers.every((record) => {
    const segment = record.segments.at(-1)!
    return beganAnew(segment, loss) ? haveSeenLast(now, record) : unseen(now, record, loss).length === 0
  })
}

export const checkLoss = (facts: Facts, loss: Loss): void => {
  const now = withoutLost(facts, loss)
  for (const record of facts.journal.followers) {
    const segment = record.segments.at(-1)!
    if (beganAnew(segment, loss)) checkWhole(now, record)
    else
      for (const row of unseen(now, record, loss))
        facts.broken(`follower ${record.name} was not told of the loss, and never got ${nameOf(row)}`)
  }
}
