// Proves: every decodable trade counts for the stops of its ticker, whoever made it and whatever became of its legs, but none that was sent
// again from the dead letters; each stop is triggered once and published in the order of the trades, over redelivery, rivals and outages.

import { beforeEach, describe, expect, test } from 'bun:test'
import { SettleAborted } from '../../../src/app/settle.ts'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { createBatchHandler, type BatchOptions } from '../../../src/kafka/trades/batch.ts'
import { moveOrders } from '../../../src/store/moves.ts'
import { aCancel, amount, aPlacement, aStop, newId } from '../../support/builders.ts'
import { ownDatabase, ownProxy } from '../../support/ownDatabase.ts'
import { quietLog } from '../../support/quietLog.ts'
import { storeOrders } from '../../support/storeOrders.ts'
import { failureOf, untilBlocked } from '../../support/waiting.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)
const keys = database.open({ plans: 'keys' })
const { log, lines } = quietLog()

let ticker = ''
let tickers = 0
let offset = 0n
beforeEach(async () => {
  ticker = `T${++tickers}`
  proxy.before(() => undefined)
  lines.length = 0
  await sql`delete from outbox`
})

type StopChanges = Parameters<typeof aStop>[0] & { at?: string }
const stopOf = ({ at = '100', ...changes }: StopChanges) => aStop({ ticker, stopPrice: amount(at), ...changes })
/** Stores stops in one statement; returns their ids. `at`: the stop price. */
const stored = async (...stops: readonly StopChanges[]): Promise<string[]> => {
  const placements = stops.map(stopOf)
  await db.run((sql) => storeOrders(sql, placements))
  return placements.map(({ order }) => order.id)
}

type MessageChanges = { members?: Record<string, unknown>; headers?: [Buffer | null, Buffer | null][]; at?: Date }
/** A trade of two orders that this service does not know. */
const message = (price: string, { members = {}, headers = [], at = new Date() }: MessageChanges = {}): RawMessage => ({
  topic: 'trades',
  partition: 2,
  offset: ++offset,
  timestamp: BigInt(Date.now()),
  key: Buffer.from(ticker),
  value: Buffer.from(
    JSON.stringify({
      tradeId: `t-${offset}`,
      buyOrderId: newId(),
      sellOrderId: newId(),
      ticker,
      price,
      quantity: 1,
      timestamp: at.toISOString(),
      ...members,
    }),
  ),
  headers: new Map(headers),
  leaderEpoch: 0,
  unreadable: null,
})

const handler = (changes: Partial<BatchOptions> = {}) =>
  createBatchHandler({
    db,
    looks: keys,
    unknownToDeadLetters: false,
    stopToleranceMs: 1_500,
    onDisposition: () => undefined,
    log,
    now: () => new Date(),
    newId,
    ...changes,
  })
const handle = (messages: readonly RawMessage[], changes: Partial<BatchOptions> = {}) =>
  handler(changes)(messages, new AbortController().signal)

/** The orders that were published, in their order. */
const published = async (): Promise<string[]> =>
  (await sql<{ order_id: string }[]>`select order_id from outbox where kind = 'PLACED' order by position`).map(
    ({ order_id }) => order_id,
  )
const causeOf = async (id: string) =>
  (await sql`select cause from order_changes where order_id = ${id} and kind = 'TRIGGERED'`)[0]?.['cause']
const waits = async (id: string): Promise<boolean> =>
  (await sql`select triggered_at is null as waits from orders where id = ${id}`)[0]!['waits'] as boolean

describe('a trade triggers a stop', () => {
  test('though both of its orders are of others, whether its legs become dead letters or not', async () => {
    for (const unknownToDeadLetters of [true, false]) {
      const [id] = await stored({})
      const met = message('100')
      const letters = await handle([met], { unknownToDeadLetters })
      expect([...letters.values()].flat()).toHaveLength(unknownToDeadLetters ? 1 : 0)
      expect(await causeOf(id!)).toEqual({ kind: 'trigger', topic: 'trades', partition: 2, offset: String(met.offset) })
    }
    expect(await published()).toHaveLength(2)
  })

  test('though its leg is refused: the order is of another ticker, or the stop itself, or was filled by this trade before', async () => {
    const other = aPlacement({ ticker: 'OTHER' })
    const own = aPlacement({ ticker, side: 'BUY' })
    await db.run((sql) => storeOrders(sql, [other, own]))
    const fill = { members: { tradeId: 'twice', buyOrderId: own.order.id, sellOrderId: null } }
    await handle([message('500', fill)])
    const dispositions: string[] = []
    const onDisposition = (disposition: string) => void dispositions.push(disposition)
    const legs = [
      { buyOrderId: other.order.id, sellOrderId: null },
      { buyOrderId: null, sellOrderId: 'itself' },
      { ...fill.members, price: '500' },
      { ...fill.members, quantity: 2 },
    ]
    for (const leg of legs) {
      const price = 'price' in leg ? '500' : '100'
      const [id] = await stored({ side: price === '500' ? 'BUY' : 'SELL', at: price })
      const members = leg.sellOrderId === 'itself' ? { ...leg, sellOrderId: id } : leg
      await handle([message(price, { members })], { onDisposition })
      expect(await waits(id!)).toBe(false)
    }
    expect(dispositions).toEqual(['MISMATCH', 'MISMATCH', 'DUPLICATE', 'CONFLICT'])
  })

  test('also one that fills orders of ours, in the same batch', async () => {
    const [id] = await stored({})
    const own = aPlacement({ ticker, side: 'BUY' })
    await db.run((sql) => storeOrders(sql, [own]))
    await handle([message('99', { members: { buyOrderId: own.order.id } })])
    expect(await waits(id!)).toBe(false)
    expect(await sql`select from ingested_fills where order_id = ${own.order.id}`).toHaveLength(1)
  })

  test('that was beyond the market from the start: the next trade, wherever the price stood', async () => {
    const [id] = await stored({ side: 'SELL', at: '1000' })
    await handle([message('100')])
    expect(await waits(id!)).toBe(false)
  })
})

describe('nothing triggers', () => {
  test.each([
    [
      'that is sent again from the dead letters',
      { headers: [[Buffer.from('x-redriven-from'), Buffer.from('a-letter')]] },
    ],
    ['that is sent again, though its header has no value', { headers: [[Buffer.from('x-redriven-from'), null]] }],
    ['that cannot be decoded', { members: { quantity: 'many' } }],
    ['of another ticker, whatever its key says', { members: { ticker: 'ELSE' } }],
    ['older than the stop by more than the tolerance', { at: new Date(Date.now() - 60_000) }],
  ] as [string, MessageChanges][])('by a trade %s', async (_, changes) => {
    const [id] = await stored({})
    await handle([message('100', changes)])
    expect(await waits(id!)).toBe(true)
    expect(await published()).toEqual([])
  })

  test('that waits for another price, has ended, or has passed its end', async () => {
    const past = new Date(Date.now() - 1).toISOString()
    const ids = await stored({ at: '99' }, { side: 'BUY', at: '101' }, {}, { timeInForce: 'GTD', expiresAt: past })
    await db.run((sql) => moveOrders(sql, [aCancel(ids[2]!)], new Date()))
    await handle([message('100')])
    for (const id of ids) expect(await waits(id)).toBe(true)
  })

  test('at a trade as old as the tolerance allows, it does: engines stamp whole seconds', async () => {
    const now = new Date()
    const [id] = await stored({ now })
    await handle([message('100', { at: new Date(now.getTime() - 1_501) })])
    expect(await waits(id!)).toBe(true)
    await handle([message('100', { at: new Date(now.getTime() - 1_500) })])
    expect(await waits(id!)).toBe(false)
  })
})

describe('the order of publication', () => {
  test('is that of the trades of a batch: 100, 95, 102', async () => {
    const ids = await stored(
      { side: 'BUY', at: '102' },
      { side: 'SELL', at: '95' },
      { side: 'SELL', at: '100' },
      { side: 'SELL', at: '98' },
      { side: 'BUY', at: '100' },
      { side: 'BUY', at: '99' },
    )
    await handle([message('100'), message('95'), message('102')])
    const [buy102, sell95, sell100, sell98, buy100, buy99] = ids
    expect(await published()).toEqual([sell100!, buy99!, buy100!, sell98!, sell95!, buy102!])
  })

  test('goes on over more trades than one look takes', async () => {
    const prices = Array.from({ length: 120 }, (_, n) => 1_000 + ((n * 37) % 120))
    const ids = await stored(...prices.map((price) => ({ side: 'BUY' as const, at: String(price) })))
    await handle(Array.from({ length: 120 }, (_, n) => message(String(1_000 + n))))
    const order = ids.map((id, n) => ({ id, price: prices[n]! })).toSorted((a, b) => a.price - b.price)
    expect(await published()).toEqual(order.map(({ id }) => id))
  })

  test('goes on over portions, and leaves none behind', async () => {
    const count = 1_203
    const ids = await stored(
      ...Array.from({ length: count }, (_, n) => ({ side: 'SELL' as const, at: String(2_000 - (n % 400)) })),
    )
    const at = (n: number) => 2_000 - (n % 400)
    await handle([message('1900'), message('1500'), message('1800')])
    const trade = (n: number) => (at(n) >= 1_900 ? 0 : 1)
    const order = ids
      .map((id, n) => ({ id, n }))
      .toSorted((a, b) => trade(a.n) - trade(b.n) || at(b.n) - at(a.n) || (a.id < b.id ? -1 : 1))
    expect(await published()).toEqual(order.map(({ id }) => id))
  })
})

describe('exactly once', () => {
  test('though the batch comes again', async () => {
    const ids = await stored({}, {}, {})
    const batch = [message('100'), message('90')]
    for (let times = 0; times < 3; times++) await handle(batch)
    expect((await published()).toSorted()).toEqual(ids.toSorted())
    expect(await sql`select from order_changes where order_id = any (${ids}::uuid[])`).toHaveLength(3)
  })

  test('though two replicas handle the batch at the same time', async () => {
    const ids = await stored(...Array.from({ length: 700 }, () => ({})))
    const batch = [message('100'), message('90')]
    let triggered = 0
    const count = { onTriggered: () => void triggered++ }
    await Promise.all([handle(batch, count), handle(batch, count), handle(batch, count)])
    expect((await published()).toSorted()).toEqual(ids.toSorted())
    expect(triggered).toBe(ids.length)
  })

  test('though the answer of Postgres is lost', async () => {
    const [id] = await stored({})
    proxy.loseAnswer('TRIGGERED')
    await handle([message('100')], { db: through, looks: through })
    expect(await published()).toEqual([id!])
  })

  test('though Postgres is away for a while: the batch is not settled before', async () => {
    const [id] = await stored({})
    await proxy.refuse()
    let tries = 0
    const onRetry = () => void (++tries === 3 && proxy.accept())
    await handle([message('100', { members: { buyOrderId: 'x', sellOrderId: 'y' } })], {
      db: through,
      looks: through,
      onRetry,
    })
    expect(tries).toBeGreaterThanOrEqual(3)
    expect(await published()).toEqual([id!])
  })
})

test('a stop that somebody holds is waited for, and triggers when the holder gives up', async () => {
  const [id] = await stored({})
  const holder = database.session()
  await holder.unsafe('begin')
  await holder`update orders set status = 'CANCELED', version = 1 where id = ${id!}`
  const handled = handle([message('100')])
  await untilBlocked(sql, 'for update')
  await holder.unsafe('rollback')
  await handled
  expect(await published()).toEqual([id!])
})

test('a stop that Postgres refuses to trigger goes on waiting and is logged, and the others of its portion trigger', async () => {
  const ids = await stored({}, {}, {}, {}, {})
  const [guilty, ...others] = [ids[2]!, ids[0]!, ids[1]!, ids[3]!, ids[4]!]
  await sql.unsafe(
    `alter table orders add constraint refuses check (id <> '${guilty}' or triggered_at is null) not valid`,
  )
  await handle([message('100')])
  await sql.unsafe('alter table orders drop constraint refuses')
  expect((await published()).toSorted()).toEqual(others.toSorted())
  expect(await waits(guilty)).toBe(true)
  const alarms = lines.filter(({ message: text }) => text === 'a stop could not be triggered')
  expect(alarms).toMatchObject([{ orderId: guilty }])
})

test('while Postgres is away, a stop of the process ends the wait, and nothing is half done', async () => {
  const [id] = await stored({})
  await proxy.refuse()
  const stopping = new AbortController()
  const handled = handler({ db: through, looks: through, onRetry: () => stopping.abort() })(
    [message('100')],
    stopping.signal,
  )
  expect(await failureOf(handled)).toBeInstanceOf(SettleAborted)
  await proxy.accept()
  expect(await waits(id!)).toBe(true)
})
