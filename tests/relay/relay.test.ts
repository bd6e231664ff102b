// Proves: the relay publishes every event in order, against a real Postgres and a broker that is awkward on demand.

import { partitionOf } from '../../src/kafka/partition.ts'
import type { SendReport } from '../../src/relay/sender.ts'
import type { OutboxEvent } from '../../src/store/outbox.ts'
import { aPlacement } from '../support/builders.ts'
import { afterEach, beforeEach, expect, test } from '../support/explained.ts'
import { storeOrders, placeAll } from '../support/storeOrders.ts'
import { createTcpProxy } from '../support/tcpProxy.ts'
import { until } from '../support/until.ts'
import { createBroker, expectOrder, partitions, refused } from './broker.ts'
import { createRelayWorld, type RelayWorld } from './world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await createRelayWorld()
})
afterEach(() => world.stop())

test('committed events are sent once, in order, and leave the outbox', async () => {
  const broker = createBroker()
  const { relay } = world.start(broker.sender)
  for (let n = 0; n < 30; n++) await world.place(relay, ...Array.from({ length: 20 }, (_, m) => `T${m % 7}`))
  await world.drained()
  expect(broker.faults).toEqual([])
  expect(broker.log).toHaveLength(600)
  expectOrder(broker.log)
  expect(relay.state()).toMatchObject({ published: 600, setAside: [] })
  expect(relay.state().shards).toHaveLength(16)
})

test('lost acknowledgements and refusals at random: repeats have the same eventId, first occurrences are in order', async () => {
  let random = 7
  const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647
  let calm = false
  const broker = createBroker(async ({ events }, take) => {
    await Bun.sleep(next() * 5)
    if (calm || next() < 0.5) return take()
    if (next() < 0.5) return refused(events)
    take()
    return refused(events)
  })
  const { relay } = world.start(broker.sender)
  const all: string[] = []
  for (let n = 0; n < 60; n++) {
    const ids = await world.place(relay, ...Array.from({ length: 10 }, (_, m) => `T${m}`))
    all.push(...ids)
    await world.cancel(relay, ...ids.filter((_, m) => (m + n) % 3 === 0))
    if (n % 10 === 0) await Bun.sleep(50)
  }
  await Bun.sleep(1_500)
  calm = true
  await world.drained()
  expect(broker.faults).toEqual([])
  const placed = broker.log.filter(({ kind }) => kind === 'PLACED')
  expect(new Set(placed.map(({ order }) => order.id))).toEqual(new Set(all))
  expect(new Set(placed.map(({ eventId }) => eventId)).size).toBe(all.length)
  expect(placed.length).toBeGreaterThan(all.length)
  expect(new Set(broker.log.filter(({ kind }) => kind === 'CANCELLED').map(({ eventId }) => eventId)).size).toBe(200)
  expectOrder(broker.log)
  await until(() => relay.state().setAside.length === 0, { what: 'nothing is set aside any more' })
})

test('a cancellation waits for the acknowledgement of every lower placement of its ticker', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker(async ({ kind, events }, take) => {
    if (kind === 'PLACED' && events.some(({ order }) => order.ticker === 'A')) await gate.promise
    return take()
  })
  const { relay } = world.start(broker.sender)
  const [first] = await world.place(relay, 'A')
  await until(() => broker.sends.length === 1, { what: 'the placement is being sent' })
  await world.place(relay, 'A', 'B')
  await world.cancel(relay, first!)
  await until(() => broker.log.some(({ order }) => order.ticker === 'B'), { what: 'others go on' })
  await Bun.sleep(500)
  expect(broker.sends.filter(({ kind }) => kind === 'CANCELLED')).toEqual([])
  gate.resolve()
  await world.drained()
  expect(broker.log.filter(({ order }) => order.ticker === 'A').map(({ kind }) => kind)).toEqual([
    'PLACED',
    'PLACED',
    'CANCELLED',
  ])
  expect(broker.faults).toEqual([])
})

test('exactly the acknowledged positions are deleted, wherever they stand', async () => {
  const broker = createBroker(({ events }, take) =>
    events.some(({ order }) => order.ticker === 'BAD') ? partly(events) : take(),
  )
  /** The even ones of the request are taken. */
  const partly = (events: readonly OutboxEvent[]): SendReport => {
    const acked = events.filter(({ order }) => order.ticker !== 'BAD')
    return { acked, failed: new Map([['BAD', new Error('refused')]]) }
  }
  const { relay, lines } = world.start(broker.sender)
  const same = ['BAD', 'T1', 'BAD', 'T2', 'BAD', 'T3', 'BAD', 'T4', 'T5', 'T6']
  const ids = await world.place(relay, ...same)
  const bad = ids.filter((_, n) => same[n] === 'BAD')
  await until(async () => (await world.waiting()).length === bad.length, { what: 'only the refused ones wait' })
  await Bun.sleep(700)
  expect(await world.waiting()).toEqual(bad)
  expect(relay.state().setAside).toEqual(['BAD'])
  expect(lines.find(({ level }) => level === 'error')).toMatchObject({ ticker: 'BAD', failedWithIt: 0 })
})

test('a slow partition holds up only its own tickers', async () => {
  const gate = Promise.withResolvers<void>()
  const slow = partitionOf('SLOW', partitions.PLACED)
  const broker = createBroker(async ({ partition }, take) => {
    if (partition === slow) await gate.promise
    return take()
  })
  const { relay } = world.start(broker.sender)
  const other = ['A', 'B', 'C', 'D', 'E'].find((ticker) => partitionOf(ticker, partitions.PLACED) !== slow)!
  await world.place(relay, 'SLOW')
  for (let n = 0; n < 20; n++) await world.place(relay, other, 'SLOW')
  await until(() => broker.log.filter(({ order }) => order.ticker === other).length === 20, {
    what: 'the other one goes',
  })
  expect(broker.log.filter(({ order }) => order.ticker === 'SLOW')).toEqual([])
  gate.resolve()
  await world.drained()
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
})

test('commits whose events stand behind one that is on its way do not make it read without end', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker(async (_, take) => {
    await gate.promise
    return take()
  })
  const db = world.database.open()
  let statements = 0
  const { relay } = world.start(broker.sender, {
    ...db,
    run(statement) {
      statements++
      return db.run(statement)
    },
  })
  await world.place(relay, 'A')
  await until(() => broker.sends.length === 1, { what: 'it is on its way' })
  const [before, startedAt] = [statements, performance.now()]
  for (let rung = 0; rung < 500; rung++) {
    relay.ring()
    await Bun.sleep(1)
  }
  const looks = (performance.now() - startedAt) / 20
  expect(statements - before).toBeLessThan(1.5 * looks)
  gate.resolve()
  await world.drained()
})

test('an event whose position was drawn long before its commit goes out, and before what was accepted after it', async () => {
  const broker = createBroker()
  const { relay } = world.start(broker.sender)
  const slow = world.database.session()
  const placement = aPlacement({ ticker: 'SLOW' })
  await slow.unsafe('begin')
  await storeOrders(slow, [placement])
  // The floor is refreshed each second; meanwhile higher positions come and go.
  for (let n = 0; n < 12; n++) {
    await world.place(relay, 'A', 'B')
    await Bun.sleep(250)
  }
  await world.drained()
  await slow.unsafe('commit')
  // Accepted after it, so it may not overtake it.
  const [next] = await world.place(relay, 'SLOW')
  await world.drained()
  const sent = broker.log.filter(({ order }) => order.ticker === 'SLOW').map(({ order }) => order.id)
  expect(sent).toEqual([placement.order.id, next!])
})

test('a ticker set aside long ago goes out when the broker takes it, below everything that went before', async () => {
  let taking = false
  const broker = createBroker(({ events }, take) =>
    !taking && events.some(({ order }) => order.ticker === 'OLD') ? refused(events) : take(),
  )
  const { relay } = world.start(broker.sender)
  const [old] = await world.place(relay, 'OLD')
  // More than one read takes: when the first of them are through, the others still stand below the floor.
  for (let n = 0; n < 12; n++) {
    await world.place(relay, 'A', 'B', ...Array.from({ length: 20 }, () => 'OLD'))
    await Bun.sleep(250)
  }
  await until(async () => (await world.waiting()).length === 241, { what: 'only OLD waits' })
  taking = true
  // What is accepted while it catches up may not overtake what waits below the floor.
  for (let n = 0; n < 50; n++) {
    await world.place(relay, 'OLD')
    await Bun.sleep(20)
  }
  await world.drained()
  expect(broker.log.filter(({ order }) => order.ticker === 'OLD')[0]!.order.id).toBe(old!)
  await until(() => relay.state().setAside.length === 0, { what: 'nothing is set aside any more' })
  expectOrder(broker.log)
})

test('a relay that stops first sends all committed events, and gives its leases back', async () => {
  const broker = createBroker(async (_, take) => {
    await Bun.sleep(20)
    return take()
  })
  const { relay, stopping, done } = world.start(broker.sender)
  await until(() => relay.state().shards.length === 16, { what: 'it holds all shards' })
  await world.place(relay, ...Array.from({ length: 500 }, (_, n) => `T${n % 20}`))
  stopping.abort()
  await done
  expect(await world.waiting()).toEqual([])
  expect(broker.log).toHaveLength(500)
  expect(await world.database.sql`select from relay_leases where holder is not null`).toHaveLength(0)
  expect(await world.database.sql`select from replicas`).toHaveLength(0)
})

test('every connection to Postgres is cut again and again: nothing is lost, order holds', async () => {
  const url = new URL(world.database.url)
  await using door = await createTcpProxy({ host: url.hostname, port: Number(url.port) })
  await door.open()
  url.port = String(door.port)
  const db = world.database.open({ connections: 6 }, { ...world.database.target, url: url.href })
  const broker = createBroker()
  const { relay, stopping, done } = world.start(broker.sender, db)
  const cutting = new AbortController()
  const all: string[] = []
  const cuts = (async () => {
    while (!cutting.signal.aborted) {
      // Not faster than anything gets through, or nothing ever would on a slow machine.
      const stored = all.length
      await Bun.sleep(150)
      await until(() => cutting.signal.aborted || all.length > stored, { what: 'something got through' })
      await door.shut()
      await door.open()
    }
  })()
  for (let n = 0; n < 25; n++) {
    const placements = Array.from({ length: 10 }, (_, m) => aPlacement({ ticker: `T${m}` }))
    await until(() => placeAll(db, placements, relay.ring), { what: 'the orders are stored' })
    all.push(...placements.map(({ order }) => order.id))
    await Bun.sleep(20)
  }
  cutting.abort()
  await cuts
  await world.drained()
  expect(new Set(broker.log.map(({ order }) => order.id))).toEqual(new Set(all))
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
  stopping.abort()
  await done
})

test('an event that is neither acknowledged nor refused sets its ticker aside and is sent again', async () => {
  let forgetful = true
  const broker = createBroker(({ events }, take) => {
    if (!forgetful || events.every(({ order }) => order.ticker !== 'LOST')) return take()
    return { acked: events.filter(({ order }) => order.ticker !== 'LOST'), failed: new Map() }
  })
  const { relay } = world.start(broker.sender)
  await world.place(relay, 'LOST', 'FOUND')
  await until(() => relay.state().setAside.includes('LOST'), { what: 'it is set aside' })
  expect(relay.state()).toMatchObject({ published: 1, setAside: ['LOST'] })
  forgetful = false
  await world.drained()
  await until(() => relay.state().setAside.length === 0, { what: 'nothing is set aside any more' })
  expect(relay.state().published).toBe(2)
})

test('an event that has the position of a lost one is sent, however late the lost one is deleted', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const broker = createBroker(async ({ events }, take) => {
    if (events.some(({ order }) => order.ticker === 'LOST')) await answered
    return take()
  })
  const { relay } = world.start(broker.sender)
  const [kept, lost] = await world.place(relay, 'KEPT', 'LOST')
  await until(() => broker.sends.some(({ events }) => events.some(({ order }) => order.id === lost)), {
    what: 'it is sent',
  })
  await until(async () => (await world.waiting()).join() === lost, { what: 'the other one is deleted' })

  // What a promoted standby that lagged leaves of it: the row is gone, and its position is given out again, to an event of a later order.
  const session = world.database.session()
  await session.unsafe('begin; lock table outbox in access exclusive mode')
  answer()
  await until(() => broker.log.some(({ order }) => order.id === lost), { what: 'it is acknowledged' })
  const [row] = await session<{ position: string }[]>`delete from outbox returning position`
  const eventId = crypto.randomUUID()
  await session`
    insert into outbox (position, event_id, kind, order_id, ticker, occurred_at) overriding system value
    select ${row!.position}, ${eventId}, 'CANCELLED', id, ticker, now() from orders where id = ${kept!}`
  await session.unsafe('commit')

  await world.drained()
  expect(broker.log.map((event) => event.eventId)).toContain(eventId)
})
