// The same small world with halts, a void, a batch, a mass cancel and a switch: each has ended one order, or kept one out.

import { partitionOf } from '../../engine/murmur2.ts'
import type { SweepRow } from './controlEvidence.ts'
import type { ChangeRow, LogLine, OrderRow, Terms } from './evidence.ts'
import { timeAt, type Sample } from './sample.ts'
import { sampleLives } from './sampleLives.ts'

export const control = {
  /** Refused in a halt of MSFT. */
  refused: '0193e5a0-0000-7000-8000-0000000000e1',
  /** Of a batch. */
  batch: '0193e5a0-0000-7000-8000-0000000000e2',
  massed: '0193e5a0-0000-7000-8000-0000000000e3',
  switched: '0193e5a0-0000-7000-8000-0000000000e4',
  /** Ended by a halt of IBM. */
  halted: '0193e5a0-0000-7000-8000-0000000000e5',
} as const
type Name = keyof typeof control

const one = 100_000_000n
const tickers: Partial<Record<Name, string>> = { refused: 'MSFT', halted: 'IBM' }
/** The number of the request that placed it; its position and its second. */
const placedBy: Record<Name, number> = { refused: 52, batch: 55, massed: 56, switched: 58, halted: 62 }
/** The number of the request that ended it, its second, and why. */
const endedBy: Partial<Record<Name, { by: number; at: number; reason: string; cause: string }>> = {
  massed: { by: 57, at: 57, reason: 'MASS_CANCELED', cause: 'mass-cancel' },
  switched: { by: 59, at: 61, reason: 'CANCEL_AFTER', cause: 'cancel-after' },
  halted: { by: 63, at: 64, reason: 'HALT', cause: 'halt' },
}

export const termsOf = (name: Name | 'voided'): Terms => ({
  userId: `user-of-${name}`,
  key: name === 'voided' || name === 'batch' ? `key-of-${name}` : null,
  ticker: (name === 'voided' ? undefined : tickers[name]) ?? 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '10',
  price: '1.5',
  stopPrice: null,
  displayQuantity: null,
  postOnly: false,
  expiresAt: null,
})

/** The epochs 2 and 3 are a halt of MSFT and its end, 4 and 5 those of IBM. */
const orderOf = (name: Name): OrderRow => {
  const end = endedBy[name]
  const refused = name === 'refused'
  return {
    ...termsOf(name),
    id: control[name],
    quantity: 10n * one,
    price: (3n * one) / 2n,
    stopPrice: null,
    displayQuantity: null,
    expiresAt: null,
    triggeredAt: null,
    origin: null,
    subject: null,
    filled: 0n,
    notional: 0n,
    lastPrice: null,
    status: refused ? 'REJECTED' : end === undefined ? 'NEW' : 'CANCELED',
    version: end === undefined ? 0 : 1,
    createdAt: timeAt(placedBy[name]),
    updatedAt: timeAt(end?.at ?? placedBy[name]),
    position: BigInt(placedBy[name]),
    requestId: `chaos-${placedBy[name]}`,
    reasonCode: refused ? 'HALTED' : (end?.reason ?? null),
    reasonText: null,
    rulesEpoch: refused ? 2n : 3n,
  }
}

const changeOf = (name: Name): ChangeRow[] => {
  const end = endedBy[name]
  if (end === undefined) return []
  const amounts = { filled: 0n, notional: 0n, lastPrice: null }
  const cause = { kind: end.cause, requestId: `chaos-${end.by}` }
  const reason = { reasonCode: end.reason, reasonText: null }
  const place = { at: timeAt(end.at), position: BigInt(end.at), rulesEpoch: null }
  return [{ orderId: control[name], version: 1, kind: 'CANCELED', ...reason, cause, ...amounts, ...place }]
}

export const eventOf = (name: Name, offset: number, reason: string | null) => {
  const { userId, ticker } = termsOf(name)
  const terms = { side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 10, price: 1.5 }
  return {
    partition: partitionOf(Buffer.from(ticker), 6),
    offset,
    key: ticker,
    eventId: `${reason ?? 'placed'}-${name}`,
    appendedAt: timeAt(reason === null ? placedBy[name] : endedBy[name]!.at),
    value: JSON.stringify({
      orderId: control[name],
      userId,
      ticker,
      ...terms,
      timestamp: '2026-01-02T03:05:00Z',
      ...(reason !== null && { filledQuantity: 0, reason: { code: reason, text: null } }),
    }),
  }
}

const answer = (n: number, members: object): LogLine => ({ answer: n, at: timeAt(n), status: 200, ...members })
const accepted = (name: Name): LogLine[] => [
  { sent: placedBy[name], op: 'place', terms: termsOf(name) },
  answer(placedBy[name], { status: 202, orderId: control[name] }),
]
const refusal = { status: 422, code: 'ORDER_REJECTED', reason: 'HALTED', orderId: control.refused }
const trading = (sent: number, ticker: string, state: 'HALTED' | 'ACTIVE', cancelOpen = false): LogLine[] => [
  { sent, op: 'trading', ticker, state, cancelOpen },
  answer(sent, {}),
]

const log = (): LogLine[] => [
  ...trading(51, 'MSFT', 'HALTED'),
  { sent: 52, op: 'place', terms: termsOf('refused') },
  answer(52, refusal),
  ...trading(53, 'MSFT', 'ACTIVE'),
  { sent: 54, op: 'void', userId: 'user-of-voided', key: 'key-of-voided' },
  answer(54, { voided: true }),
  { sent: 55, op: 'batch', orders: [termsOf('batch'), termsOf('voided')] },
  answer(55, {
    results: [
      { status: 202, orderId: control.batch },
      { status: 409, code: 'VOIDED' },
    ],
  }),
  ...accepted('massed'),
  { sent: 57, op: 'mass', scope: { userId: 'user-of-massed', ticker: null, side: null } },
  answer(57, { canceled: [control.massed], notCanceled: [], remaining: false }),
  ...accepted('switched'),
  { sent: 59, op: 'arm', at: timeAt(59), userId: 'user-of-switched', timeoutMs: 1_000 },
  answer(59, { firesAt: timeAt(60) }),
  { sent: 61, op: 'arm', at: timeAt(61), userId: 'user-of-switched', timeoutMs: 0 },
  answer(61, { firesAt: null, fired: true }),
  ...accepted('halted'),
  ...trading(63, 'IBM', 'HALTED', true),
  ...trading(65, 'IBM', 'ACTIVE'),
]

const sweepOf = (name: 'switched' | 'halted', begunAt: number): SweepRow => {
  const { by, at, reason, cause } = endedBy[name]!
  const scope = name === 'halted' ? { userId: null, ticker: 'IBM' } : { userId: 'user-of-switched', ticker: null }
  return {
    id: String(by),
    scope: { ...scope, side: null },
    reasonCode: reason,
    cause: { kind: cause, requestId: `chaos-${by}` },
    begunAt: timeAt(begunAt),
    dueAt: name === 'halted' ? null : timeAt(begunAt),
    doneAt: timeAt(at),
  }
}

/** A fresh copy each time; no violation in it. */
export const sampleControl = (): Sample => {
  const world = sampleLives()
  const names = Object.keys(control) as Name[]
  const ended = names.filter((name) => endedBy[name] !== undefined)
  world.log.push(...log())
  world.orders.push(...names.map(orderOf))
  world.changes.push(...names.flatMap(changeOf))
  world.audit.push(...ended.map((name) => ({ orderId: control[name], from: 'NEW', to: 'CANCELED' })))
  world.placed.push(...names.filter((name) => name !== 'refused').map((name, i) => eventOf(name, 10 + i, null)))
  world.cancelled.push(...ended.map((name, i) => eventOf(name, 10 + i, endedBy[name]!.reason)))
  world.keys.push(
    { userId: 'user-of-voided', key: 'key-of-voided', orderId: null, requestId: 'chaos-54', session: null },
    { userId: 'user-of-batch', key: 'key-of-batch', orderId: control.batch, requestId: null, session: null },
  )
  world.rulesChanges.push(
    { epoch: 2n, at: timeAt(51), ticker: 'MSFT', state: 'HALTED', requestId: 'chaos-51' },
    { epoch: 3n, at: timeAt(53), ticker: 'MSFT', state: 'ACTIVE', requestId: 'chaos-53' },
    { epoch: 4n, at: timeAt(63), ticker: 'IBM', state: 'HALTED', requestId: 'chaos-63' },
    { epoch: 5n, at: timeAt(65), ticker: 'IBM', state: 'ACTIVE', requestId: 'chaos-65' },
  )
  world.sweeps.push(sweepOf('switched', 60), sweepOf('halted', 63))
  return world
}
