// The same small world with longer lives: a stop that was triggered and expired, a stop that waits, and an order that the engine ended. No
// stream followed them.

import type { ChangeRow, EventRecord, OrderRow } from './evidence.ts'
import { sample, timeAt, type Sample } from './sample.ts'

export const lives = {
  stop: '0193e5a0-0000-7000-8000-0000000000d1',
  waiting: '0193e5a0-0000-7000-8000-0000000000d2',
  ended: '0193e5a0-0000-7000-8000-0000000000d3',
} as const
type Name = keyof typeof lives

const one = 100_000_000n

/** The order's acceptance has this position; so have its request and its answer, in the log of the clients. */
const positions: Record<Name, number> = { stop: 20, waiting: 21, ended: 22 }

const termsOf = (name: Name) => ({
  userId: `user-of-${name}`,
  key: null,
  ticker: 'AAPL',
  side: name === 'waiting' ? 'SELL' : 'BUY',
  type: name === 'ended' ? 'LIMIT' : 'STOP',
  timeInForce: name === 'stop' ? 'GTD' : 'GTC',
  quantity: '10',
  price: name === 'ended' ? '1.5' : null,
  stopPrice: name === 'ended' ? null : '1',
  displayQuantity: null,
  postOnly: false,
  expiresAt: name === 'stop' ? new Date(timeAt(40)).toISOString() : null,
})

const orderOf = (name: Name, members: Partial<OrderRow>): OrderRow => ({
  ...termsOf(name),
  id: lives[name],
  quantity: 10n * one,
  price: name === 'ended' ? (3n * one) / 2n : null,
  stopPrice: name === 'ended' ? null : one,
  displayQuantity: null,
  expiresAt: name === 'stop' ? timeAt(40) : null,
  triggeredAt: null,
  origin: null,
  subject: null,
  filled: 0n,
  notional: 0n,
  lastPrice: null,
  status: 'NEW',
  version: 0,
  createdAt: timeAt(positions[name]),
  updatedAt: timeAt(positions[name]),
  position: BigInt(positions[name]),
  requestId: `chaos-${positions[name]}`,
  reasonCode: null,
  reasonText: null,
  rulesEpoch: 1n,
  ...members,
})

const change = (
  name: Name,
  at: number,
  members: Pick<ChangeRow, 'version' | 'kind' | 'reasonCode' | 'cause'>,
): ChangeRow => ({
  orderId: lives[name],
  at: timeAt(at),
  reasonText: null,
  filled: 0n,
  notional: 0n,
  lastPrice: null,
  position: BigInt(at),
  rulesEpoch: members.kind === 'TRIGGERED' ? 1n : null,
  ...members,
})

const eventOf = (name: Name, at: number, reason: string | null): Omit<EventRecord, 'partition' | 'offset'> => ({
  key: 'AAPL',
  eventId: `${reason ?? 'placed'}-${name}`,
  appendedAt: timeAt(at),
  value: JSON.stringify({
    orderId: lives[name],
    userId: `user-of-${name}`,
    ticker: 'AAPL',
    side: 'BUY',
    type: name === 'stop' ? 'MARKET' : 'LIMIT',
    timeInForce: 'GTC',
    quantity: 10,
    price: name === 'stop' ? null : 1.5,
    ...(name === 'stop' && reason === null && { expiresAt: new Date(timeAt(40)).toISOString() }),
    timestamp: new Date(timeAt(at)).toISOString(),
    ...(reason !== null && { filledQuantity: 0, reason: { code: reason, text: null } }),
  }),
})

const report = {
  reportId: 'R1',
  orderId: lives.ended,
  ticker: 'AAPL',
  kind: 'CANCELED',
  reason: 'a remainder',
  cumulativeQuantity: 0,
  timestamp: '2026-01-02T03:04:25Z',
}

/** A fresh copy each time; no violation in it. */
export const sampleLives = (): Sample => {
  const world = sample()
  const { partition } = world.trades[0]!
  // A trade that concerns none of our orders may trigger a stop.
  world.trades.push({
    partition,
    offset: 8,
    appendedAt: timeAt(30),
    bytes: new TextEncoder().encode(
      JSON.stringify({
        tradeId: 'T9',
        orderId: 'somebody',
        ticker: 'AAPL',
        price: 1.5,
        quantity: 1,
        timestamp: '2026-01-02T03:04:30Z',
      }),
    ),
  })
  world.letters.push({
    partition,
    offset: 8,
    bytes: world.trades.at(-1)!.bytes,
    headers: {
      'x-dead-letter-id': `trades-${partition}-8`,
      'x-disposition': 'UNKNOWN_ORDER',
      'x-legs': 'ORDER:somebody',
    },
  })
  for (const name of Object.keys(lives) as Name[])
    world.log.push(
      { sent: positions[name], op: 'place', terms: termsOf(name) },
      { answer: positions[name], at: timeAt(positions[name]), status: 202, orderId: lives[name] },
    )
  world.orders.push(
    orderOf('stop', {
      triggeredAt: timeAt(31),
      status: 'EXPIRED',
      reasonCode: 'EXPIRED_GTD',
      version: 2,
      updatedAt: timeAt(45),
    }),
    orderOf('waiting', {}),
    orderOf('ended', { status: 'CANCELED', reasonCode: 'ENGINE_CANCELED', version: 1, updatedAt: timeAt(26) }),
  )
  world.changes.push(
    change('stop', 31, {
      version: 1,
      kind: 'TRIGGERED',
      reasonCode: null,
      cause: { kind: 'trigger', topic: 'trades', partition, offset: '8' },
    }),
    change('stop', 45, { version: 2, kind: 'EXPIRED', reasonCode: 'EXPIRED_GTD', cause: { kind: 'expiry' } }),
    change('ended', 26, {
      version: 1,
      kind: 'CANCELED',
      reasonCode: 'ENGINE_CANCELED',
      cause: { kind: 'report', topic: 'reports', partition, offset: '0' },
    }),
  )
  world.placed.push(
    { ...eventOf('ended', 23, null), partition, offset: 4 },
    { ...eventOf('stop', 32, null), partition, offset: 5 },
  )
  world.cancelled.push({ ...eventOf('stop', 41, 'EXPIRED_GTD'), partition, offset: 2 })
  world.audit.push(
    { orderId: lives.stop, from: 'NEW', to: 'EXPIRED' },
    { orderId: lives.ended, from: 'NEW', to: 'CANCELED' },
  )
  world.reports.push({
    partition,
    offset: 0,
    appendedAt: timeAt(25),
    bytes: new TextEncoder().encode(JSON.stringify(report)),
  })
  world.reportRows.push({
    orderId: lives.ended,
    reportId: 'R1',
    kind: 'CANCELED',
    ticker: 'AAPL',
    cumulative: 0n,
    state: 'APPLIED',
    partition,
    offset: 0,
  })
  world.streams = []
  return world
}
