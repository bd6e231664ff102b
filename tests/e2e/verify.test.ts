// Proves: `orders verify` finds what an operator has to know: the compiled binary against real servers.

import { Admin } from '@platformatic/kafka'
import { binary } from '../support/binary.ts'
import { createDatabase } from '../support/database.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import type { Received } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { corrupt, seedOrders } from '../support/seed.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const verify = (world: World, ...args: string[]) => runBinary(['verify', ...args], world.env)

type Line = Record<string, string | number | null>
const linesOf = ({ out }: { out: string }): Line[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
const violationsOf = (result: { out: string }): Line[] => linesOf(result).filter((line) => 'rule' in line)
const notesOf = (result: { out: string }): string[] =>
  linesOf(result)
    .filter((line) => 'note' in line)
    .map((line) => String(line['note']))

/** Orders of every kind, and a leg of every disposition. */
const live = async (world: World, service: RunningService) => {
  const [partial, filled, canceled] = [await placeOrder(service), await placeOrder(service), await placeOrder(service)]
  await service.http(`/orders/${canceled}/cancel`, { method: 'POST' })
  const twice = tradeOf({ buyOrderId: partial, quantity: 10 })
  await world.publishTrades(
    twice,
    twice,
    { ...twice, quantity: 11 },
    tradeOf({ buyOrderId: partial, quantity: 91 }),
    tradeOf({ buyOrderId: filled, sellOrderId: crypto.randomUUID(), quantity: 100 }),
    tradeOf({ orderId: canceled, quantity: '0.00000001' }),
    tradeOf({ sellOrderId: partial, quantity: 1 }),
    tradeOf({ sellOrderId: 'no uuid', quantity: 1 }),
    tradeOf({ buyOrderId: partial, quantity: -1 }),
  )
  await world.tradesConsumed()
  await world.outboxEmpty()
  return { partial, filled, canceled }
}

/** An order that nobody placed: no event in the outbox. */
const sneak = async (world: World, ...rows: { ticker: string; ago?: number }[]): Promise<string[]> => {
  const ids: string[] = []
  const now = Date.now()
  for (const { ticker, ago = 0 } of rows) {
    const id = Bun.randomUUIDv7()
    const at = new Date(now - ago).toISOString()
    await world.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      values (1, ${id}, ${crypto.randomUUID()}, ${ticker}, 'BUY', 'LIMIT', 'GTC', 1, 1, ${at}, ${at})`
    ids.push(id)
  }
  return ids
}

/** The placement that an order's row asks for. */
const placementOf = async (world: World, id: string, changes: Record<string, unknown> = {}) => {
  const [row] = await world.sql`select *, created_at::text from orders where id = ${id}`
  const value = {
    orderId: id,
    userId: row!['user_id'],
    ticker: row!['ticker'],
    side: row!['side'],
    type: row!['type'],
    timeInForce: row!['time_in_force'],
    quantity: row!['quantity'],
    price: row!['price'],
    timestamp: new Date(`${row!['created_at']}`).toISOString(),
    ...changes,
  }
  const eventId = crypto.randomUUID()
  return { topic: world.topics.placed, key: String(row!['ticker']), value: JSON.stringify(value), headers: { eventId } }
}

/** How often anything stands there: repeats are lawful, and counted. */
const countOf = async ({ kafka }: World, topic: string): Promise<number> => (await kafka.readAll(topic)).length

/** Of a topic with one partition. */
const endOf = async ({ kafka }: World, topic: string): Promise<bigint> =>
  (await kafka.readAll(topic)).at(-1)!.offset + 1n

const again = ({ topic, key, bytes, headers }: Received, changes: Record<string, string> = {}) => ({
  topic,
  key,
  value: bytes,
  headers: { ...headers, ...changes },
})

describe('the tables', () => {
  test('120,000 orders: clean, page by page, in bounded memory', async () => {
    const database = await createDatabase()
    await seedOrders(database.sql, 120_000)
    const child = Bun.spawn([await binary(), 'verify'], {
      env: { DATABASE_URL: database.url },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    // The child's own figure for its peak would count this process, which it was forked from.
    let peakMb = 0
    const watching = (async () => {
      while (child.exitCode === null) {
        const { stdout } = Bun.spawnSync(['ps', '-o', 'rss=', '-p', `${child.pid}`])
        peakMb = Math.max(peakMb, Number(stdout.toString()) / 1_000)
        await Bun.sleep(100)
      }
    })()
    const out = await new Response(child.stdout).text()
    expect(await child.exited).toBe(0)
    await watching
    expect(out).toBe('120000 orders, 105000 fills, 0 violations\n')
    // About 60 MB, most of it the binary's own; the rows alone would take more than that.
    expect(peakMb).toBeGreaterThan(10)
    expect(peakMb).toBeLessThan(150)
    await database.drop()
  })

  test('one amount flipped past the triggers is named; exit 1', async () => {
    const database = await createDatabase()
    await seedOrders(database.sql, 50)
    await corrupt(
      database.sql,
      `update orders set filled_notional = filled_notional + 1 where id = '01900000-0000-0001-8000-800000000000'`,
    )
    const env = { DATABASE_URL: database.url }
    const text = await runBinary(['verify'], env)
    expect(text).toMatchObject({ exitCode: 1 })
    expect(text.out).toBe(
      'order 01900000-0000-0001-8000-800000000000: filled_notional: expected 1034.9999999975, found 1035.9999999975\n' +
        '50 orders, 44 fills, 1 violations\n',
    )
    const json = await runBinary(['verify', '--json'], env)
    expect(linesOf(json)).toEqual([
      {
        subject: 'order',
        id: '01900000-0000-0001-8000-800000000000',
        rule: 'filled_notional',
        expected: '1034.9999999975',
        found: '1035.9999999975',
      },
      { orders: 50, fills: 44, violations: 1 },
    ])
    await database.drop()
  })

  test('thousands of offenders all arrive through a pipe', async () => {
    const database = await createDatabase()
    await seedOrders(database.sql, 20_000)
    await corrupt(database.sql, 'update orders set version = version + 1')
    const { exitCode, out } = await runBinary(['verify'], { DATABASE_URL: database.url })
    expect(exitCode).toBe(1)
    expect(out.trim().split('\n')).toHaveLength(20_001)
    await database.drop()
  })

  test('what cannot run ends with 2 and says why', async () => {
    const database = await createDatabase({ empty: true })
    await database.sql`create table orders (id integer)`
    const results = [
      [await runBinary(['verify'], {}), 'DATABASE_URL'],
      [await runBinary(['verify', '--nonsense'], { DATABASE_URL: database.url }), '--nonsense'],
      [await runBinary(['verify', '--slack-ms', 'x'], { DATABASE_URL: database.url }), '--slack-ms'],
      [await runBinary(['verify'], { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' }), 'ECONNREFUSED'],
      [await runBinary(['verify'], { DATABASE_URL: database.url }), 'did not create'],
    ] as const
    for (const [{ exitCode, out, err }, why] of results) {
      expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
      expect(err).toContain(why)
      expect(err).not.toContain('secret')
    }
    await database.drop()
  })
})

describe('the topics', () => {
  const events = `events-${crypto.randomUUID().slice(0, 8)}`
  let world: World
  let service: RunningService
  beforeAll(async () => {
    world = await createWorld({ env: { KAFKA_TOPIC_ORDER_EVENT: events } })
    service = await world.start()
    await until(async () => (await world.sql`select from event_publication`).length > 0, {
      what: 'the publication has begun',
    })
  })
  afterAll(async () => {
    await world.kafka.deleteTopics([events])
    await world[Symbol.asyncDispose]()
  })

  test('a service that did all it can do is clean, and its group is left as it was', async () => {
    await live(world, service)
    const before = await world.kafka.committed(world.group, world.topics.trades)
    const [placed, cancelled] = [
      await countOf(world, world.topics.placed),
      await countOf(world, world.topics.cancelled),
    ]
    const result = await verify(world, '--topics', '--json')
    expect(result.exitCode).toBe(0)
    expect(linesOf(result)).toEqual([
      // The late leg told the engine of the cancel again, under an id of its own.
      { note: `${world.topics.placed}: ${placed} events, ${placed - 3} of them repeats of an event before them` },
      {
        note: `${world.topics.cancelled}: ${cancelled} events, ${cancelled - 2} of them repeats of an event before them`,
      },
      { note: `${events}: 7 events, 0 of them repeats of an event before them` },
      { note: `${world.topics.trades}: 10 legs below the committed offsets of ${world.group}` },
      { orders: 3, fills: 3, violations: 0 },
    ])
    expect(await world.kafka.committed(world.group, world.topics.trades)).toEqual(before)
    expect(await world.sql`select from pg_class where relname like 'verify_%'`).toHaveLength(0)
  })

  test('run after run while orders, cancels and trades pour in: never a false alarm', async () => {
    const load = startLoad({ targets: () => [service], clients: 16, pauseMs: 1, cancelEvery: 3 })
    const trading = new AbortController()
    const trader = (async () => {
      while (!trading.signal.aborted) {
        const ids = await world.sql<{ id: string; ticker: string }[]>`
          select id, ticker from orders where ticker like 'L%' order by id desc limit 20`
        if (ids.length > 0)
          await world.publishTrades(
            ...ids.map(({ id, ticker }) => tradeOf({ buyOrderId: id, ticker, quantity: '0.1' })),
            tradeOf({ buyOrderId: crypto.randomUUID() }),
          )
        await Bun.sleep(20)
      }
    })()
    const runs: { exitCode: number; violations: Line[] }[] = []
    for (let run = 0; run < 5; run++) {
      const result = await verify(world, '--topics', '--json')
      runs.push({ exitCode: result.exitCode, violations: violationsOf(result) })
    }
    trading.abort()
    await Promise.all([load.stop(), trader])
    expect(runs).toEqual(Array.from({ length: 5 }, () => ({ exitCode: 0, violations: [] })))
    await world.tradesConsumed()
    await world.outboxEmpty()
  })

  test('order.event.v1: an event that says something else than the log, and one of an order that nobody knows', async () => {
    const [first] = await world.kafka.read(events)
    const stranger = crypto.randomUUID()
    const value = first!.value!.replace('"quantity":100', '"quantity":101')
    await world.kafka.publish([{ ...again(first!), value }, again(first!, { eventId: `${stranger}.0` })])
    const violations = violationsOf(await verify(world, '--topics', '--json'))
    expect(new Set(violations.map(({ rule, expected, found }) => `${rule}: ${expected}, ${found}`))).toEqual(
      new Set([`extra: order: an order with id ${stranger}, null`, 'order.quantity: 100, 101']),
    )
  })
})

describe('each fault made for real', () => {
  let world: World
  let placed: Received[]
  let ids: Awaited<ReturnType<typeof live>>
  beforeAll(async () => {
    world = await createWorld()
    await using service = await world.start()
    ids = await live(world, service)
    await service.stop()
    placed = await world.kafka.read(world.topics.placed)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const found = async (...args: string[]) => {
    const result = await verify(world, '--topics', '--json', ...args)
    return { ...result, violations: violationsOf(result), notes: notesOf(result) }
  }

  test('a repeat of an event is counted and no violation', async () => {
    await world.kafka.publish([again(placed[0]!), again(placed[0]!)])
    const { exitCode, notes, violations } = await found()
    expect({ exitCode, violations }).toEqual({ exitCode: 0, violations: [] })
    const all = await countOf(world, world.topics.placed)
    expect(all).toBeGreaterThanOrEqual(5)
    expect(notes[0]).toContain(`${all} events, ${all - 3} of them repeats`)
  })

  test('an order without its event is missing; one that waits in the outbox is not', async () => {
    const [lost, waiting] = await sneak(world, { ticker: 'AAPL' }, { ticker: 'AAPL' })
    await world.sql`insert into outbox (event_id, kind, order_id, ticker, occurred_at) values (gen_random_uuid(), 'PLACED', ${waiting!}, 'AAPL', now())`
    const { exitCode, violations } = await found()
    expect(exitCode).toBe(1)
    const expected = 'a placement of AAPL on its topic or in the outbox'
    expect(violations).toEqual([{ subject: 'order', id: lost!, rule: 'missing event', expected, found: null }])
    await world.kafka.publish([await placementOf(world, lost!), await placementOf(world, waiting!)])
    expect((await found()).violations).toEqual([])
    await world.sql`delete from outbox`
  })

  test('a canceled order without its event, and an event of an order that is not canceled', async () => {
    const [quiet] = await sneak(world, { ticker: 'AAPL' })
    await world.kafka.publish([await placementOf(world, quiet!)])
    await world.sql`update orders set status = 'CANCELED', version = 1, updated_at = now() where id = ${quiet!}`
    const [cancellation] = await world.kafka.read(world.topics.cancelled)
    const message = JSON.parse(cancellation!.value!)
    const forOpenOrder = { ...message, orderId: ids.partial, timestamp: new Date().toISOString() }
    await world.kafka.publish([
      { ...again(cancellation!, { eventId: crypto.randomUUID() }), value: JSON.stringify(forOpenOrder) },
    ])
    const { violations } = await found()
    expect(violations.filter(({ rule }) => rule === 'missing event')).toMatchObject([{ id: quiet! }])
    expect(violations.find(({ rule }) => rule === 'status_of_the_order')).toMatchObject({
      expected: null,
      found: 'PARTIALLY_FILLED',
    })
    await world.sql`insert into outbox (event_id, kind, order_id, ticker, occurred_at) values (gen_random_uuid(), 'CANCELLED', ${quiet!}, 'AAPL', now())`
  })

  test('extra events: of no order, with other terms, and no events at all', async () => {
    const before = (await found()).violations
    const event = await placementOf(world, ids.filled)
    const at = async (index: number): Promise<string> => {
      const extras = (await world.kafka.readAll(world.topics.placed)).filter(({ key }) => key === 'EXTRA')
      const { partition, offset } = extras[index]!
      return `${world.topics.placed}-${partition}-${offset}`
    }
    const stranger = crypto.randomUUID()
    const extra = (value: unknown, headers: Record<string, string>) => ({
      topic: event.topic,
      key: 'EXTRA',
      value: JSON.stringify(value),
      headers,
    })
    await world.kafka.publish([
      extra({ ...JSON.parse(event.value), orderId: stranger }, { eventId: crypto.randomUUID() }),
      extra({ ...JSON.parse(event.value), price: 150.50000001, side: 'SELL' }, { eventId: crypto.randomUUID() }),
      extra({ hello: 'world' }, { eventId: crypto.randomUUID() }),
      extra(JSON.parse(event.value), {}),
      // The id of somebody else's event.
      extra(JSON.parse(event.value), { eventId: placed[0]!.headers['eventId']! }),
    ])
    // On a slow machine copies of an early event stand behind the slack, too.
    const fresh = (await found()).violations.filter(
      (line) => line['rule'] !== 'reordered' && !before.some((old) => Bun.deepEquals(old, line)),
    )
    const of = async (index: number) => {
      const id = await at(index)
      return fresh.filter((line) => line['id'] === id).map((line) => [line['rule'], line['expected'], line['found']])
    }
    expect(await of(0)).toEqual([['extra: order', `an order with id ${stranger}`, null]])
    expect(await of(1)).toEqual([
      ['key', 'AAPL', 'EXTRA'],
      ['price', '150.5', '150.50000001'],
      ['side', 'BUY', 'SELL'],
    ])
    expect(await of(2)).toEqual([['extra: message', 'an event', 'orderId is missing or of the wrong type']])
    expect(await of(3)).toEqual([['extra: message', 'an event', 'the header eventId is not a UUID']])
    const first = String(JSON.parse(placed[0]!.value!).orderId)
    expect(await of(4)).toEqual([
      ['key', 'AAPL', 'EXTRA'],
      ['order_of_first_event_with_this_id', first, ids.filled],
    ])
    // The one with other terms is also a second id for one placement.
    expect(fresh.filter(({ rule }) => rule === 'event ids of its placement')).toMatchObject([
      { id: ids.filled, expected: 'one' },
    ])
  })

  test('reordered: behind one of its ticker that was accepted much later, not within the slack', async () => {
    const [early, late, close] = await sneak(
      world,
      { ticker: 'ORD', ago: 60_000 },
      { ticker: 'ORD', ago: 20_000 },
      { ticker: 'ORD', ago: 25_000 },
    )
    const events = await Promise.all([late, close, early].map((id) => placementOf(world, id!)))
    await world.kafka.publish(events)
    const fresh = async (...args: string[]) =>
      (await found(...args)).violations.filter(
        ({ rule, found }) => rule === 'reordered' && [early, late, close].some((id) => `${found}`.includes(id!)),
      )
    expect(await fresh()).toMatchObject([
      { subject: 'event', rule: 'reordered', found: `behind one that happened 40000 ms later (order ${early})` },
    ])
    expect(await fresh('--slack-ms', '1000')).toHaveLength(2)
    expect(await fresh('--slack-ms', '50000')).toHaveLength(0)
  })

  test('a ledger row that vanished is missed by its leg, and one of other content is named', async () => {
    await corrupt(
      world.sql,
      `delete from ingested_fills where order_id = '${ids.filled}';
       update ingested_fills set quantity = 9 where order_id = '${ids.partial}'`,
    )
    const legs = (await found()).violations.filter(({ subject }) => subject === 'trade')
    expect(legs).toContainEqual(
      expect.objectContaining({ rule: expect.stringContaining(`BUY leg of order ${ids.filled}`), found: null }),
    )
    expect(legs).toContainEqual(
      expect.objectContaining({
        rule: expect.stringContaining(`BUY leg of order ${ids.partial}`),
        found: 'a ledger row of BUY AAPL 9 at 150.5',
      }),
    )
    // Of this trade's three messages the conflicting one is kept as an exception, so it left its trace.
    expect(legs).toHaveLength(3)
  })
})

describe('what a topic no longer holds', () => {
  test('is not missed; letters that are gone are, while the topic should have them', async () => {
    await using world = await createWorld({ partitions: 1 })
    await using service = await world.start()
    await live(world, service)
    await service.stop()
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [world.env['KAFKA_BOOTSTRAP_SERVERS']!] })
    const cut = (name: string, offset: bigint) =>
      admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset }] }] })

    // An event may stand there more than once: what is cut off is cut before the third of them, and behind the last.
    const third = (await world.kafka.read(world.topics.placed))[2]!.offset
    await cut(world.topics.placed, third)
    const cutShort = await verify(world, '--topics', '--json')
    expect(cutShort.exitCode).toBe(0)
    expect(notesOf(cutShort)).toContain('2 events are older than what their topics still hold: not compared')

    await cut(world.topics.placed, await endOf(world, world.topics.placed))
    await cut(world.topics.cancelled, await endOf(world, world.topics.cancelled))
    expect(notesOf(await verify(world, '--topics', '--json'))).toContain(
      '4 events are older than what their topics still hold: not compared',
    )

    await cut(world.topics.deadLetters, 1n)
    expect(await verify(world, '--topics')).toMatchObject({ exitCode: 0 })
    await world.kafka.deleteTopics([world.topics.deadLetters])
    await world.kafka.createTopics([world.topics.deadLetters], { partitions: 1 })
    const lost = await verify(world, '--topics', '--json')
    expect(lost.exitCode).toBe(1)
    expect(violationsOf(lost).map(({ expected }) => expected)).toEqual([
      'a dead letter',
      'a dead letter',
      'a dead letter',
    ])

    await world.kafka.publish([{ topic: world.topics.trades, key: 'AAPL', value: 'unread', partition: 0 }])
    await world.kafka.publish([{ topic: world.topics.trades, key: 'AAPL', value: 'unread too', partition: 0 }])
    await cut(world.topics.trades, 11n)
    expect(violationsOf(await verify(world, '--topics', '--json'))).toMatchObject([
      {
        subject: 'trade',
        id: `${world.topics.trades}-0-9`,
        rule: 'retention',
        found: '2 messages deleted before they were read',
      },
    ])
    await admin.close()

    await world.kafka.deleteTopics([world.topics.cancelled])
    const absent = await verify(world, '--topics')
    expect(absent.exitCode).toBe(2)
    expect(absent.err).toContain(`the topic ${world.topics.cancelled} does not exist`)
  })
})
