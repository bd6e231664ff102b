// A small world without a violation, which the tests of the checker corrupt: three orders of one ticker, two of which trade
// with each other and one is canceled and filled late, and one message of every other kind.

import { partitionOf } from '../../engine/murmur2.ts'
import type { ChangeRow, Content, Evidence, EventRecord, LogLine, OrderRow } from './evidence.ts'
import { sampleStreams } from './sampleStreams.ts'

/** The time of the entry of the log that has this position, in milliseconds. */
export const timeAt = (position: number): number => Date.UTC(2026, 0, 2, 3, 4, position)

type Writable<T> = T extends readonly (infer E)[] ? Writable<E>[] : { -readonly [K in keyof T]: T[K] }
export type Sample = { -readonly [K in keyof Evidence]: Writable<Evidence[K]> }

export const ids = {
  buy: '0193e5a0-0000-7000-8000-00000000000a',
  sell: '0193e5a0-0000-7000-8000-00000000000b',
  canceled: '0193e5a0-0000-7000-8000-00000000000c',
  stranger: '0193e5a0-0000-7000-8000-0000000000ff',
}
const partitions = 6
const ticker = 'AAPL'
const partition = partitionOf(Buffer.from(ticker), partitions)
const one = 100_000_000n
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const terms = (name: 'buy' | 'sell' | 'canceled') => ({
  userId: `user-of-${name}`,
  key: name === 'buy' ? 'key-1' : null,
  ticker,
  side: name === 'sell' ? 'SELL' : 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '10',
  price: '1.5',
  stopPrice: null,
  displayQuantity: null,
  postOnly: false,
  expiresAt: null,
})

const row = (name: 'buy' | 'sell' | 'canceled', members: Partial<OrderRow>): OrderRow => ({
  ...terms(name),
  id: ids[name],
  quantity: 10n * one,
  price: (3n * one) / 2n,
  stopPrice: null,
  displayQuantity: null,
  expiresAt: null,
  triggeredAt: null,
  filled: 0n,
  notional: 0n,
  lastPrice: null,
  status: 'NEW',
  version: 0,
  requestId: null,
  reasonCode: null,
  reasonText: null,
  rulesEpoch: 1n,
  origin: null,
  subject: null,
  createdAt: 0,
  updatedAt: 0,
  position: 0n,
  ...members,
})

const placedAt = (position: number, { changedAt, by }: { changedAt: number; by: number }) => ({
  createdAt: timeAt(position),
  updatedAt: timeAt(changedAt),
  position: BigInt(position),
  requestId: `chaos-${by}`,
})

const log = (): LogLine[] => [
  { sent: 1, op: 'place', terms: terms('buy') },
  { answer: 1, at: timeAt(1), status: 0, error: 'lost' },
  { sent: 2, op: 'place', terms: terms('buy') },
  { answer: 2, at: timeAt(2), status: 202, orderId: ids.buy, replayed: true },
  { sent: 3, op: 'place', terms: terms('sell') },
  { answer: 3, at: timeAt(3), status: 202, orderId: ids.sell },
  { sent: 4, op: 'place', terms: { ...terms('sell'), userId: 'refused' } },
  { answer: 4, at: timeAt(4), status: 503 },
  { sent: 5, op: 'place', terms: { ...terms('buy'), quantity: '11' } },
  { answer: 5, at: timeAt(5), status: 422 },
  { sent: 6, op: 'place', terms: terms('canceled') },
  { answer: 6, at: timeAt(6), status: 202, orderId: ids.canceled },
  { sent: 7, op: 'cancel', orderId: ids.canceled },
  { answer: 7, at: timeAt(7), status: 200, orderStatus: 'CANCELED' },
  { sent: 8, op: 'cancel', orderId: ids.buy },
  { answer: 8, at: timeAt(8), status: 409, orderStatus: 'FILLED' },
  { sent: 9, op: 'get', orderId: ids.buy },
  { answer: 9, at: timeAt(9), status: 200, orderStatus: 'FILLED' },
]

const event = (name: 'buy' | 'sell' | 'canceled', offset: number, appendedAt: number): EventRecord => ({
  partition,
  offset,
  key: ticker,
  eventId: `event-${appendedAt < 100 ? 'placed' : 'cancelled'}-${name}`,
  value: JSON.stringify({
    orderId: ids[name],
    userId: terms(name).userId,
    ticker,
    side: terms(name).side,
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: 10,
    price: 1.5,
    timestamp: '2026-01-02T03:04:05.000Z',
    ...(appendedAt < 100 ? {} : { filledQuantity: 0, reason: { code: 'USER_CANCELED', text: null } }),
  }),
  appendedAt,
})

/** The late fill leaves a remainder, so the engine is told once more. */
const retold = (): EventRecord => {
  const first = event('canceled', 1, 200)
  return {
    ...first,
    eventId: 'event-retold-canceled',
    value: first.value!.replace('"filledQuantity":0', '"filledQuantity":1'),
  }
}

const trade = (offset: number, members: Record<string, unknown>) => ({
  partition,
  offset,
  appendedAt: timeAt(offset),
  bytes: bytes(JSON.stringify({ ticker, price: 1.5, timestamp: '2026-01-02T03:04:05Z', ...members })),
})

const trades = () => [
  trade(0, { tradeId: 'T1', buyOrderId: ids.buy, sellOrderId: ids.sell, quantity: 4 }),
  trade(1, { tradeId: 'T1', buyOrderId: ids.buy, sellOrderId: ids.sell, quantity: 4 }),
  trade(2, { tradeId: 'T1', buyOrderId: ids.buy, sellOrderId: null, quantity: 5 }),
  trade(3, { tradeId: 'T2', orderId: ids.buy, quantity: 6.5 }),
  trade(4, { tradeId: 'T3', sellOrderId: ids.buy, quantity: 1 }),
  trade(5, { tradeId: 'T4', buyOrderId: ids.buy, sellOrderId: ids.stranger, quantity: '6.00' }),
  trade(6, { tradeId: 'T5', orderId: ids.canceled.toUpperCase(), quantity: 1 }),
  { partition, offset: 7, appendedAt: timeAt(7), bytes: bytes('{"tradeId":') },
]

const fill = (side: string, quantity: bigint): Content => ({ side, ticker, quantity, price: (3n * one) / 2n })

const ledger = () => {
  const at = (position: number, filled: bigint, row: Content) => ({
    ...row,
    partition,
    at: timeAt(position),
    position: BigInt(position),
    cumulativeQuantity: filled,
    cumulativeNotional: filled * row.price,
  })
  return [
    { ...at(5, 4n * one, fill('BUY', 4n * one)), orderId: ids.buy, tradeId: 'T1', late: false, version: 1, offset: 0 },
    {
      ...at(6, 4n * one, fill('SELL', 4n * one)),
      orderId: ids.sell,
      tradeId: 'T1',
      late: false,
      version: 1,
      offset: 0,
    },
    { ...at(7, 10n * one, fill('BUY', 6n * one)), orderId: ids.buy, tradeId: 'T4', late: false, version: 2, offset: 5 },
    { ...at(8, one, fill('BUY', one)), orderId: ids.canceled, tradeId: 'T5', late: true, version: 2, offset: 6 },
  ]
}

const changes = (): ChangeRow[] => [
  {
    orderId: ids.canceled,
    version: 1,
    kind: 'CANCELED',
    at: timeAt(4),
    reasonCode: 'USER_CANCELED',
    reasonText: null,
    cause: { kind: 'request', requestId: 'chaos-7' },
    filled: 0n,
    notional: 0n,
    lastPrice: null,
    position: 4n,
    rulesEpoch: null,
  },
]

const exceptions = () => {
  const exceptionAt = (offset: number, disposition: string, tradeId: string, content: Content) => ({
    ...content,
    disposition,
    orderId: ids.buy,
    tradeId,
    partition,
    offset,
    message: trades()[offset]!.bytes,
  })
  return [
    exceptionAt(2, 'CONFLICT', 'T1', fill('BUY', 5n * one)),
    exceptionAt(3, 'OVERFILL', 'T2', fill('BUY', (13n * one) / 2n)),
    exceptionAt(4, 'MISMATCH', 'T3', fill('SELL', one)),
  ]
}

const letter = (offset: number, disposition: string, legs: string) => ({
  partition,
  offset,
  bytes: trades()[offset]!.bytes,
  headers: { 'x-dead-letter-id': `trades-${partition}-${offset}`, 'x-disposition': disposition, 'x-legs': legs },
})

/** A fresh copy each time; no violation in it. */
export const sample = (): Sample => ({
  log: log(),
  placed: [event('buy', 0, 10), event('sell', 1, 11), event('buy', 2, 12), event('canceled', 3, 13)],
  cancelled: [event('canceled', 0, 100), retold()],
  trades: trades(),
  letters: [letter(5, 'UNKNOWN_ORDER', `SELL:${ids.stranger}`), letter(7, 'MALFORMED', '')],
  orders: [
    row('buy', {
      ...placedAt(1, { changedAt: 7, by: 1 }),
      filled: 10n * one,
      notional: 15n * one * one,
      lastPrice: (3n * one) / 2n,
      status: 'FILLED',
      version: 2,
    }),
    row('sell', {
      ...placedAt(2, { changedAt: 6, by: 3 }),
      filled: 4n * one,
      notional: 6n * one * one,
      lastPrice: (3n * one) / 2n,
      status: 'PARTIALLY_FILLED',
      version: 1,
    }),
    row('canceled', {
      ...placedAt(3, { changedAt: 8, by: 6 }),
      filled: one,
      notional: (3n * one * one) / 2n,
      lastPrice: (3n * one) / 2n,
      status: 'CANCELED',
      reasonCode: 'USER_CANCELED',
      version: 2,
    }),
  ],
  ledger: ledger(),
  changes: changes(),
  exceptions: exceptions(),
  reports: [],
  reportLetters: [],
  reportRows: [],
  reportExceptions: [],
  audit: [
    { orderId: ids.buy, from: 'NEW', to: 'PARTIALLY_FILLED' },
    { orderId: ids.buy, from: 'PARTIALLY_FILLED', to: 'FILLED' },
    { orderId: ids.sell, from: 'NEW', to: 'PARTIALLY_FILLED' },
    { orderId: ids.canceled, from: 'NEW', to: 'CANCELED' },
  ],
  keys: [{ userId: 'user-of-buy', key: 'key-1', orderId: ids.buy, requestId: null, session: null }],
  rulesChanges: [],
  sweeps: [],
  rest: { outbox: 0, endings: 0, lag: 0, setAside: 0, notReady: [] },
  streams: sampleStreams({ ids, timeAt, partition }),
  fix: [],
  tradeTopic: 'trades',
  reportTopic: 'reports',
  partitions,
})
