// Cancels orders. One statement decides each under its row lock, and appends the events.

import { assert } from '../domain/assert.ts'
import type { Cause } from '../domain/history.ts'
import { decide, type Order, type Status } from '../domain/order.ts'
import { isLockTimeout } from '../store/faults.ts'
import { moveOrders, type Move, type MoveRow } from '../store/moves.ts'
import { readOrders, type NewEvent } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import type { BatchRefusal } from './batcher.ts'

/**
 * What may be canceled. `remaining`: also what remains of an order that was filled in part; else only an order that is NEW. `repeatable`:
 * an order that is CANCELED already counts as canceled, as it does with `remaining`. `versions`: one of these the order must have; absent:
 * it may have any.
 */
export type CancelTerms = { remaining?: boolean; repeatable?: boolean; versions?: readonly number[] | undefined }

export type Cancellation = CancelTerms & { id: string; cause: Cause; event: NewEvent }

/** `PRECONDITION_FAILED`: it could be canceled, but has another version. */
export type CancelResult =
  | { ok: true; order: Order }
  | { ok: false; code: 'NOT_FOUND' }
  | { ok: false; code: 'NOT_CANCELABLE'; status: Status }
  | { ok: false; code: 'PRECONDITION_FAILED'; version: number }

/** An order under its lock. */
type State = { status: Status; version: number }

/** No order has it: whoever asks for it is refused, with the state of the order. */
const noVersion = -1

const moveOf = ({ id, cause, event, remaining, versions }: Cancellation, seen: State | undefined): Move => ({
  orderId: id,
  event: 'cancel',
  ...(remaining === true ? {} : { onlyFrom: ['NEW'] }),
  ...(versions === undefined ? {} : { ifVersion: seen?.version ?? versions[0] ?? noVersion }),
  reason: { code: 'USER_CANCELED', text: null },
  cause,
  outbox: { kind: 'CANCELLED', ...event },
})

/** What a cancellation of an order in this state comes to. `ok: true`: it is CANCELED, and that is what was asked for. Null: it may be canceled. */
const judge = (
  { remaining = false, repeatable = remaining, versions }: CancelTerms,
  { status, version }: State,
): { ok: true } | Exclude<CancelResult, { ok: true }> | null => {
  if (repeatable && status === 'CANCELED') return { ok: true }
  if (!(remaining ? decide(status, 'cancel').ok : status === 'NEW'))
    return { ok: false, code: 'NOT_CANCELABLE', status }
  return versions === undefined || versions.includes(version)
    ? null
    : { ok: false, code: 'PRECONDITION_FAILED', version }
}

/** Those of one order, in the order in which they came. `seen`: the order when one of them was tried last. */
type Pending = { id: string; waiting: Cancellation[]; seen: State | undefined }
/** `read`: the order was CANCELED before, and that is what was asked for. */
type Settled = Map<Cancellation, CancelResult | BatchRefusal | 'read'>

const groupById = (cancellations: readonly Cancellation[]): Pending[] =>
  [...Map.groupBy(cancellations, ({ id }) => id)].map(([id, waiting]) => ({ id, waiting, seen: undefined }))

/** Settles what the result of the first cancellation of an order decides; returns those that have to be tried as well. */
const settle = ({ id, waiting, seen: before }: Pending, row: MoveRow | undefined, settled: Settled): Pending => {
  const [first] = waiting
  if (row === undefined) {
    for (const one of waiting) settled.set(one, { ok: false, code: 'NOT_FOUND' })
    return { id, waiting: [], seen: undefined }
  }
  const { order } = row
  const seen = order ?? { status: row.before, version: row.beforeVersion }
  if (order !== null) settled.set(first!, { ok: true, order })
  for (const one of waiting) {
    const judgement = settled.has(one) ? null : judge(one, seen)
    if (judgement !== null) settled.set(one, judgement.ok ? (order === null ? 'read' : { ok: true, order }) : judgement)
  }
  assert(settled.has(first!) || before?.version !== seen.version, 'a cancel that its order lets pass is made')
  return { id, waiting: waiting.filter((one) => !settled.has(one)), seen }
}

/** The cancellation that has canceled the order, if an earlier attempt did: one without a version could do it in any state. */
const creditOf = ({ waiting }: Pending): Cancellation =>
  waiting.find(({ versions }) => versions === undefined) ?? waiting[0]!

type Attempt = { again: boolean; now: Date; onCommitted: () => void }

/** `locked`: the orders that somebody had locked for as long as a statement waits. */
type Moved = { rows: ReadonlyMap<string, MoveRow>; locked: ReadonlySet<string> }

/** Makes the moves of the orders that nobody has locked, then the others: so a session that holds one of them holds up no other. */
const moveFreeFirst = async (
  db: Database,
  moves: readonly Move[],
  { now, onCommitted }: Pick<Attempt, 'now' | 'onCommitted'>,
): Promise<Moved> => {
  const run = async (some: readonly Move[], skipLocked: boolean): Promise<Map<string, MoveRow>> => {
    const rows = await db.run((sql) => moveOrders(sql, some, now, { skipLocked }))
    if ([...rows.values()].some(({ order }) => order !== null)) onCommitted()
    return rows
  }
  const rows = await run(moves, true)
  const others = moves.filter(({ orderId }) => !rows.has(orderId))
  if (others.length === 0) return { rows, locked: new Set() }
  try {
    return { rows: new Map([...rows, ...(await run(others, false))]), locked: new Set() }
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return { rows, locked: new Set(others.map(({ orderId }) => orderId)) }
  }
}

/**
 * Cancels a batch. Returns one result per cancellation, in order; of two cancellations of one order only the first may succeed, unless the
 * other is repeatable. `again`: the answer of an earlier attempt was lost; then an order found CANCELED counts as canceled by that
 * attempt. `onCommitted` is called after every commit that appended events. A cancellation of an order that stays locked is refused.
 *
 * The first cancellation of each order is tried. What the order was then decides the others too, except for one that this state lets pass:
 * it is tried next. So a batch takes one statement, and more only while orders change in between, are locked, or do not exist.
 */
export const cancelBatch = async (
  db: Database,
  cancellations: readonly Cancellation[],
  { again, ...attempt }: Attempt,
): Promise<(CancelResult | BatchRefusal)[]> => {
  const settled: Settled = new Map()
  const refused: BatchRefusal = { ok: false, code: again ? 'OUTCOME_UNKNOWN' : 'OVERLOADED' }
  let isFirst = true
  for (let pending = groupById(cancellations); pending.length > 0;) {
    const moves = pending.map(({ waiting, seen }) => moveOf(waiting[0]!, seen))
    const { rows, locked } = await moveFreeFirst(db, moves, attempt)
    if (isFirst && again)
      for (const one of pending) if (rows.get(one.id)?.before === 'CANCELED') settled.set(creditOf(one), 'read')
    for (const { id, waiting } of pending) if (locked.has(id)) for (const one of waiting) settled.set(one, refused)
    pending = pending
      .filter(({ id }) => !locked.has(id))
      .map((one) => settle(one, rows.get(one.id), settled))
      .filter(({ waiting }) => waiting.length > 0)
    isFirst = false
  }
  const toRead = [...settled].filter(([, result]) => result === 'read').map(([{ id }]) => id)
  const read = toRead.length === 0 ? [] : await db.run((sql) => readOrders(sql, [...new Set(toRead)]))
  const orders = new Map(read.map((order) => [order.id, order]))
  return cancellations.map((one) => {
    const result = settled.get(one)!
    return result === 'read' ? { ok: true, order: orders.get(one.id)! } : result
  })
}
