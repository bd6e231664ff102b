// Compares every order with its own ledger, and its status with the changes in the audit.

import type { AuditRow, Evidence, LedgerRow, OrderRow, Report } from './evidence.ts'
import { finals, type History } from './history.ts'
import { isRefused } from './requests.ts'

const lawful: Record<string, readonly string[]> = {
  NEW: ['PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'],
  PARTIALLY_FILLED: ['FILLED', 'CANCELED', 'EXPIRED'],
}

const statusOf = (order: OrderRow, filled: bigint): string => {
  // How such an order ended is in the log.
  if (['CANCELED', 'EXPIRED', 'REJECTED'].includes(order.status)) return order.status
  if (filled === 0n) return 'NEW'
  return filled === order.quantity ? 'FILLED' : 'PARTIALLY_FILLED'
}

const checkOrder = ({ order, entries }: History, rows: readonly LedgerRow[], report: Report): void => {
  const ledger = rows.toSorted((a, b) => a.version - b.version)
  const filled = ledger.reduce((sum, row) => sum + row.quantity, 0n)
  const notional = ledger.reduce((sum, row) => sum + row.quantity * row.price, 0n)
  const lastPrice = ledger.at(-1)?.price ?? null
  const changes = entries.filter(({ change }) => change !== null).length
  const name = `order ${order.id}`
  if (order.filled > order.quantity || filled > order.quantity)
    report('OVERFILLED', `${name}: ${order.filled}, by the ledger ${filled}, of ${order.quantity}`)
  if (order.filled !== filled) report('FILL_DIFFERS', `${name}: filled ${order.filled}, by the ledger ${filled}`)
  if (order.notional !== notional)
    report('FILL_DIFFERS', `${name}: notional ${order.notional}, by the ledger ${notional}`)
  if (order.lastPrice !== lastPrice) report('FILL_DIFFERS', `${name}: last price ${order.lastPrice}, not ${lastPrice}`)
  const status = statusOf(order, filled)
  if (order.status !== status) report('STATUS_DIFFERS', `${name} is ${order.status}, by the ledger ${status}`)
  if (order.version !== ledger.length + changes)
    report('VERSION_DIFFERS', `${name}: version ${order.version} with ${ledger.length} fills, ${changes} changes`)
}

const checkAudit = (order: OrderRow, changes: readonly AuditRow[], report: Report): void => {
  let status = isRefused(order) ? 'REJECTED' : 'NEW'
  for (const { from, to } of changes) {
    if (finals.has(from)) report('FINAL_STATUS_CHANGED', `order ${order.id} went from ${from} to ${to}`)
    else if (from !== status || !(lawful[from] ?? []).includes(to))
      report('STATUS_UNLAWFUL', `order ${order.id} went from ${from} to ${to} when it was ${status}`)
    status = to
  }
  if (status !== order.status) report('STATUS_UNLAWFUL', `order ${order.id} is ${order.status}, last seen as ${status}`)
}

export const checkOrders = (
  histories: ReadonlyMap<string, History>,
  { ledger, audit }: Evidence,
  report: Report,
): void => {
  const fills = Map.groupBy(ledger, (row) => row.orderId)
  const changes = Map.groupBy(audit, (row) => row.orderId)
  for (const history of histories.values()) {
    const { order } = history
    checkOrder(history, fills.get(order.id) ?? [], report)
    checkAudit(order, changes.get(order.id) ?? [], report)
  }
}
