// The fake of src/store/endings.ts, its second half: the ends that may become the status, and what is left of them; and of src/store/pending.ts.

import { byTime, dropEnding, isDue, isImmediate, isOpen } from './ending.ts'
import type { EndingRecord, Postgres } from './state.ts'
import { isLocked, lockKey, take, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]

/** The lowest mark of all partitions; null: there is none. */
export const readUntil = (db: Postgres, topic: string): number | null => {
  const marks = [...db.marks].filter(([key]) => key.startsWith(`${topic} `)).map(([, mark]) => mark)
  return marks.length === 0 ? null : Math.min(...marks)
}

export type SettledQuery = { topic: string; settleMs: number; limit: number }

export function* readSettledEndings(db: Postgres, tx: Tx, { topic, settleMs, limit }: SettledQuery): Steps<object[]> {
  const end = readUntil(db, topic)
  const isSettled = ({ acknowledged_at }: EndingRecord): boolean =>
    end !== null && acknowledged_at !== null && acknowledged_at <= end - settleMs
  const answer: object[] = []
  for (const { order_id: id, outcome, reason_code } of [...db.endings.values()].filter(isSettled).toSorted(
    byTime(
      ({ acknowledged_at }) => acknowledged_at!,
      ({ order_id }) => order_id,
    ),
  )) {
    if (answer.length >= limit) break
    if (isLocked(db, tx, lockKey.ending(id))) continue
    take(db, tx, lockKey.ending(id))
    if (isLocked(db, tx, lockKey.order(id))) continue
    take(db, tx, lockKey.order(id))
    answer.push({ order_id: id, outcome, reason_code, now: new Date(tx.startedAt) })
    yield null
  }
  return answer
}

export function* deleteEndings(db: Postgres, tx: Tx, ids: Column): Steps<[]> {
  const isOver = (id: string): boolean => db.endings.has(id) && !isOpen(db.orders.get(id)!)
  for (const id of ids.flatMap((each) => (isOver(each!) ? each! : [])).toSorted()) {
    if (isLocked(db, tx, lockKey.ending(id))) continue
    take(db, tx, lockKey.ending(id))
    dropEnding(db, tx, id)
    yield null
  }
  return []
}

export const readEndingsWork = (db: Postgres): object[] => {
  const now = db.clock()
  const [orders, endings] = [[...db.orders.values()], [...db.endings.values()]]
  return [
    {
      due: orders.some((order) => isDue(order, now)),
      immediate: orders.some((order) => isImmediate(order) && !db.endings.has(order.id)),
      untold: endings.some(({ acknowledged_at, told_at, due_at }) => {
        return acknowledged_at === null && told_at === null && due_at <= now
      }),
      sent: endings.some(({ acknowledged_at, told_at }) => acknowledged_at === null && told_at !== null),
      acknowledged: endings.some(({ acknowledged_at }) => acknowledged_at !== null),
    },
  ]
}

export const readPending = (db: Postgres, { endsImmediate }: { endsImmediate: boolean }): object[] => {
  const now = db.clock()
  const orders = [...db.orders.values()].filter(isOpen)
  const armed = [...db.switches.values()].flatMap(({ fires_at }) => fires_at ?? [])
  const moments = [...orders.flatMap(({ expires_at }) => expires_at?.getTime() ?? []), ...armed]
  const nextAt = Math.min(...moments.filter((at) => at > now))
  const settling = db.endings.values().some(({ acknowledged_at }) => acknowledged_at !== null)
  const reports = db.reports.values().some(({ settled_at }) => settled_at === null)
  return [
    {
      endings:
        db.endings.size > 0 || orders.some((order) => isDue(order, now) || (endsImmediate && isImmediate(order))),
      switches: armed.some((at) => at <= now) || db.sweeps.values().some(({ done_at }) => done_at === null),
      reports,
      tape: settling || reports,
      next_ms: nextAt === Infinity ? null : nextAt - now,
    },
  ]
}

export const readEndingsBacklog = (db: Postgres): object[] => {
  const now = db.clock()
  const endings = [...db.endings.values()]
  const stage = (name: string, since: (ending: EndingRecord) => number | null): object => {
    const times = endings.map(since).filter((time) => time !== null)
    return { stage: name, orders: times.length, oldest_ms: Math.max(0, ...times.map((time) => now - time)) }
  }
  return [
    stage('due', ({ told_at, due_at }) => (told_at === null && due_at <= now ? due_at : null)),
    stage('sending', ({ told_at, acknowledged_at }) => (acknowledged_at === null ? told_at : null)),
    stage('settling', ({ acknowledged_at }) => acknowledged_at),
  ]
}
