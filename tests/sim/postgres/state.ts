// The contents of the fake Postgres: what is committed.

import type { EventKind } from '../../../src/domain/events.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import type { Snapshot, Tx } from './transactions.ts'

/** What is stored of an order beside the columns that the service reads: its acceptance in the log. */
export type OrderRecord = OrderRow & {
  request_id: string | null
  subject: string | null
  xact: bigint
  position: bigint
  rules_epoch: string
}

/** Who has a key: an order, or nobody for ever. */
export type KeyRecord = {
  order_id: string | null
  voided_at: Date | null
  request_id: string | null
  subject: string | null
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
  /** Of a trigger. */
  rules_epoch: string | null
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
  /** What a cancellation says; null in all other events. */
  filled_quantity: string | null
  reason_code: string | null
  reason_text: string | null
  /** By the clock of the database. */
  writtenAt: number
}

/** An order that the service ends. Times in ms, by the clock of the database. */
export type EndingRecord = {
  order_id: string
  outcome: 'CANCELED' | 'EXPIRED'
  reason_code: string
  due_at: number
  told_at: number | null
  outbox_position: bigint | null
  acknowledged_at: number | null
}

/** What an engine said. Bytes in hex; times in ms, by the clock of the database. */
export type ReportRecord = {
  order_id: string
  report_id: string
  kind: string
  ticker: string
  reason_text: string | null
  cumulative_quantity: string | null
  reported_at: string
  kafka_topic: string
  kafka_partition: number
  kafka_offset: bigint
  message_key: string | null
  message: string | null
  state: string
  arrived_at: number
  settled_at: number | null
}

export type ReportExceptionRecord = Omit<ReportRecord, 'state' | 'arrived_at' | 'settled_at'> & {
  id: string
  disposition: string
  reason: string
}

/** The trading state of a ticker; of all, under the ticker ''. Times in ms, by the clock of the database. */
export type TradingRecord = { state: string; since: number; epoch: bigint }

export type RulesChangeRecord = {
  epoch: bigint
  at: number
  attempt: string
  ticker: string
  before: object
  after: object
  changed_by: string
  note: string
  subject: string | null
  request_id: string
  halted_since: number | null
}

/** A cancel of many orders. Times in ms, by the clock of the database. */
export type SweepRecord = {
  id: bigint
  user_id: string | null
  ticker: string | null
  side: string | null
  reason_code: string
  /** JSON. */
  cause: string
  snapshot: Snapshot
  position: bigint
  due_at: number | null
  begun_at: number
  worked_by: string | null
  worked_until: number | null
  done_at: number | null
}

/** The switch of a user. Times in ms, by the clock of the database. */
export type SwitchRecord = {
  user_id: string
  fires_at: number | null
  /** JSON. */
  cause: string
  attempt: string
  earlier: readonly string[]
  fired: boolean
  found_fired: boolean
}

export type LeaseRecord = { holder: string | null; expiresAt: number; setAside: string[] }

/** A row of the log, in any of its three tables. */
export type LogRow = {
  what: 'order' | 'fill' | 'change'
  orderId: string
  version: number
  xact: bigint
  position: bigint
}

/** What the disk knows of transaction ids. A crash gives out again what it does not know. */
type Wal = {
  /** The highest id of a record that is on the disk. */
  flushedXid: bigint
  /** Records that are not, each of a higher id than those before it. */
  pending: { xid: bigint; writtenAt: number }[]
}

export type Postgres = {
  /** Milliseconds, by the database's own clock. */
  clock: () => number
  orders: Map<string, OrderRecord>
  /** By order id: which transaction wrote its row last. */
  stamps: Map<string, bigint>
  /** By `user key`. */
  keys: Map<string, KeyRecord>
  /** Whether the keys of all older orders are among them. */
  keysFilled: boolean
  /** Of the rules of business, as the gate has it. */
  epoch: bigint
  /** By ticker. */
  trading: Map<string, TradingRecord>
  /** In the order of their epochs. */
  rulesChanges: RulesChangeRecord[]
  sweeps: Map<bigint, SweepRecord>
  lastSweepId: bigint
  /** By user. */
  switches: Map<string, SwitchRecord>
  /** By order id, in the order of their versions. */
  ledger: Map<string, LedgerRecord[]>
  /** By order id, in the order of their versions. */
  changes: Map<string, ChangeRecord[]>
  /** In the order of commits. */
  log: LogRow[]
  epochs: { epoch: number; floor: bigint; xact: bigint }[]
  exceptions: Map<string, ExceptionRecord[]>
  outbox: Map<bigint, EventRecord>
  /** By order id. */
  endings: Map<string, EndingRecord>
  /** `topic partition` → until when its records have their disposition, in ms by the clock of the database. */
  marks: Map<string, number>
  /** `order report` → what was taken. */
  reports: Map<string, ReportRecord>
  reportExceptions: ReportExceptionRecord[]
  leases: Map<number, LeaseRecord>
  replicas: Map<string, number>
  lastPosition: bigint
  lastLogPosition: bigint
  nextXid: bigint
  /** The highest id of a transaction that has ended. */
  lastEndedXid: bigint
  wal: Wal
  open: Set<Tx>
  locks: Map<string, Tx>
  /** Locks that several transactions may have, if nobody has the one of `locks`. */
  shares: Map<string, Set<Tx>>
  /** Who waits for the lock of a table, to have it alone. */
  waiters: Map<string, Tx>
  /** Observes every committed event, every row of the log, and every order before and after a change. */
  onEvent: (event: EventRecord, tx: Tx) => void
  onLog: (row: LogRow, tx: Tx) => void
  onOrder: (before: OrderRow | undefined, after: OrderRow) => void
  /** Observes every change of the rules, every sweep that begins or changes, and every switch before and after a change. */
  onRules: (change: RulesChangeRecord, tx: Tx) => void
  onSweep: (sweep: SweepRecord, tx: Tx) => void
  onSwitch: (before: SwitchRecord | undefined, after: SwitchRecord, tx: Tx) => void
}

const shards = 16
const firstXid = 1_000n

export const createPostgres = (clock: () => number): Postgres => ({
  clock,
  orders: new Map(),
  stamps: new Map(),
  keys: new Map(),
  keysFilled: true,
  epoch: 1n,
  trading: new Map(),
  rulesChanges: [],
  sweeps: new Map(),
  lastSweepId: 0n,
  switches: new Map(),
  ledger: new Map(),
  changes: new Map(),
  log: [],
  epochs: [{ epoch: 1, floor: 0n, xact: firstXid - 1n }],
  exceptions: new Map(),
  outbox: new Map(),
  endings: new Map(),
  reports: new Map(),
  reportExceptions: [],
  marks: new Map(),
  leases: new Map(
    Array.from({ length: shards }, (_, shard) => [shard, { holder: null, expiresAt: -Infinity, setAside: [] }]),
  ),
  replicas: new Map(),
  lastPosition: 0n,
  lastLogPosition: 0n,
  nextXid: firstXid,
  lastEndedXid: firstXid - 1n,
  wal: { flushedXid: firstXid - 1n, pending: [] },
  open: new Set(),
  locks: new Map(),
  shares: new Map(),
  waiters: new Map(),
  onEvent: () => undefined,
  onLog: () => undefined,
  onOrder: () => undefined,
  onRules: () => undefined,
  onSweep: () => undefined,
  onSwitch: () => undefined,
})
