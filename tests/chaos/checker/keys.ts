// Keys: whoever has one, an order or a void, has it for ever. A key that was called void has no order, and each order has its key.

import type { KeyRow } from './controlEvidence.ts'
import { requestIdOf, type Evidence, type OrderRow, type Report } from './evidence.ts'
import { isLost, nameOf, type Requests, type Voiding } from './requests.ts'

const checkTable = ({ keys, orders }: Evidence, report: Report): Map<string, KeyRow> => {
  const rows = new Map<string, KeyRow>()
  for (const row of keys) {
    if (rows.has(nameOf(row))) report('KEY_DIFFERS', `${nameOf(row)} has two rows`)
    rows.set(nameOf(row), row)
  }
  const byId = new Map(orders.map((order) => [order.id, order]))
  for (const { id, userId, key } of orders)
    if (key !== null && rows.get(nameOf({ userId, key }))?.orderId !== id)
      report(
        'KEY_DIFFERS',
        `order ${id} has the key ${key}, whose row names ${rows.get(nameOf({ userId, key }))?.orderId}`,
      )
  for (const row of keys) {
    const order = byId.get(row.orderId ?? '')
    if (row.orderId !== null && (order === undefined || nameOf(order) !== nameOf(row)))
      report('KEY_DIFFERS', `${nameOf(row)} names order ${row.orderId}, which has not this key`)
  }
  return rows
}

const checkVoiding = (
  { n, answer }: Voiding,
  { row, order }: { row: KeyRow | undefined; order: OrderRow | undefined },
  report: Report,
): void => {
  const status = answer?.status ?? 0
  if (status === 500) report('INTERNAL_ERROR', `void ${n} was answered 500`)
  else if (![0, 200, 503, 504].includes(status)) report('WRONG_ANSWER', `void ${n} was answered ${status}`)
  if (status !== 200) return
  if (answer?.voided === true && (row === undefined || row.orderId !== null))
    report('VOID_DIFFERS', `void ${n} was answered as done, and the key has ${row?.orderId ?? 'no row'}`)
  if (answer?.voided === true && order !== undefined)
    report('VOIDED_KEY_USED', `order ${order.id} has the key that void ${n} made void`)
  if (answer?.voided === false && (order === undefined || order.id !== answer.orderId))
    report('VOID_DIFFERS', `void ${n} was answered with order ${answer.orderId}, and the key has ${order?.id}`)
}

/** A void that no request asked for, or none that may have done it. */
const checkOrigin = (row: KeyRow, asked: readonly Voiding[], report: Report): void => {
  const may = asked.filter((each) => (each.answer?.status === 200 && each.answer.voided === true) || isLost(each))
  if (!may.some(({ n }) => requestIdOf(n) === row.requestId))
    report('VOID_DIFFERS', `${nameOf(row)} is void because of ${row.requestId}, which asked for no such thing`)
}

/** The keys of all cancels that firms sent, by session. */
const cancelKeys = ({ cancels }: Requests): Map<string, Set<string>> => {
  const keys = new Map<string, Set<string>>()
  for (const attempts of cancels.values())
    for (const { fix } of attempts) if (fix) keys.set(fix.session, (keys.get(fix.session) ?? new Set()).add(fix.key))
  return keys
}

/** The key of a request by FIX: a firm sent it, and no order has it. `sent`: the keys of its session. */
const checkRequestKey = (
  { userId, key, session, orderId }: KeyRow,
  sent: ReadonlySet<string> | undefined,
  report: Report,
): void => {
  if (sent?.has(key) !== true || orderId !== null)
    report('KEY_DIFFERS', `${userId} ${key} is of a request of ${session} (${orderId}), which no firm made`)
}

/** An order is refused as VOIDED only if its key is. */
const checkRefusals = ({ placings }: Requests, rows: ReadonlyMap<string, KeyRow>, report: Report): void => {
  for (const [name, attempts] of placings)
    for (const { n, answer } of attempts)
      if (answer?.code === 'VOIDED' && rows.get(name)?.orderId !== null)
        report('WRONG_ANSWER', `request ${n} was answered that its key is void, and it is not`)
}

export const checkKeys = (requests: Requests, evidence: Evidence, report: Report): void => {
  const rows = checkTable(evidence, report)
  const orders = new Map(evidence.orders.filter(({ key }) => key !== null).map((order) => [nameOf(order), order]))
  for (const [name, attempts] of requests.voids)
    for (const attempt of attempts) checkVoiding(attempt, { row: rows.get(name), order: orders.get(name) }, report)
  const sent = cancelKeys(requests)
  for (const row of evidence.keys)
    if (row.session !== null) checkRequestKey(row, sent.get(row.session), report)
    else if (row.orderId === null) checkOrigin(row, requests.voids.get(nameOf(row)) ?? [], report)
  checkRefusals(requests, rows, report)
}
