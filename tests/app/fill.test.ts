// Proves: every leg of every trade ends in one disposition and counts exactly once, however the stream is cut, whatever a rival
// writes between our read and our write, and whatever happens to Postgres meanwhile.

import { beforeEach, describe, expect, test } from 'bun:test'
import { applyTrades, type FillContext, type LegOutcome, type ReceivedTrade } from '../../src/app/fill.ts'
import { SettleAborted } from '../../src/app/settle.ts'
import type { Order } from '../../src/domain/order.ts'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { readOrders } from '../../src/store/orders.ts'
import { openSession, type Database } from '../../src/store/sql.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'
import {
  amount,
  anEvent,
  byRequest,
  type anOrder,
  aPlacement,
  aTrade,
  newId,
  type TradeChanges,
} from '../support/builders.ts'
import { targetOf } from '../support/database.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { temporaryDir } from '../support/servers.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { failureOf } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)

beforeEach(() => {
  proxy.before(() => undefined)
})

const placed = async (changes: Parameters<typeof anOrder>[0] = {}): Promise<Order> => {
  const placement = aPlacement(changes)
  await db.run((sql) => storeOrders(sql, [placement]))
  return placement.order
}
const stored = async (id: string): Promise<Order> => (await db.run((sql) => readOrders(sql, [id])))[0]!
const cancel = (id: string) => sql`update orders set status = 'CANCELED', version = version + 1 where id = ${id}`
const ledgerOf = async (id: string): Promise<string[]> => {
  const rows = await sql<{ trade_id: string }[]>`
    select trade_id from ingested_fills where order_id = ${id} order by order_version`
  return rows.map((row) => row.trade_id)
}
const exceptionsOf = async (id: string): Promise<string[]> => {
  const rows = await sql<{ disposition: string }[]>`
    select disposition from exceptions where order_id = ${id} order by disposition`
  return rows.map((row) => row.disposition)
}

const context = (changes: Partial<FillContext> = {}): FillContext => ({
  now: () => new Date(),
  newId,
  signal: new AbortController().signal,
  onRetry: () => undefined,
  ...changes,
})
const apply = (trades: readonly ReceivedTrade[], on: Database = db, changes: Partial<FillContext> = {}) =>
  applyTrades(on, trades, context(changes))
/** The dispositions in the order of the messages, legs of one message in the order of their names. */
const dispositions = (outcomes: readonly LegOutcome[]): string[] =>
  outcomes
    .toSorted(
      (a, b) =>
        Number(a.received.source.offset - b.received.source.offset) ||
        (a.leg.side ?? '').localeCompare(b.leg.side ?? ''),
    )
    .map(({ disposition }) => disposition)
const applied = async (...trades: TradeChanges[]): Promise<string[]> =>
  dispositions(await apply(trades.map((changes) => aTrade(changes))))

describe('a late leg that leaves a remainder', () => {
  /** Filled 40 of 100, then ended so. */
  const ended = async (status: 'CANCELED' | 'EXPIRED', reason: { code: string; text: string | null }) => {
    const { id } = await placed()
    await applied({ buy: id, quantity: '40' })
    const move = { orderId: id, event: status === 'CANCELED' ? 'cancel' : 'expire', ...byRequest, reason } as const
    await db.run((sql) => moveOrders(sql, [{ ...move, outbox: { kind: 'CANCELLED', ...anEvent() } }], new Date()))
    return id
  }
  const cancellationsOf = (id: string) =>
    sql<
      { event_id: string; filled: string; code: string | null; text: string | null; isLast: boolean; ticker: string }[]
    >`
      select x.event_id, x.filled_quantity::text as filled, x.reason_code as code, x.reason_text as text, x.ticker,
             x.occurred_at = o.updated_at as "isLast"
      from outbox x join orders o on o.id = x.order_id
      where x.order_id = ${id} and x.kind = 'CANCELLED' order by x.position`
  const userCancel = { code: 'USER_CANCELED', text: null }

  test.each([
    ['CANCELED', userCancel],
    ['CANCELED', { code: 'REMAINDER', text: 'what remained' }],
    ['EXPIRED', { code: 'EXPIRED_DAY', text: null }],
  ] as const)('of an order that is %s tells the engine of that again: %j', async (status, reason) => {
    const id = await ended(status, reason)
    expect(await applied({ buy: id, quantity: '10' })).toEqual(['LATE'])
    const events = await cancellationsOf(id)
    const { code, text } = reason
    expect(events).toMatchObject([
      { filled: '40.00000000', code, text },
      { filled: '50.00000000', code, text, isLast: true, ticker: 'AAPL' },
    ])
    expect(events[0]!.event_id).not.toBe(events[1]!.event_id)
  })

  test('tells it once, however many of them are written together, and again with the next', async () => {
    const id = await ended('CANCELED', userCancel)
    expect(await applied({ buy: id, quantity: '10' }, { buy: id, quantity: '10' })).toEqual(['LATE', 'LATE'])
    expect((await cancellationsOf(id)).map(({ filled }) => filled)).toEqual(['40.00000000', '60.00000000'])
    await applied({ buy: id, quantity: '1' })
    expect(await cancellationsOf(id)).toHaveLength(3)
  })

  test('and no other: one that leaves nothing, one that came before, one that is refused', async () => {
    const id = await ended('CANCELED', userCancel)
    await applied({ buy: id, tradeId: 'late', quantity: '10' })
    expect(await cancellationsOf(id)).toHaveLength(2)
    expect(await applied({ buy: id, tradeId: 'late', quantity: '10' })).toEqual(['DUPLICATE'])
    expect(await applied({ buy: id, tradeId: 'late', quantity: '11' })).toEqual(['CONFLICT'])
    expect(await applied({ buy: id, quantity: '51' })).toEqual(['OVERFILL'])
    expect(await applied({ buy: id, quantity: '50' })).toEqual(['LATE'])
    expect(await cancellationsOf(id)).toHaveLength(2)
    const open = await placed()
    expect(await applied({ buy: open.id, quantity: '1' })).toEqual(['APPLIED'])
    expect(await cancellationsOf(open.id)).toHaveLength(0)
  })

  test('tells nothing twice if the answer of its write is lost', async () => {
    const id = await ended('CANCELED', userCancel)
    proxy.loseAnswer('insert into ingested_fills')
    await apply([aTrade({ buy: id, quantity: '10' })], through)
    expect(await cancellationsOf(id)).toHaveLength(2)
  })
})

describe('a leg is', () => {
  test('APPLIED where the order is open and the quantity fits', async () => {
    const { id } = await placed()
    expect(await applied({ buy: id, tradeId: 'a', quantity: '40' })).toEqual(['APPLIED'])
    expect(await stored(id)).toMatchObject({
      status: 'PARTIALLY_FILLED',
      version: 1,
      filledQuantity: amount('40'),
      lastFillPrice: amount('150'),
    })
    expect(await applied({ buy: id, tradeId: 'b', quantity: '60', price: '151' })).toEqual(['APPLIED'])
    expect(await stored(id)).toMatchObject({ status: 'FILLED', version: 2, lastFillPrice: amount('151') })
    expect(await ledgerOf(id)).toEqual(['a', 'b'])
  })

  test('APPLIED on either side of one trade, and in the single-leg form with the side of the order', async () => {
    const [buyer, seller] = [await placed(), await placed({ side: 'SELL' })]
    expect(await applied({ buy: buyer.id, sell: seller.id })).toEqual(['APPLIED', 'APPLIED'])
    expect(await applied({ order: seller.id, tradeId: 'single' })).toEqual(['APPLIED'])
    const [row] = await sql`select side from ingested_fills where trade_id = 'single'`
    expect(row!['side']).toBe('SELL')
  })

  test('LATE where the order is canceled or expired: the ledger and the quantity move, the status stays', async () => {
    for (const status of ['CANCELED', 'EXPIRED']) {
      const { id } = await placed()
      await sql`update orders set status = ${status}, version = 1 where id = ${id}`
      expect(await applied({ buy: id, quantity: '100' })).toEqual(['LATE'])
      expect(await stored(id)).toMatchObject({
        status: status as Order['status'],
        version: 2,
        filledQuantity: amount('100'),
      })
      const [row] = await sql`select late from ingested_fills where order_id = ${id}`
      expect(row!['late']).toBe(true)
      expect(await applied({ buy: id, quantity: '0.00000001' })).toEqual(['OVERFILL'])
    }
  })

  test('DUPLICATE where it was applied, or kept as an exception, with the same content', async () => {
    const { id } = await placed()
    expect(await applied({ buy: id, tradeId: 'a' }, { buy: id, tradeId: 'a' })).toEqual(['APPLIED', 'DUPLICATE'])
    expect(await applied({ buy: id, tradeId: 'a' })).toEqual(['DUPLICATE'])
    expect(await applied({ buy: id, tradeId: 'big', quantity: '1000' })).toEqual(['OVERFILL'])
    expect(await applied({ buy: id, tradeId: 'big', quantity: '1000' })).toEqual(['DUPLICATE'])
    expect(await stored(id)).toMatchObject({ version: 1, filledQuantity: amount('10') })
  })

  test('CONFLICT where it was applied with other content: the first stands', async () => {
    const { id } = await placed()
    expect(await applied({ buy: id, tradeId: 'a' }, { buy: id, tradeId: 'a', price: '151' })).toEqual([
      'APPLIED',
      'CONFLICT',
    ])
    expect(await applied({ buy: id, tradeId: 'a', quantity: '11' })).toEqual(['CONFLICT'])
    expect(await stored(id)).toMatchObject({ version: 1, filledQuantity: amount('10'), lastFillPrice: amount('150') })
    expect(await exceptionsOf(id)).toEqual(['CONFLICT', 'CONFLICT'])
  })

  test('OVERFILL where it would pass the quantity, and judged afresh with other content', async () => {
    const { id } = await placed()
    expect(await applied({ buy: id, tradeId: 'a', quantity: '100.00000001' })).toEqual(['OVERFILL'])
    expect(await stored(id)).toMatchObject({ status: 'NEW', version: 0 })
    expect(await applied({ buy: id, tradeId: 'a', quantity: '100' })).toEqual(['APPLIED'])
    expect(await stored(id)).toMatchObject({ status: 'FILLED' })
    expect(await exceptionsOf(id)).toEqual(['OVERFILL'])
  })

  test('MISMATCH where ticker or side is not the order’s, where it is REJECTED, or where both legs name it', async () => {
    const { id } = await placed()
    const rejected = await placed()
    await sql`update orders set status = 'REJECTED', version = 1 where id = ${rejected.id}`
    expect(await applied({ buy: id, ticker: 'MSFT' }, { sell: id }, { buy: rejected.id })).toEqual([
      'MISMATCH',
      'MISMATCH',
      'MISMATCH',
    ])
    expect(await applied({ buy: id, sell: id })).toEqual(['MISMATCH', 'MISMATCH'])
    expect(await stored(id)).toMatchObject({ status: 'NEW', version: 0 })
    expect(await exceptionsOf(id)).toEqual(['MISMATCH', 'MISMATCH', 'MISMATCH', 'MISMATCH'])
  })

  test('UNKNOWN_ORDER where there is no such order, or the id is no UUID', async () => {
    expect(await applied({ buy: newId(), sell: 'somebody-else' }, { order: '' })).toEqual([
      'UNKNOWN_ORDER',
      'UNKNOWN_ORDER',
      'UNKNOWN_ORDER',
    ])
  })

  test('MALFORMED where Postgres cannot store it, and its neighbours are applied all the same', async () => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => placed()))
    const trades = orders.map(({ id }, i) => aTrade({ buy: id, tradeId: i === 5 ? 'a\0b' : 'fine' }))
    const outcomes = await apply(trades)
    expect(dispositions(outcomes)).toEqual(orders.map((_, i) => (i === 5 ? 'MALFORMED' : 'APPLIED')))
    expect(outcomes.find(({ disposition }) => disposition === 'MALFORMED')!.reason).toContain('could not be stored')
  })

  test('MALFORMED is that leg alone: the others of its order are applied, in their order', async () => {
    const { id } = await placed({ quantity: amount('100') })
    const other = await placed()
    const tradeIds = ['1', '2', '3', 'a\0b', '5', 'c\0d', '7']
    const legs = tradeIds.map((tradeId, n) => aTrade({ buy: id, tradeId, quantity: '10', offset: BigInt(n) }))
    const outcomes = await apply([...legs, aTrade({ buy: other.id, offset: 7n })])
    expect(dispositions(outcomes)).toEqual([
      ...tradeIds.map((tradeId) => (tradeId.includes('\0') ? 'MALFORMED' : 'APPLIED')),
      'APPLIED',
    ])
    expect(await ledgerOf(id)).toEqual(['1', '2', '3', '5', '7'])
    expect(await stored(id)).toMatchObject({ status: 'PARTIALLY_FILLED', filledQuantity: amount('50'), version: 5 })
  })
})

test('an exception keeps the whole message, and only the first of equal ones is fresh', async () => {
  const { id } = await placed()
  const trade = aTrade({ buy: id, quantity: '1000', partition: 3, offset: 77n })
  const [first] = await apply([trade])
  expect(first).toMatchObject({ disposition: 'OVERFILL', fresh: true })
  const [row] = await sql`select * from exceptions where order_id = ${id}`
  expect(row).toMatchObject({ kafka_partition: 3, kafka_offset: '77', trade_id: trade.trade.tradeId, ticker: 'AAPL' })
  expect(Buffer.from(row!['message']).equals(Buffer.from(trade.message))).toBe(true)
  expect(Buffer.from(row!['message_key']).toString()).toBe('AAPL')
  const [second] = await apply([trade])
  expect(second).toMatchObject({ disposition: 'DUPLICATE', fresh: false })
})

describe('a batch', () => {
  test('folds the legs of an order in their order', async () => {
    const { id } = await placed()
    expect(
      await applied(
        { buy: id, tradeId: 'a', quantity: '60', price: '150' },
        { buy: id, tradeId: 'b', quantity: '50', price: '151' },
        { buy: id, tradeId: 'a', quantity: '60', price: '150' },
        { buy: id, tradeId: 'c', quantity: '40', price: '152' },
        { buy: id, tradeId: 'a', quantity: '1', price: '150' },
      ),
    ).toEqual(['APPLIED', 'OVERFILL', 'DUPLICATE', 'APPLIED', 'CONFLICT'])
    expect(await stored(id)).toMatchObject({ status: 'FILLED', version: 2, lastFillPrice: amount('152') })
    expect(await ledgerOf(id)).toEqual(['a', 'c'])
  })

  test('delivered again adds nothing', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, () => placed()))
    const trades = orders.flatMap(({ id }) => [
      aTrade({ buy: id, quantity: '70' }),
      aTrade({ buy: id, quantity: '70' }),
      aTrade({ buy: id, ticker: 'MSFT' }),
    ])
    const before = dispositions(await apply(trades))
    expect(before.slice(0, 3)).toEqual(['APPLIED', 'OVERFILL', 'MISMATCH'])
    const states = await db.run((sql) =>
      readOrders(
        sql,
        orders.map(({ id }) => id),
      ),
    )
    const again = dispositions(await apply(trades))
    // A mismatch is judged before a repetition, so it is met again, and kept once.
    expect(again.slice(0, 3)).toEqual(['DUPLICATE', 'DUPLICATE', 'MISMATCH'])
    const after = await db.run((sql) =>
      readOrders(
        sql,
        orders.map(({ id }) => id),
      ),
    )
    expect(new Map(after.map((order) => [order.id, order]))).toEqual(new Map(states.map((order) => [order.id, order])))
    expect(await exceptionsOf(orders[0]!.id)).toEqual(['MISMATCH', 'OVERFILL'])
  })

  /** A stream of trades of five orders by number: repetitions, conflicts, overfills and mismatches among them. */
  const stream = Array.from({ length: 120 }, (_, i) => ({
    order: (i * 7) % 5,
    tradeId: `t-${(i * 13) % 45}`,
    quantity: String(1 + ((i * 5) % 9)),
    price: String(150 + ((i % 31 === 0 ? 1 : 0) as number)),
    ticker: i % 37 === 0 ? 'MSFT' : 'AAPL',
  }))
  /** Applies the stream to new orders in batches of these sizes; the result without what differs by nature. */
  const resultOf = async (sizes: () => number) => {
    const orders = await Promise.all(Array.from({ length: 5 }, () => placed({ quantity: amount('30') })))
    const trades = stream.map(({ order, ...changes }) => aTrade({ ...changes, buy: orders[order]!.id }))
    const outcomes: LegOutcome[] = []
    for (let i = 0; i < trades.length;) {
      const size = sizes()
      outcomes.push(...(await apply(trades.slice(i, i + size))))
      i += size
    }
    const states = await Promise.all(
      orders.map(async ({ id }) => {
        const { status, version, filledQuantity, filledNotional, lastFillPrice } = await stored(id)
        const ledger = [
          ...(await sql`select trade_id, quantity, price, order_version from ingested_fills where order_id = ${id} order by order_version`),
        ]
        const exceptions = [
          ...(await sql`select disposition, trade_id, quantity, price, ticker from exceptions where order_id = ${id} order by 1, 2, 3, 4, 5`),
        ]
        return { status, version, filledQuantity, filledNotional, lastFillPrice, ledger, exceptions }
      }),
    )
    return { dispositions: dispositions(outcomes), states }
  }

  test('comes to the same however the stream is cut', async () => {
    const whole = await resultOf(() => stream.length)
    expect(new Set(whole.dispositions)).toEqual(new Set(['APPLIED', 'DUPLICATE', 'CONFLICT', 'OVERFILL', 'MISMATCH']))
    expect(await resultOf(() => 1)).toEqual(whole)
    for (let round = 0; round < 5; round++)
      expect(await resultOf(() => 1 + Math.floor(Math.random() * 40))).toEqual(whole)
  })
})

describe('between what was read and what is written', () => {
  /** Lets `rival` act before the n-th statement of ours, and gives what becomes of `trades`. */
  const interrupted = async (n: number, rival: () => Promise<unknown>, trades: readonly ReceivedTrade[]) => {
    let statements = 0
    proxy.before(async () => {
      if (++statements === n) await rival()
    })
    return dispositions(await apply(trades, through))
  }

  // Statement 1 reads, statement 2 writes; a third one decides again.
  for (const n of [1, 2, 3, 4]) {
    test(`a rival fills the same order: both fills count (moment ${n})`, async () => {
      const { id } = await placed()
      await through.run((sql) => sql`select 1`)
      expect(
        await interrupted(n, () => applied({ buy: id, tradeId: 'rival' }), [aTrade({ buy: id, tradeId: 'ours' })]),
      ).toEqual(['APPLIED'])
      if (n <= 2) expect(await ledgerOf(id)).toEqual(['rival', 'ours'])
      const { filledQuantity, version } = await stored(id)
      expect([filledQuantity, version]).toEqual(n <= 2 ? [amount('20'), 2] : [amount('10'), 1])
    })

    test(`a rival applies the very same trade: it counts once (moment ${n})`, async () => {
      const { id } = await placed()
      const trade = aTrade({ buy: id, tradeId: 'same' })
      const other = aTrade({ buy: id, tradeId: 'other' })
      expect(await interrupted(n, () => apply([trade]), [trade, other])).toEqual([
        n <= 2 ? 'DUPLICATE' : 'APPLIED',
        'APPLIED',
      ])
      expect((await ledgerOf(id)).toSorted()).toEqual(['other', 'same'])
      expect(await stored(id)).toMatchObject({ version: 2, filledQuantity: amount('20') })
    })

    test(`a rival cancels the order: the fill is late or was first (moment ${n})`, async () => {
      const { id } = await placed()
      expect(await interrupted(n, async () => cancel(id), [aTrade({ buy: id })])).toEqual([n <= 2 ? 'LATE' : 'APPLIED'])
      expect(await stored(id)).toMatchObject({
        status: n <= 2 ? 'CANCELED' : 'PARTIALLY_FILLED',
        filledQuantity: amount('10'),
      })
    })

    test(`a rival takes the rest of the quantity: ours would overfill (moment ${n})`, async () => {
      const { id } = await placed()
      const rest = () => applied({ buy: id, tradeId: 'rest', quantity: '95' })
      expect(await interrupted(n, rest, [aTrade({ buy: id })])).toEqual([n <= 2 ? 'OVERFILL' : 'APPLIED'])
      expect((await stored(id)).filledQuantity).toBe(amount(n <= 2 ? '95' : '10'))
    })
  }

  test('a rival that holds the order is waited for without a lock, and nobody else has to wait', async () => {
    const [held, free] = [await placed(), await placed()]
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select 1 from orders where id = ${held.id} for update`
    const applying = apply([aTrade({ buy: held.id }), aTrade({ buy: free.id })])
    await until(async () => (await ledgerOf(free.id)).length === 1, { what: 'the free order is filled' })
    expect(await ledgerOf(held.id)).toEqual([])
    await holder.unsafe('commit')
    expect(dispositions(await applying)).toEqual(['APPLIED', 'APPLIED'])
  })
})

describe('replicas that apply at the same time', () => {
  test('the same trades: each leg counts exactly once', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, () => placed()))
    const trades = Array.from({ length: 400 }, (_, i) =>
      aTrade({ buy: orders[i % 40]!.id, tradeId: `t-${i}`, quantity: '9' }),
    )
    const replicas = [database.open(), database.open(), database.open()]
    const cut = (size: number) =>
      Array.from({ length: Math.ceil(trades.length / size) }, (_, i) => trades.slice(i * size, (i + 1) * size))
    const outcomes = await Promise.all(
      replicas.map(async (replica, i) => {
        const all: LegOutcome[] = []
        for (const batch of cut(20 + i * 7)) all.push(...(await apply(batch, replica)))
        return all
      }),
    )
    const counts = new Map<string, string[]>()
    for (const { leg, disposition } of outcomes.flat())
      counts.set(leg.tradeId, [...(counts.get(leg.tradeId) ?? []), disposition])
    for (const dispositions of counts.values())
      expect(dispositions.toSorted()).toEqual(['APPLIED', 'DUPLICATE', 'DUPLICATE'])
    for (const { id } of orders) expect(await stored(id)).toMatchObject({ version: 10, filledQuantity: amount('90') })
  })

  test('other trades of the same few orders: every one counts, none is lost', async () => {
    const orders = await Promise.all(Array.from({ length: 3 }, () => placed({ quantity: amount('1000') })))
    const workers = await Promise.all(
      Array.from({ length: 6 }, async (_, worker) => {
        const pool = database.open({ connections: 2 })
        const all: LegOutcome[] = []
        for (let i = 0; i < 10; i++)
          all.push(
            ...(await apply(
              orders.map(({ id }) => aTrade({ buy: id, tradeId: `${worker}-${i}`, quantity: '1' })),
              pool,
            )),
          )
        return all
      }),
    )
    expect(new Set(dispositions(workers.flat()))).toEqual(new Set(['APPLIED']))
    for (const { id } of orders) {
      expect(await stored(id)).toMatchObject({
        version: 60,
        filledQuantity: amount('60'),
        filledNotional: amount('60') * amount('150'),
      })
      expect(await ledgerOf(id)).toHaveLength(60)
    }
  })

  test('more than fits: the quantity is never passed, and every leg has its disposition', async () => {
    const { id } = await placed({ quantity: amount('25') })
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => apply([aTrade({ buy: id, quantity: '1' })])))
    const counts = Object.groupBy(outcomes.flat(), ({ disposition }) => disposition)
    expect(counts.APPLIED).toHaveLength(25)
    expect(counts.OVERFILL).toHaveLength(35)
    expect(await stored(id)).toMatchObject({ status: 'FILLED', version: 25 })
  })
})

describe('while Postgres is away', () => {
  test('the batch waits, tells of every attempt, and is applied once when it is back', async () => {
    const orders = await Promise.all(Array.from({ length: 5 }, () => placed()))
    await proxy.refuse()
    let retries = 0
    const applying = apply(
      orders.map(({ id }) => aTrade({ buy: id })),
      through,
      { onRetry: () => retries++ },
    )
    await until(() => retries >= 3, { what: 'three attempts have failed' })
    await proxy.accept()
    expect(dispositions(await applying)).toEqual(orders.map(() => 'APPLIED'))
  })

  test('a write whose answer is lost is found to be done', async () => {
    const { id } = await placed()
    proxy.loseAnswer('insert into ingested_fills')
    expect(dispositions(await apply([aTrade({ buy: id })], through))).toEqual(['DUPLICATE'])
    expect(await stored(id)).toMatchObject({ version: 1, filledQuantity: amount('10') })
  })

  test('only the signal ends the waiting, and then nothing was written', async () => {
    const { id } = await placed()
    await proxy.refuse()
    const stopping = new AbortController()
    const applying = failureOf(
      apply([aTrade({ buy: id })], through, { signal: stopping.signal, onRetry: () => stopping.abort() }),
    )
    expect(await applying).toBeInstanceOf(SettleAborted)
    await proxy.accept()
    expect(await stored(id)).toMatchObject({ version: 0 })
  })

  test('a server that is killed and comes back costs no fill and repeats none', async () => {
    const server = await startPostgres({ dataDir: temporaryDir('killed-postgres'), port: await freePort() })
    const target = targetOf(server.url)
    const session = openSession(target, 10_000)
    await migrate(session, { migrations, onWait: () => undefined, onApplied: () => undefined })
    await session.end()
    const own = database.open({}, target)
    const placements = Array.from({ length: 20 }, () => aPlacement({ quantity: amount('1000') }))
    await own.run((sql) => storeOrders(sql, placements))

    const deliver = async (round: number): Promise<string[]> => {
      const trades = placements.map(({ order }) => aTrade({ buy: order.id, tradeId: `t-${round}`, quantity: '1' }))
      return dispositions(await apply(trades, own))
    }
    let rounds = 0
    let killed = false
    const consuming = (async () => {
      const readings: string[] = []
      // On and on until a while after the server has come back.
      for (let after = 0; after < 10; rounds++) {
        readings.push(...(await deliver(rounds)))
        if (killed) after++
      }
      return readings
    })()
    await until(() => rounds > 5, { what: 'some rounds are applied' })
    await server.kill()
    killed = true
    await server.restart()
    const answers = await consuming
    expect(answers).toHaveLength(rounds * placements.length)
    // DUPLICATE: written just before the server died, the answer was lost.
    expect(answers.filter((disposition) => disposition !== 'APPLIED' && disposition !== 'DUPLICATE')).toEqual([])
    const orders = await own.run((sql) =>
      readOrders(
        sql,
        placements.map(({ order }) => order.id),
      ),
    )
    for (const order of orders) expect(order).toMatchObject({ version: rounds, filledQuantity: amount(String(rounds)) })
    await own.close()
    await server.stop()
  })
})
