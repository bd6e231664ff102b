// The fake of src/store/tapeMarks.ts: how far the trade topic was applied.

import type { Postgres } from './state.ts'
import { lock, lockKey, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]
export type Raise = { topic: string; partitions: number; marked: Column; readUntil: Column }

const keyOf = (topic: string, partition: number): string => `${topic} ${partition}`

export const readTapeNeed = (db: Postgres): object[] => {
  const isEnding = db.endings.values().some(({ acknowledged_at }) => acknowledged_at !== null)
  const isReport = db.reports.values().some(({ settled_at }) => settled_at === null)
  return isEnding || isReport ? [{ now: new Date(db.clock()) }] : []
}

/** Only upwards. Partitions without a mark get one that says nothing. */
export function* raiseTapeMarks(db: Postgres, tx: Tx, { topic, partitions, marked, readUntil }: Raise): Steps<[]> {
  const raised = new Map(marked.map((partition, i) => [Number(partition), Date.parse(readUntil[i]!)]))
  const isIn = (partition: number): boolean => raised.has(partition) || !db.marks.has(keyOf(topic, partition))
  for (const partition of Array.from({ length: partitions }, (_, i) => i).filter(isIn)) {
    const key = keyOf(topic, partition)
    yield* lock(db, tx, lockKey.mark(key))
    const until = raised.get(partition) ?? -Infinity
    const present = db.marks.get(key)
    if (present === undefined || until > present) tx.writes.push(() => void db.marks.set(key, until))
    yield null
  }
  return []
}
