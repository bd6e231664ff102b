// The fake of src/store/tapeMarks.ts: how far the trade topic was applied.

import type { Postgres } from './state.ts'
import { lock, lockKey, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]
export type Raise = { topic: string; partitions: number; goneUntil: string | null; marked: Column; readUntil: Column }

const keyOf = (topic: string, partition: number): string => `${topic} ${partition}`

export const readTapeNeed = (db: Postgres): object[] => {
  const isEnding = db.endings.values().some(({ acknowledged_at }) => acknowledged_at !== null)
  const isReport = db.reports.values().some(({ settled_at }) => settled_at === null)
  return isEnding || isReport ? [{ now: new Date(db.clock()) }] : []
}

/** The marks of partitions that the topic no longer has, where they stand lower than this moment. */
const goneMarks = (db: Postgres, { topic, partitions, goneUntil }: Raise): [partition: number, until: number][] => {
  if (goneUntil === null) return []
  const until = Date.parse(goneUntil)
  return [...db.marks]
    .filter(([key, mark]) => key.startsWith(`${topic} `) && mark < until)
    .map(([key]): [number, number] => [Number(key.split(' ')[1]), until])
    .filter(([partition]) => partition >= partitions)
    .toSorted(([a], [b]) => a - b)
}

/** Only upwards. Partitions without a mark get one that says nothing. */
export function* raiseTapeMarks(db: Postgres, tx: Tx, raise: Raise): Steps<[]> {
  const { topic, partitions, marked, readUntil } = raise
  const raised = new Map(marked.map((partition, i) => [Number(partition), Date.parse(readUntil[i]!)]))
  const isIn = (partition: number): boolean => raised.has(partition) || !db.marks.has(keyOf(topic, partition))
  const present = Array.from({ length: partitions }, (_, i) => i).filter(isIn)
  const rows = present.map((partition): [number, number] => [partition, raised.get(partition) ?? -Infinity])
  for (const [partition, until] of [...rows, ...goneMarks(db, raise)]) {
    const key = keyOf(topic, partition)
    yield* lock(db, tx, lockKey.mark(key))
    const before = db.marks.get(key)
    if (before === undefined || until > before) tx.writes.push(() => void db.marks.set(key, until))
    yield null
  }
  return []
}
