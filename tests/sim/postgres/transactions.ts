// The transactions of the fake Postgres. Others see the writes of a transaction from its commit on, which also frees its locks. READ
// COMMITTED: every statement looks at what is committed when it looks. What a crash makes of their ids is modelled too: one whose end was
// not on the disk is given out again.

import type { OrderRow } from '../../../src/store/orders.ts'
import type { LogRow, OrderRecord, Postgres } from './state.ts'

export type Tx = {
  name: string
  startedAt: number
  /** Its first lock or write draws it. */
  xid: bigint | null
  /** Whether a record of the write-ahead log has its id. */
  recorded: boolean
  /** Whether its commit waits for the disk. */
  waits: boolean
  /** How long it waits for a lock; null: as long as any. */
  lockTimeoutMs: number | null
  locks: Set<string>
  /** The commit applies them in order. */
  writes: (() => void)[]
  state: 'open' | 'committed' | 'rolled back'
  /** Called at its end. */
  waiting: (() => void)[]
}

export const begin = (db: Postgres, name: string): Tx => {
  const tx: Tx = {
    name,
    startedAt: db.clock(),
    xid: null,
    recorded: false,
    waits: true,
    lockTimeoutMs: null,
    locks: new Set(),
    writes: [],
    state: 'open',
    waiting: [],
  }
  db.open.add(tx)
  return tx
}

const end = (db: Postgres, tx: Tx, state: Tx['state']): void => {
  tx.state = state
  db.open.delete(tx)
  if (tx.xid !== null && tx.xid > db.lastEndedXid) db.lastEndedXid = tx.xid
  for (const key of tx.locks) db.locks.delete(key)
  for (const holders of db.shares.values()) holders.delete(tx)
  for (const [key, waiter] of db.waiters) if (waiter === tx) db.waiters.delete(key)
  for (const tell of tx.waiting.splice(0)) tell()
}

/** Its id stands in a record of the write-ahead log from now on; nobody waits until that is on the disk. */
const record = (db: Postgres, tx: Tx): void => {
  const { pending, flushedXid } = db.wal
  tx.recorded = true
  if (tx.xid! > (pending.at(-1)?.xid ?? flushedXid)) pending.push({ xid: tx.xid!, writtenAt: db.clock() })
}

/** All records until now, whoever wrote them. */
const flush = ({ wal }: Postgres): void => {
  wal.flushedXid = wal.pending.at(-1)?.xid ?? wal.flushedXid
  wal.pending = []
}

/** A transaction that drew an id and wrote nothing does not wait for the disk; neither does one that asked for that. */
export const commit = (db: Postgres, tx: Tx): void => {
  const waits = tx.recorded && tx.waits
  if (tx.xid !== null) record(db, tx)
  if (waits) flush(db)
  for (const write of tx.writes) write()
  end(db, tx, 'committed')
}

export const rollback = (db: Postgres, tx: Tx): void => {
  if (tx.xid !== null) record(db, tx)
  end(db, tx, 'rolled back')
}

export const ensureXid = (db: Postgres, tx: Tx): void => {
  tx.xid ??= db.nextXid++
}

/** The writer of the log brings records to the disk within this time, also if nobody waits for them. */
const walWriterMaxMs = 600

/**
 * Recovery after a crash, with no transaction open. Ids above the last one on the disk are given out again; sequences were written ahead,
 * and jump. `random`: how far each of the three was, 0 to 1.
 */
export const recover = (db: Postgres, random: () => number): void => {
  const flushedTo = db.clock() - random() * walWriterMaxMs
  const onDisk = db.wal.pending.findLast(({ writtenAt }) => writtenAt <= flushedTo)
  db.wal = { flushedXid: onDisk?.xid ?? db.wal.flushedXid, pending: [] }
  db.nextXid = db.wal.flushedXid + 1n
  db.lastEndedXid = db.wal.flushedXid
  const ahead = (): bigint => BigInt(Math.floor(random() * 33))
  db.lastPosition += ahead()
  db.lastLogPosition += ahead()
}

/** Transactions below `xmax` have ended, except those in `xip`. Ids that were given out after the last one that ended are not below. */
export type Snapshot = { xmax: bigint; xip: readonly bigint[] }

export const snapshotOf = (db: Postgres): Snapshot => {
  const xmax = db.lastEndedXid + 1n
  const xip = [...db.open].flatMap(({ xid }) => (xid === null || xid >= xmax ? [] : xid))
  return { xmax, xip: xip.toSorted((a, b) => (a < b ? -1 : 1)) }
}

export const isVisible = ({ xmax, xip }: Snapshot, xact: bigint): boolean => xact < xmax && !xip.includes(xact)

export const xminOf = ({ xmax, xip }: Snapshot): bigint => xip[0] ?? xmax

/** A rollback does not give it back. */
export const drawLogPosition = (db: Postgres): bigint => ++db.lastLogPosition

/** At the commit of `tx`. */
export const logRow = (db: Postgres, tx: Tx, row: LogRow): void =>
  void tx.writes.push(() => {
    db.log.push(row)
    db.onLog(row, tx)
  })

/** Adds a row to a table that is kept by order, at the commit of `tx`. */
export const appendTo = <T extends { order_id: string }>(table: Map<string, T[]>, tx: Tx, row: T): void =>
  void tx.writes.push(() => {
    const rows = table.get(row.order_id)
    if (rows === undefined) table.set(row.order_id, [row])
    else rows.push(row)
  })

/**
 * A statement under way. It yields where another statement may get in between: `null` for any moment, or the transaction whose
 * end it has to wait for.
 */
export type Steps<T> = Generator<Tx | null, T, void>

/** Who else has this lock, alone or with others; null: nobody. */
const holderOf = (db: Postgres, tx: Tx, key: string): Tx | null => {
  const holder = db.locks.get(key)
  if (holder !== undefined && holder !== tx) return holder
  return (
    db.shares
      .get(key)
      ?.values()
      .find((other) => other !== tx) ?? null
  )
}

export const isLocked = (db: Postgres, tx: Tx, key: string): boolean => holderOf(db, tx, key) !== null

/** Makes `after` the order's row at the commit of `tx`. Observers see it unless nothing changed. */
export const putOrder = (db: Postgres, tx: Tx, before: OrderRow | undefined, after: OrderRecord): void => {
  ensureXid(db, tx)
  tx.writes.push(() => {
    db.orders.set(after.id, after)
    db.stamps.set(after.id, tx.xid!)
    if (before?.version !== after.version) db.onOrder(before, after)
  })
}

/** Takes a lock that is free. */
export const take = (db: Postgres, tx: Tx, key: string): void => {
  ensureXid(db, tx)
  record(db, tx)
  db.locks.set(key, tx)
  tx.locks.add(key)
}

export function* awaitFree(db: Postgres, tx: Tx, key: string): Steps<void> {
  for (let holder = holderOf(db, tx, key); holder !== null; holder = holderOf(db, tx, key)) yield holder
}

export function* lock(db: Postgres, tx: Tx, key: string): Steps<void> {
  yield* awaitFree(db, tx, key)
  take(db, tx, key)
}

/** Who has this lock alone, or waits for that: nobody who comes later gets by. */
const aloneWith = (db: Postgres, tx: Tx, key: string): Tx | null => {
  const first = db.locks.get(key) ?? db.waiters.get(key)
  return first === undefined || first === tx ? null : first
}

function* shareLock(db: Postgres, tx: Tx, key: string): Steps<void> {
  for (let first = aloneWith(db, tx, key); first !== null; first = aloneWith(db, tx, key)) yield first
  if (!db.shares.has(key)) db.shares.set(key, new Set())
  db.shares.get(key)!.add(tx)
}

/** The lock of a row that a new foreign key names: it waits for whoever has locked the row, and others may have it too. */
export function* share(db: Postgres, tx: Tx, key: string): Steps<void> {
  yield* shareLock(db, tx, key)
  ensureXid(db, tx)
  record(db, tx)
}

/** The lock of a table, which draws no id: a statement takes it before its snapshot. Others that share it may have it too. */
export const shareTable = (db: Postgres, tx: Tx, table: string): Steps<void> => shareLock(db, tx, lockKey.table(table))

/** The lock of a table that nobody shares. */
export function* lockTable(db: Postgres, tx: Tx, table: string): Steps<void> {
  const key = lockKey.table(table)
  for (let waiter = db.waiters.get(key); waiter !== undefined; waiter = db.waiters.get(key)) yield waiter
  db.waiters.set(key, tx)
  yield* awaitFree(db, tx, key)
  db.waiters.delete(key)
  db.locks.set(key, tx)
  tx.locks.add(key)
}

export const lockKey = {
  table: (name: string) => `table ${name}`,
  order: (id: string) => `order ${id}`,
  /** Beside the lock of the order: a new version of it is written. */
  newVersion: (id: string) => `version ${id}`,
  newOrder: (id: string) => `new ${id}`,
  client: (key: string) => `key ${key}`,
  sweep: (id: bigint) => `sweep ${id}`,
  switch: (userId: string) => `switch ${userId}`,
  newSwitch: (userId: string) => `new switch ${userId}`,
  ending: (orderId: string) => `ending ${orderId}`,
  /** Beside the lock of the ending: it is inserted, changed or deleted. */
  newEnding: (orderId: string) => `new ending ${orderId}`,
  mark: (key: string) => `mark ${key}`,
  event: (position: bigint) => `event ${position}`,
  replica: (id: string) => `replica ${id}`,
  lease: (shard: number) => `lease ${shard}`,
}
