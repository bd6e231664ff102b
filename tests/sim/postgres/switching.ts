// The fake of src/store/cancelAfter.ts: switches that are armed, and fire by the clock. Each that fires writes a sweep.

import { byTime } from './ending.ts'
import type { Postgres, SwitchRecord } from './state.ts'
import { beginSweep } from './sweeping.ts'
import {
  awaitFree,
  ensureXid,
  isLocked,
  lock,
  lockKey,
  snapshotOf,
  take,
  type Snapshot,
  type Steps,
  type Tx,
} from './transactions.ts'

type Column = (string | null)[]
type Arming = { user: string; timeoutMs: number; cause: string; attempt: string; lost: string[] }

const putSwitch = (db: Postgres, tx: Tx, row: SwitchRecord): void => {
  ensureXid(db, tx)
  tx.writes.push(() => {
    const before = db.switches.get(row.user_id)
    db.switches.set(row.user_id, row)
    db.onSwitch(before, row, tx)
  })
}

const begin = (db: Postgres, tx: Tx, fired: SwitchRecord, snapshot: Snapshot): number =>
  beginSweep(db, tx, {
    user_id: fired.user_id,
    ticker: null,
    side: null,
    reason_code: 'CANCEL_AFTER',
    cause: fired.cause,
    due_at: fired.fires_at,
    snapshot,
  })

/** Of an array literal. */
const idsIn = (literal: string): string[] => literal.slice(1, -1).split(',').filter(Boolean)

const armingsOf = ([users, timeouts, causes, attempts, lost]: readonly Column[]): Arming[] =>
  users!.map((user, i) => ({
    user: user!,
    timeoutMs: Number(timeouts![i]),
    cause: causes![i]!,
    attempt: attempts![i]!,
    lost: idsIn(lost![i]!),
  }))

const byUser = (a: Arming, b: Arming): number => (a.user < b.user ? -1 : 1)

/** On conflict do nothing: false if somebody else has made it. */
function* addSwitch(db: Postgres, tx: Tx, row: SwitchRecord): Steps<boolean> {
  yield* awaitFree(db, tx, lockKey.newSwitch(row.user_id))
  if (db.switches.has(row.user_id)) return false
  take(db, tx, lockKey.newSwitch(row.user_id))
  putSwitch(db, tx, row)
  return true
}

/** The snapshot is that of its beginning: what is due was due before it. */
export function* armSwitches(db: Postgres, tx: Tx, columns: readonly Column[], skipLocked: boolean): Steps<object[]> {
  const snapshot = snapshotOf(db)
  const armings = armingsOf(columns)
  const known = new Set(armings.flatMap(({ user }) => (db.switches.has(user) ? [user] : [])))
  const held = new Map<string, SwitchRecord>()
  for (const { user } of armings.filter((arming) => known.has(arming.user)).toSorted(byUser)) {
    if (skipLocked && isLocked(db, tx, lockKey.switch(user))) continue
    yield* lock(db, tx, lockKey.switch(user))
    held.set(user, db.switches.get(user)!)
    yield null
  }
  const answer: object[] = []
  const due: SwitchRecord[] = []
  for (const { user, timeoutMs, cause, attempt, lost } of armings.toSorted(byUser)) {
    const was = held.get(user)
    if (was === undefined && known.has(user)) continue
    if (was?.earlier.includes(attempt) === true) {
      const { fires_at } = was
      answer.push({ user_id: user, fires_at: fires_at === null ? null : new Date(fires_at), found_fired: false })
      continue
    }
    const isDue = was !== undefined && was.fires_at !== null && was.fires_at <= tx.startedAt
    const found_fired = was !== undefined && (was.fired || isDue || (was.found_fired && lost.includes(was.attempt)))
    const fires_at = timeoutMs > 0 ? db.clock() + timeoutMs : null
    const earlier = was === undefined ? lost : [...lost, was.attempt, ...was.earlier].slice(0, 16)
    const row: SwitchRecord = { user_id: user, fires_at, cause, attempt, earlier, fired: false, found_fired }
    if (was === undefined && !(yield* addSwitch(db, tx, row))) continue
    if (was !== undefined) putSwitch(db, tx, row)
    if (isDue) due.push(was)
    answer.push({ user_id: user, fires_at: fires_at === null ? null : new Date(fires_at), found_fired })
    yield null
  }
  for (const fired of due) begin(db, tx, fired, snapshot)
  return answer
}

type Fired = { row: SwitchRecord; begunAt: number }

/** Skips what somebody arms. */
function* fire(db: Postgres, tx: Tx, limit: number): Steps<Fired[]> {
  const snapshot = snapshotOf(db)
  const isDue = ({ fires_at }: SwitchRecord): boolean => fires_at !== null && fires_at <= tx.startedAt
  const due: SwitchRecord[] = []
  const found = [...db.switches.values()].filter(isDue)
  for (const { user_id: user } of found.toSorted(
    byTime(
      ({ fires_at }) => fires_at!,
      ({ user_id }) => user_id,
    ),
  )) {
    if (due.length >= limit) break
    if (isLocked(db, tx, lockKey.switch(user))) continue
    take(db, tx, lockKey.switch(user))
    const row = db.switches.get(user)!
    if (isDue(row)) due.push(row)
    yield null
  }
  return due.map((row) => {
    putSwitch(db, tx, { ...row, fires_at: null, fired: true })
    return { row, begunAt: begin(db, tx, row, snapshot) }
  })
}

/** What it looks at beside is as it was when it began. */
export function* fireDue(db: Postgres, tx: Tx, limit: number): Steps<object[]> {
  const at = tx.startedAt
  const armed = [...db.switches.values()].flatMap(({ fires_at }) => fires_at ?? [])
  const open = [...db.sweeps.values()].filter(({ done_at }) => done_at === null)
  const fired = yield* fire(db, tx, limit)
  const later = armed.filter((firesAt) => firesAt > at)
  return [
    {
      late_ms: fired.map(({ row, begunAt }) => begunAt - row.fires_at!),
      passed: Math.min(armed.filter((firesAt) => firesAt <= at).length, limit + 1),
      next_ms: later.length === 0 ? null : Math.min(...later) - db.clock(),
      open: open.length,
      oldest_ms: open.length === 0 ? 0 : at - Math.min(...open.map(({ begun_at }) => begun_at)),
      is_waiting: open.some(({ worked_until }) => worked_until === null || worked_until < at),
    },
  ]
}
