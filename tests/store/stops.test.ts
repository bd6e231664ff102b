// Proves: a look at the waiting stops costs two probes of an index a ticker; stops are due in the order in which they go to the engine; and
// each is triggered once, under its lock, with its log and its event, whoever else wants to change it at that moment.

import { beforeEach, describe, expect, test } from 'bun:test'
import type { Cause } from '../../src/domain/history.ts'
import { readEpoch } from '../../src/store/gate.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { readDueStops, readTickersWithDueStops, triggerStops, type DueStop, type Tick } from '../../src/store/stops.ts'
import { aCancel, amount, aStop, newId } from '../support/builders.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { createRandom } from '../support/random.ts'
import { halt, resume } from '../support/someRules.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { failureOf, untilBlocked } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()

let ticker = ''
let tickers = 0
beforeEach(async () => {
  ticker = `T${++tickers}`
  await sql`delete from outbox`
})

type StopChanges = Parameters<typeof aStop>[0] & { at?: string }
/** Stores a stop of the ticker of this test; returns its id. `at`: its stop price. */
const stored = async ({ at = '100', ...changes }: StopChanges = {}): Promise<string> => {
  const placement = aStop({ ticker, stopPrice: amount(at), ...changes })
  await db.run((sql) => storeOrders(sql, [placement]))
  return placement.order.id
}

const noon = '2026-01-02T12:00:00.000000Z'
const atNoon = new Date(noon)
const later = '2030-01-02T12:00:00.000000Z'
const tick = (price: string, tradedAt = later): Tick => ({ ticker, price: amount(price), tradedAt })

const toleranceMs = 1_500
const due = async (trades: readonly Tick[], limit = 500, except: readonly string[] = []): Promise<DueStop[]> =>
  (await db.run((sql) => readDueStops(sql, { trades, toleranceMs, except, limit }))).due
/** The id of an order as a UUID of version 8. */
const triggeredEventIdOf = (orderId: string): string => `${orderId.slice(0, 14)}8${orderId.slice(15)}`
const idsOf = (stops: readonly DueStop[]): string[] => stops.map(({ orderId }) => orderId)
const look = (...prices: readonly [lowest: string, highest: string]): Promise<Set<string>> =>
  lookUntil(later, ...prices)
const lookUntil = (latest: string, lowest: string, highest: string) => {
  const range = { ticker, lowest: amount(lowest), highest: amount(highest), latest }
  return db.run((sql) => readTickersWithDueStops(sql, [range], toleranceMs))
}

const cause = (offset = 7): Cause => ({ kind: 'trigger', topic: 'trades', partition: 1, offset: String(offset) })
const trigger = async (ids: readonly string[], now = new Date()): Promise<Set<string>> => {
  const triggers = ids.map((orderId, n) => ({ orderId, cause: cause(n) }))
  const answer = await db.run(async (sql) => triggerStops(sql, triggers, { epoch: await readEpoch(sql), now }))
  return answer.triggered
}
const events = async () => [
  ...(await sql<{ order_id: string; event_id: string; kind: string; occurred_at: Date }[]>`
    select order_id, event_id, kind, occurred_at from outbox order by position`),
]
const changesOf = async (id: string) => [
  ...(await sql`select version, kind, at, cause, filled_quantity::float8 as filled from order_changes where order_id = ${id} order by version`),
]
const rowOf = async (id: string) =>
  (await sql`select status, version, triggered_at, updated_at from orders where id = ${id}`)[0]!

describe('the look', () => {
  test('finds a ticker where a BUY waits at the highest price or below, or a SELL at the lowest or above', async () => {
    expect(await look('1', '1000')).toEqual(new Set())
    await stored({ side: 'SELL', at: '100' })
    expect(await look('100.00000001', '1000')).toEqual(new Set())
    expect(await look('100', '1000')).toEqual(new Set([ticker]))
    await stored({ side: 'BUY', at: '110' })
    expect(await look('105', '109.99999999')).toEqual(new Set())
    expect(await look('105', '110')).toEqual(new Set([ticker]))
  })

  test('does not find stops that were triggered or have ended, nor orders that are none', async () => {
    const [triggered, canceled] = [await stored(), await stored()]
    await stored({ type: 'LIMIT', price: amount('100'), stopPrice: null })
    expect(await look('1', '1')).toEqual(new Set([ticker]))
    await trigger([triggered])
    await db.run((sql) => moveOrders(sql, [aCancel(canceled)], new Date()))
    expect(await look('1', '1')).toEqual(new Set())
  })

  test('does not find a stop that is younger than the latest trade by more than the tolerance', async () => {
    await stored({ now: atNoon })
    expect(await lookUntil('2026-01-02T11:59:58.499999Z', '1', '1')).toEqual(new Set())
    expect(await lookUntil('2026-01-02T11:59:58.500000Z', '1', '1')).toEqual(new Set([ticker]))
  })

  test('probes the index of waiting stops, and reads nothing where none waits', async () => {
    await sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, stop_price, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'L' || n % 100, 'BUY', case when n % 2 = 0 then 'LIMIT' else 'STOP_LIMIT' end, 'GTC', 1, 1,
             case when n % 2 = 1 then 50 end, now(), now()
      from generate_series(1, 20000) n`
    await sql.unsafe('analyze orders')
    const ranges = Array.from({ length: 100 }, (_, n) => ({
      ticker: `L${n}`,
      lowest: amount('10'),
      highest: amount('49'),
      latest: later,
    }))
    const explainer = await createExplainer(database, 'keys')
    const found = await explainer.run((sql) => readTickersWithDueStops(sql, ranges, toleranceMs))
    expect(found).toEqual(new Set())
    const [plan] = await explainer.plans()
    expect(plan!.nodes).not.toContain('Seq Scan')
    expect(plan!.rowsScanned('orders')).toBe(0)
  })
})

describe('what is due', () => {
  test('goes trade by trade; in one trade SELL by falling and BUY by rising price, then by id', async () => {
    const at = (side: 'BUY' | 'SELL', price: string, id: string) =>
      stored({ side, at: price, id: `00000000-0000-7000-8000-${String(tickers * 100).padStart(8, '0')}${id}` })
    const [buy102, buy95, sell100b, sell100a, sell120, buy96] = [
      await at('BUY', '102', '0001'),
      await at('BUY', '95', '0002'),
      await at('SELL', '100', '0004'),
      await at('SELL', '100', '0003'),
      await at('SELL', '120', '0005'),
      await at('BUY', '96', '0006'),
    ]
    // The first price meets the SELL at 120, and both low BUYs; the second the SELLs at 100; the third the BUY at 102.
    const found = await due([tick('100.5'), tick('95'), tick('102')])
    expect(found).toEqual([
      { orderId: sell120, trade: 0 },
      { orderId: buy95, trade: 0 },
      { orderId: buy96, trade: 0 },
      { orderId: sell100a, trade: 1 },
      { orderId: sell100b, trade: 1 },
      { orderId: buy102, trade: 2 },
    ])
    for (const limit of [1, 2, 4, 5])
      expect(await due([tick('100.5'), tick('95'), tick('102')], limit)).toEqual(found.slice(0, limit))
  })

  test('leaves out what has passed its end, what is excepted, and stops that are younger than the trade', async () => {
    const ended = await stored({ timeInForce: 'GTD', expiresAt: new Date(Date.now() - 1).toISOString() })
    const lasting = await stored({ timeInForce: 'GTD', expiresAt: new Date(Date.now() + 60_000).toISOString() })
    const excepted = await stored()
    expect(idsOf(await due([tick('100')], 500, [excepted]))).toEqual([lasting])
    expect(await due([tick('100', noon)])).toEqual([])
    expect(ended).toBeString()
  })

  test('a later trade triggers the stop that an earlier one of a better price was too old for', async () => {
    const young = await stored({ side: 'BUY', at: '100', now: atNoon })
    const trades = [tick('120', '2026-01-02T11:59:58.499999Z'), tick('99', noon), tick('101', noon)]
    expect(await due(trades)).toEqual([{ orderId: young, trade: 2 }])
  })

  test('is the same as a plain loop over trades and stops finds, for every limit', async () => {
    const random = createRandom(11)
    for (let round = 0; round < 30; round++) {
      ticker = `R${round}`
      const second = (n: number) => new Date(atNoon.getTime() + n * 1_000)
      const stops = Array.from({ length: 40 }, () => ({
        id: newId(),
        side: random.pick(['BUY', 'SELL'] as const),
        price: random.int(95, 105),
        at: random.int(0, 6),
      }))
      const placements = stops.map(({ id, side, price, at }) =>
        aStop({ id, ticker, side, stopPrice: amount(String(price)), now: second(at) }),
      )
      await db.run((sql) => storeOrders(sql, placements))
      const trades = Array.from({ length: 12 }, () => ({ price: random.int(93, 107), at: random.int(-1, 6) }))
      const expected: DueStop[] = []
      for (const [n, trade] of trades.entries()) {
        const met = stops.filter(
          ({ id, side, price, at }) =>
            !expected.some(({ orderId }) => orderId === id) &&
            trade.at * 1_000 >= at * 1_000 - toleranceMs &&
            (side === 'BUY' ? trade.price >= price : trade.price <= price),
        )
        const order = (side: 'BUY' | 'SELL', sign: number) =>
          met
            .filter((stop) => stop.side === side)
            .toSorted((a, b) => sign * (a.price - b.price) || (a.id < b.id ? -1 : 1))
        for (const { id } of [...order('SELL', -1), ...order('BUY', 1)]) expected.push({ orderId: id, trade: n })
      }
      const ticks = trades.map(({ price, at }) => tick(String(price), second(at).toISOString()))
      for (const limit of [1, 7, 25, 500]) expect(await due(ticks, limit)).toEqual(expected.slice(0, limit))
    }
  })
})

describe('while its ticker is halted', () => {
  const run = <T>(statement: Parameters<typeof db.run<T>>[0]) => db.run(statement)
  const second = (n: number) => new Date(Date.now() + n * 1_000).toISOString().replace(/\.\d+Z/, '.000000Z')
  const between = (a: Date, b: Date) => new Date((a.getTime() + b.getTime()) / 2).toISOString().replace('Z', '001Z')
  /** When the halt of `of` began and ended. */
  const halted = async (of: string, ms: number) => {
    await run((own) => halt(own, of))
    await Bun.sleep(ms)
    await run((own) => resume(own, of))
    const [row] = await sql<
      { halted_since: Date; at: Date }[]
    >`select halted_since, at from rules_changes order by epoch desc limit 1`
    return row!
  }

  for (const [what, tickerOf] of [
    ['or all are', () => ''],
    ['alone', () => ticker],
  ] as const)
    test(`${what}, no stop is due; another's halt changes nothing`, async () => {
      const stop = await stored()
      await run((own) => halt(own, tickerOf()))
      expect(await due([tick('100')])).toEqual([])
      await run((own) => resume(own, tickerOf()))
      await run((own) => halt(own, `${ticker}X`))
      expect(idsOf(await due([tick('100')]))).toEqual([stop])
      await run((own) => resume(own, `${ticker}X`))
    })

  test('a trade that was made then triggers nothing later either; what was made before or after does', async () => {
    const stop = await stored({ now: atNoon })
    for (const of of [ticker, '']) {
      const { halted_since: from, at } = await halted(of, 30)
      const before = new Date(from.getTime() - 2)
      expect(await due([tick('100', between(from, at))])).toEqual([])
      expect(idsOf(await due([tick('100', before.toISOString().replace('Z', '001Z'))]))).toEqual([stop])
      expect(idsOf(await due([tick('100', at.toISOString().replace('Z', '999Z'))]))).toEqual([stop])
    }
  })

  test('a trade with the millisecond in which the halt began may be of that halt', async () => {
    await stored({ now: atNoon })
    const { halted_since: from } = await halted(ticker, 5)
    expect(await due([tick('100', from.toISOString())])).toEqual([])
  })

  test('a trade with a whole second may be of that halt if it is older by no more than the tolerance', async () => {
    const stop = await stored({ now: atNoon })
    await halted(ticker, 5)
    expect(await due([tick('100', second(0))])).toEqual([])
    expect(idsOf(await due([tick('100', second(-3))]))).toEqual([stop])
  })

  test('a stop that was due before the halt is not triggered by the rules of before', async () => {
    const stop = await stored()
    const query = { trades: [tick('100')], toleranceMs, except: [], limit: 5 }
    const { epoch } = await run((own) => readDueStops(own, query))
    await run((own) => halt(own, ticker))
    const triggers = [{ orderId: stop, cause: cause() }]
    const answer = await run((own) => triggerStops(own, triggers, { epoch: epoch!, now: new Date() }))
    expect(answer.triggered).toEqual(new Set())
    expect(answer.epoch).not.toBe(epoch!)
    expect(await changesOf(stop)).toEqual([])
  })

  test('the trigger of an older version, which knows no halts, is refused', async () => {
    const stop = await stored()
    const old = sql`insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional)
                    values (${stop}, 1, 'TRIGGERED', now(), '{"kind": "trigger"}', 0, 0)`
    expect(await failureOf(old)).toMatchObject({ code: '25006' })
  })
})

describe('triggerStops', () => {
  test('gives the stop its time and next version, writes its log, and appends its placement in the order of the stops', async () => {
    const ids = [
      await stored(),
      await stored({ side: 'BUY', type: 'STOP_LIMIT', price: amount('101') }),
      await stored(),
    ]
    const order = [ids[2]!, ids[0]!, ids[1]!]
    expect(await events()).toEqual([])
    const now = new Date(Date.now() + 1_000)
    expect(await trigger(order, now)).toEqual(new Set(ids))
    for (const [n, id] of order.entries()) {
      expect(await rowOf(id)).toEqual({ status: 'NEW', version: 1, triggered_at: now, updated_at: now })
      expect(await changesOf(id)).toEqual([{ version: 1, kind: 'TRIGGERED', at: now, cause: cause(n), filled: 0 }])
    }
    expect(await events()).toEqual(
      order.map((id) => ({ order_id: id, event_id: triggeredEventIdOf(id), kind: 'PLACED', occurred_at: now })),
    )
  })

  test('does nothing for a stop that was triggered before, has ended, or does not exist, nor for an order that is no stop', async () => {
    const [again, canceled, expired, limit] = [
      await stored(),
      await stored(),
      await stored({ timeInForce: 'GTD', expiresAt: new Date(Date.now() - 1).toISOString() }),
      await stored({ type: 'LIMIT', price: amount('100'), stopPrice: null }),
    ]
    await trigger([again])
    await db.run((sql) => moveOrders(sql, [aCancel(canceled)], new Date()))
    await sql`delete from outbox`
    const rows = () => Promise.all([again, canceled, expired, limit].map(rowOf))
    const before = await rows()
    expect(await trigger([again, canceled, expired, limit, newId()])).toEqual(new Set())
    expect(await trigger([])).toEqual(new Set())
    expect(await rows()).toEqual(before)
    expect(await events()).toEqual([])
  })

  test('never moves the time of an order back, whatever the clock says', async () => {
    const now = new Date('2030-01-01T00:00:00Z')
    const id = await stored({ now })
    await trigger([id])
    expect(await rowOf(id)).toMatchObject({ triggered_at: now, updated_at: now })
    expect((await events())[0]!.occurred_at).toEqual(now)
  })

  test('waits for whoever holds the stop, and triggers it if that one gives up', async () => {
    const id = await stored()
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`update orders set status = 'CANCELED', version = 1 where id = ${id}`
    const rival = trigger([id])
    await untilBlocked(sql, 'for update')
    await holder.unsafe('rollback')
    expect(await rival).toEqual(new Set([id]))
    expect(await events()).toHaveLength(1)
  })

  const move = (orderId: string, event: 'cancel' | 'expire') =>
    db.run((sql) => moveOrders(sql, [{ ...aCancel(orderId), event }], new Date()))
  const rivals: Record<string, (id: string) => Promise<unknown>> = {
    'a cancel': (id) => move(id, 'cancel'),
    'an expiry': (id) => move(id, 'expire'),
    'another trigger': (id) => trigger([id]),
  }
  test.each(Object.entries(rivals))(
    'of a trigger and %s at one moment, the first to have the row wins alone',
    async (_, rival) => {
      for (const triggerFirst of [true, false]) {
        const id = await stored()
        await sql`delete from outbox`
        const holder = database.session()
        await holder.unsafe('begin')
        await holder`select from orders where id = ${id} for update`
        const first = triggerFirst ? trigger([id]) : rival(id)
        await untilBlocked(sql, 'for update', 1)
        const second = triggerFirst ? rival(id) : trigger([id])
        await untilBlocked(sql, 'for update', 2)
        await holder.unsafe('commit')
        await Promise.all([first, second])
        const kinds = (await changesOf(id)).map(({ kind }) => kind as string)
        // No engine is told of a stop that never triggered; of one that did, first its placement.
        expect((await events()).map(({ kind }) => kind)).toEqual(
          kinds.includes('TRIGGERED') ? kinds.map((kind) => (kind === 'TRIGGERED' ? 'PLACED' : 'CANCELLED')) : [],
        )
        const { triggered_at, version } = await rowOf(id)
        expect(version).toBe(kinds.length)
        expect(triggered_at !== null).toBe(kinds.includes('TRIGGERED'))
        // What comes second may still end the triggered order; but nothing triggers an order that has ended.
        if (!triggerFirst) expect(kinds).toHaveLength(1)
      }
    },
  )

  test('does not trigger a stop that passes its end while it waits for the lock', async () => {
    const id = await stored({ timeInForce: 'GTD', expiresAt: new Date(Date.now() + 1_500).toISOString() })
    expect(idsOf(await due([tick('100')]))).toEqual([id])
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select from orders where id = ${id} for update`
    const waiting = trigger([id])
    await untilBlocked(sql, 'for update')
    await holder`select pg_sleep(extract(epoch from expires_at - clock_timestamp())::float8 + 0.01) from orders where id = ${id}`
    await holder.unsafe('commit')
    expect(await waiting).toEqual(new Set())
    expect(await rowOf(id)).toMatchObject({ version: 0, triggered_at: null })
  })

  test('does not deadlock where two batches name the same stops in opposite orders', async () => {
    const ids = [await stored(), await stored(), await stored()]
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select from orders where id = ${ids[1]!} for update`
    const both = [trigger(ids), trigger(ids.toReversed())]
    await untilBlocked(sql, 'for update', 2)
    await holder.unsafe('commit')
    const triggered = (await Promise.all(both)).map((one) => [...one])
    expect(triggered.flat().toSorted()).toEqual(ids.toSorted())
    expect(await events()).toHaveLength(3)
  })
})
