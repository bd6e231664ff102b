// The committed contents of the fake Postgres, and its transactions. Others see the writes of a transaction from its commit on,
// which also frees its locks. READ COMMITTED: every statement looks at what is committed when it looks.

import type { EventKind } from '../../../src/domain/events.ts'
import type { OrderRow } from '../../../src/store/orders.ts'

/** What is stored of an order beside the columns that the service reads: its acceptance in the log, and how it ended. */
export type OrderRecord = OrderRow & {
  request_id: string | null
  subject: string | null
  reason_code: string | null
  reason_text: string | null
  xact: bigint
  position: bigint
}

/** Of the two tables of the log that are not `orders`. */
type LogColumns = { xact: bigint; position: bigint }

export type ChangeRecord = LogColumns & {
  order_id: string
  version: number
  kind: string
  at: Date
  reason_code: string | null
  reason_text: string | null
  /** JSON. */
  cause: string
  filled_quantity: string
  filled_notional: string
  last_fill_price: string | null
}

export type LedgerRecord = LogColumns & {
  order_id: string
  trade_id: string
  side: string
  ticker: string
  ts: string
  quantity: string
  price: string
  late: boolean
  applied_at: Date
  order_version: number
  cumulative_quantity: string
  cumulative_notional: string
  kafka_partition: number
  kafka_offset: bigint
}

export type ExceptionRecord = {
  id: string
  disposition: string
  reason: string
  order_id: string
  trade_id: string
  side: string
  ticker: string
  ts: string
  quantity: string
  price: string
  kafka_topic: string
  kafka_partition: number
  kafka_offset: bigint
}

export type EventRecord = {
  position: bigint
  event_id: string
  kind: EventKind
  order_id: string
  ticker: string
  occurred_at: Date
  traceparent: string | null
  /** By the clock of the database. */
  writtenAt: number
}

export type LeaseRecord = { holder: string | null; expiresAt: number; setAside: string[] }

export type Tx = {
  name: string
  startedAt: number
  /** Its first write draws it. */
  xid: bigint | null
  locks: Set<string>
  /** The commit applies them in order. */
  writes: (() => void)[]
  state: 'open' | 'committed' | 'rolled back'
  /** Called at its end. */
  waiting: (() => void)[]
}

export type Postgres = {
  /** Milliseconds, by the database's own clock. */
  clock: () => number
  orders: Map<string, OrderRecord>
  /** By order id: which transaction wrote its row last. */
  stamps: Map<string, bigint>
  /** `user key` → order id. */
  keys: Map<string, string>
  /** By order id, in the order of their versions. */
  ledger: Map<string, LedgerRecord[]>
  /** By order id, in the order of their versions. */
  changes: Map<string, ChangeRecord[]>
  exceptions: Map<string, ExceptionRecord[]>
  outbox: Map<bigint, EventRecord>
  leases: Map<number, LeaseRecord>
  replicas: Map<string, number>
  lastPosition: bigint
  lastLogPosition: bigint
  nextXid: bigint
  open: Set<Tx>
  locks: Map<string, Tx>
  /** Observes every committed event, and every order before and after a change. */
  onEvent: (event: EventRecord, tx: Tx) => void
  onOrder: (before: OrderRow | undefined, after: OrderRow) => void
}

const shards = 16

export const createPostgres = (clock: () => number): Postgres => ({
  clock,
  orders: new Map(),
  stamps: new Map(),
  keys: new Map(),
  ledger: new Map(),
  changes: new Map(),
  exceptions: new Map(),
  outbox: new Map(),
  leases: new Map(
    Array.from({ length: shards }, (_, shard) => [shard, { holder: null, expiresAt: -Infinity, setAside: [] }]),
  ),
  replicas: new Map(),
  lastPosition: 0n,
  lastLogPosition: 0n,
  nextXid: 1_000n,
  open: new Set(),
  locks: new Map(),
  onEvent: () => undefined,
  onOrder: () => undefined,
})

export const begin = (db: Postgres, name: string): Tx => {
  const tx: Tx = {
    name,
    startedAt: db.clock(),
    xid: null,
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
  for (const key of tx.locks) db.locks.delete(key)
  for (const tell of tx.waiting.splice(0)) tell()
}

export const commit = (db: Postgres, tx: Tx): void => {
  for (const write of tx.writes) write()
  end(db, tx, 'committed')
}

export const rollback = (db: Postgres, tx: Tx): void => end(db, tx, 'rolled back')

export const ensureXid = (db: Postgres, tx: Tx): void => {
  tx.xid ??= db.nextXid++
}

/** A rollback does not give it back. */
export const drawLogPosition = (db: Postgres): bigint => ++db.lastLogPosition

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

export const isLocked = (db: Postgres, tx: Tx, key: string): boolean => {
  const holder = db.locks.get(key)
  return holder !== undefined && holder !== tx
}

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
  db.locks.set(key, tx)
  tx.locks.add(key)
}

export function* lock(db: Postgres, tx: Tx, key: string): Steps<void> {
  while (isLocked(db, tx, key)) yield db.locks.get(key)!
  take(db, tx, key)
}

export const lockKey = {
  order: (id: string) => `order ${id}`,
  /** Beside the lock of the order: a new version of it is written. */
  newVersion: (id: string) => `version ${id}`,
  newOrder: (id: string) => `new ${id}`,
  client: (key: string) => `key ${key}`,
  event: (position: bigint) => `event ${position}`,
  replica: (id: string) => `replica ${id}`,
  lease: (shard: number) => `lease ${shard}`,
}
