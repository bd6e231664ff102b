// Proves: what the relay reads of an order of any kind becomes, byte for byte, the value that stands here.

import { expect, test } from 'bun:test'
import { encoders } from '../../src/kafka/schema.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { readOutbox, shardCount } from '../../src/store/outbox.ts'
import { aCancel, amount, anEvent, aPlacement, aStop } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { sql, db } = await ownDatabase()
const replicaId = '00000000-0000-4000-8000-000000000001'
const userId = 'b0b00000-0000-4000-8000-000000000002'
const at = new Date('2026-03-04T05:06:07.089Z')

type Changes = NonNullable<Parameters<typeof aPlacement>[0]>
const limit = { userId, now: at, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' } as const
const amounts = (quantity: string, price: string | null) => ({
  quantity: amount(quantity),
  price: price === null ? null : amount(price),
})

/** The changes of an order, and what its placement says after the user. */
const placed: [ticker: string, Changes, says: string][] = [
  ['WHOLE', { ...limit, ...amounts('100', '10') }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":100,"price":10'],
  ['LEAST', { ...limit, side: 'SELL', ...amounts('0.00000001', '0.1') }, '"side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":0.00000001,"price":0.1'],
  ['MOST', { ...limit, ...amounts('999999999999.99999999', '999999999999') }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":999999999999.99999999,"price":999999999999'],
  ['MARKET', { ...limit, type: 'MARKET', timeInForce: 'IOC', ...amounts('1.5', null) }, '"side":"BUY","type":"MARKET","timeInForce":"IOC","quantity":1.5,"price":null'],
  ['ICEBERG', { ...limit, ...amounts('1000', '10.05'), displayQuantity: amount('12.50') }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":1000,"price":10.05,"displayQuantity":12.5'],
  ['POSTED', { ...limit, ...amounts('7', '20'), postOnly: true }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":7,"price":20,"postOnly":true'],
  ['DATED', { ...limit, timeInForce: 'GTD', ...amounts('7', '20'), expiresAt: '2099-01-02T03:04:05.600Z' }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":7,"price":20,"expiresAt":"2099-01-02T03:04:05.600Z"'],
  ['DAILY', { ...limit, timeInForce: 'DAY', ...amounts('7', '20'), expiresAt: '2099-01-02T00:00:00.000Z' }, '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":7,"price":20,"expiresAt":"2099-01-02T00:00:00.000Z"'],
  ['ATONCE', { ...limit, timeInForce: 'FOK', ...amounts('7', '20') }, '"side":"BUY","type":"LIMIT","timeInForce":"FOK","quantity":7,"price":20'],
] // prettier-ignore

const published = async (): Promise<{ ticker: string; value: string; occurredAt: string }[]> => {
  await sql`update relay_leases set holder = ${replicaId}, expires_at = now() + interval '1 hour', set_aside = '{}'`
  const shards = Array.from({ length: shardCount }, (_, shard) => shard)
  const query = { replicaId, shards, floor: 0n, except: [], only: null, limit: 100 }
  const events = await db.run((sql) => readOutbox(sql, query))
  await sql`delete from outbox`
  return events.map((event) => ({
    ticker: event.order.ticker,
    value: encoders[event.kind](event),
    occurredAt: event.occurredAt.toISOString(),
  }))
}

test('a placement of each kind of order', async () => {
  const placements = placed.map(([ticker, changes]) => aPlacement({ ticker, ...changes }))
  await db.run((sql) => storeOrders(sql, placements))
  expect(await published()).toEqual(
    placed.map(([ticker, , says], n) => ({
      ticker,
      value: `{"orderId":"${placements[n]!.order.id}","userId":"${userId}","ticker":"${ticker}",${says},"timestamp":"2026-03-04T05:06:07.089Z"}`,
      occurredAt: '2026-03-04T05:06:07.089Z',
    })),
  )
})

test('a stop that was triggered, at an instant with microseconds', async () => {
  const common = { userId, now: at, stopPrice: amount('9'), quantity: amount('3') }
  const stops = [
    aStop({ ...common, ticker: 'STOP' }),
    aStop({ ...common, ticker: 'LIMITED', type: 'STOP_LIMIT', price: amount('8.9') }),
  ]
  await db.run((sql) => storeOrders(sql, stops))
  expect(await published()).toEqual([])
  for (const { order } of stops)
    await sql`
      insert into outbox (event_id, kind, order_id, ticker, occurred_at)
      values (${anEvent().eventId}, 'PLACED', ${order.id}, ${order.ticker}, '2026-03-04T05:06:08.678999Z')`
  const [stop, limited] = stops.map(({ order }) => order.id)
  const end = '"timestamp":"2026-03-04T05:06:08.678Z"}'
  expect((await published()).map(({ value }) => value)).toEqual([
    `{"orderId":"${stop}","userId":"${userId}","ticker":"STOP","side":"SELL","type":"MARKET","timeInForce":"GTC","quantity":3,"price":null,${end}`,
    `{"orderId":"${limited}","userId":"${userId}","ticker":"LIMITED","side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":3,"price":8.9,${end}`,
  ])
})

test('cancellations with their reasons', async () => {
  const placements = ['ASKED', 'TOLD'].map((ticker) => aPlacement({ ticker, ...limit, ...amounts('2.50', '1.10') }))
  await db.run((sql) => storeOrders(sql, placements))
  await published()
  const [asked, told] = placements.map(({ order }) => order.id) as [string, string]
  const move = { ...aCancel(told), reason: { code: 'OPERATOR_CANCELED', text: 'a "quoted" \\ text, é' } }
  await db.run((sql) => moveOrders(sql, [aCancel(asked), move], new Date('2026-03-04T06:00:00.001Z')))
  const common = (ticker: string) => `"userId":"${userId}","ticker":"${ticker}","quantity":2.5,"price":1.1`
  const end = '"timestamp":"2026-03-04T06:00:00.001Z","filledQuantity":0'
  expect((await published()).map(({ value }) => value)).toEqual([
    `{"orderId":"${asked}",${common('ASKED')},${end},"reason":{"code":"USER_CANCELED","text":null}}`,
    `{"orderId":"${told}",${common('TOLD')},${end},"reason":{"code":"OPERATOR_CANCELED","text":"a \\"quoted\\" \\\\ text, é"}}`,
  ])
})

test('every instant is written as Postgres has it, cut to milliseconds', async () => {
  const placement = aPlacement({ ticker: 'T', ...limit, ...amounts('1', '1') })
  await db.run((sql) => storeOrders(sql, [placement]))
  await published()
  const micros = Array.from({ length: 90 }, (_, n) => 1_790_000_000_000_000n + BigInt(n) * 11_111_111_011n)
  for (const micro of micros)
    await sql`
      insert into outbox (event_id, kind, order_id, ticker, occurred_at)
      values (${anEvent().eventId}, 'PLACED', ${placement.order.id}, 'T', to_timestamp(${String(micro / 1_000_000n)}::bigint) + ${String(micro % 1_000_000n)}::bigint * interval '1 microsecond')`
  expect((await published()).map(({ occurredAt }) => occurredAt)).toEqual(
    micros.map((micro) => new Date(Number(micro / 1000n)).toISOString()),
  )
})
