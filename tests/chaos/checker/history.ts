// What happened to every order, version by version, put together from the tables: the order's row is its acceptance, a ledger row is a fill,
// and everything else has a row of its own.

import type { ChangeRow, Evidence, LedgerRow, OrderRow } from './evidence.ts'
import { isRefused } from './requests.ts'

/** The order as this entry left it. `cause` as JSON has it. */
export type Entry = {
  version: number
  kind: string
  /** Milliseconds. */
  at: number
  position: bigint
  status: string
  filled: bigint
  notional: bigint
  lastPrice: bigint | null
  fill: LedgerRow | null
  change: ChangeRow | null
  cause: Readonly<Record<string, unknown>>
}

/** `entries`: by version. */
export type History = { order: OrderRow; entries: Entry[] }

export const finals: ReadonlySet<string> = new Set(['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'])

/** Or the refusal by a rule of business. */
const acceptance = (order: OrderRow): Entry => ({
  version: 0,
  kind: isRefused(order) ? 'REJECTED' : 'ACCEPTED',
  at: order.createdAt,
  position: order.position,
  status: isRefused(order) ? 'REJECTED' : 'NEW',
  filled: 0n,
  notional: 0n,
  lastPrice: null,
  fill: null,
  change: null,
  cause: {
    ...(order.origin?.startsWith('fix:') === true
      ? { kind: 'fix', session: order.origin.slice('fix:'.length) }
      : { kind: 'request' }),
    ...(order.requestId === null ? {} : { requestId: order.requestId }),
    ...(order.subject === null ? {} : { subject: order.subject }),
  },
})

const statusAfterFill = (before: Entry, { late }: LedgerRow, filled: bigint, { quantity }: OrderRow): string => {
  if (late) return before.status
  return filled === quantity ? 'FILLED' : 'PARTIALLY_FILLED'
}

const afterFill = (before: Entry, row: LedgerRow, order: OrderRow): Entry => {
  const filled = before.filled + row.quantity
  return {
    version: row.version,
    kind: 'FILLED',
    at: row.at,
    position: row.position,
    status: statusAfterFill(before, row, filled, order),
    filled,
    notional: before.notional + row.quantity * row.price,
    lastPrice: row.price,
    fill: row,
    change: null,
    cause: { kind: 'trade', partition: row.partition, offset: String(row.offset) },
  }
}

const afterChange = (before: Entry, row: ChangeRow): Entry => ({
  ...before,
  version: row.version,
  kind: row.kind,
  at: row.at,
  position: row.position,
  status: finals.has(row.kind) ? row.kind : before.status,
  fill: null,
  change: row,
  cause: row.cause,
})

const fold = (order: OrderRow, fills: readonly LedgerRow[], changes: readonly ChangeRow[]): History => {
  const entries = [acceptance(order)]
  const steps = [...fills, ...changes].toSorted((a, b) => a.version - b.version)
  for (const step of steps) {
    const before = entries.at(-1)!
    entries.push('tradeId' in step ? afterFill(before, step, order) : afterChange(before, step))
  }
  return { order, entries }
}

/** By order id. */
export const readHistories = ({ orders, ledger, changes }: Evidence): Map<string, History> => {
  const fillsOf = Map.groupBy(ledger, (row) => row.orderId)
  const changesOf = Map.groupBy(changes, (row) => row.orderId)
  return new Map(
    orders.map((order) => [order.id, fold(order, fillsOf.get(order.id) ?? [], changesOf.get(order.id) ?? [])]),
  )
}

/** The entry that ended an order otherwise than by its last fill. */
export const endOf = ({ entries }: Pick<History, 'entries'>): Entry | undefined =>
  entries.find(({ change }) => change !== null && finals.has(change.kind))
