// The relay against a real Postgres and a broker that does what no real one does on demand: it loses acknowledgements, refuses,
// and is slow where a test wants it.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import { cancelBatch } from '../../src/app/cancel.ts'
import { placeOrders } from '../../src/app/place.ts'
import { createRelay, type Relay } from '../../src/kafka/relay.ts'
import { partitionOf, type Sender, type SendReport } from '../../src/kafka/sender.ts'
import { insertOrders } from '../../src/store/orders.ts'
import type { EventKind, OutboxEvent } from '../../src/store/outbox.ts'
import type { Database } from '../../src/store/sql.ts'
import { aPlacement, anEvent } from '../support/builders.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quietLog.ts'
import { createTcpProxy } from '../support/tcpProxy.ts'
import { until } from '../support/until.ts'

const partitions = { PLACED: 3, CANCELLED: 2 }

type Send = { kind: EventKind; partition: number; events: readonly OutboxEvent[] }
/** What the broker does with a request; by default it takes and acknowledges all of it. */
type Behaviour = (send: Send, take: () => SendReport) => Promise<SendReport> | SendReport

let database: TestDatabase
let db: Database
let running: { stopping: AbortController; done: Promise<void>; relay: Relay }[]

beforeEach(async () => {
  database = await createDatabase()
  db = database.open({ connections: 6 }, { ...database.target, applicationName: 'relay' })
  running = []
})
afterEach(async () => {
  for (const { stopping } of running) stopping.abort()
  await Promise.all(running.map(({ done }) => done))
  await database.drop()
})

const refused = (events: readonly OutboxEvent[]): SendReport => ({
  acked: [],
  failed: new Map(events.map((event) => [event.order.ticker, new Error('refused')])),
})

/** A broker that checks what must always hold: the partition, one batch a ticker outstanding, no cancel before its place's ack. */
const createBroker = (behave: Behaviour = (_, take) => take()) => {
  const log: OutboxEvent[] = []
  const acknowledged = new Set<string>()
  const outstanding = new Set<string>()
  const faults: string[] = []
  const sends: Send[] = []

  const check = ({ kind, partition, events }: Send): void => {
    for (const ticker of new Set(events.map((event) => event.order.ticker))) {
      if (outstanding.has(ticker)) faults.push(`two batches of ${ticker} at a time`)
      if (partitionOf(ticker, partitions[kind]) !== partition) faults.push(`${ticker} in partition ${partition}`)
    }
    for (const { order } of events)
      if (kind === 'CANCELLED' && !acknowledged.has(`PLACED ${order.id}`))
        faults.push(`the cancellation of ${order.id} before the acknowledgement of its placement`)
  }
  const sender: Sender = {
    partitions: () => Promise.resolve(partitions),
    async send(kind, partition, events) {
      const request = { kind, partition, events }
      check(request)
      sends.push(request)
      const tickers = new Set(events.map((event) => event.order.ticker))
      for (const ticker of tickers) outstanding.add(ticker)
      const report = await behave(request, () => {
        log.push(...events)
        return { acked: [...events], failed: new Map() }
      })
      for (const ticker of tickers) outstanding.delete(ticker)
      for (const event of report.acked) acknowledged.add(`${event.kind} ${event.order.id}`)
      return report
    },
  }
  return { sender, log, faults, sends }
}

const start = (sender: Sender) => {
  const { log, lines } = quietLog()
  const stopping = new AbortController()
  const options = { db, sender, replicaId: crypto.randomUUID(), leaseTtlMs: 1_000, batchMax: 100, inFlightMax: 1_000 }
  const relay = createRelay({ ...options, log })
  const done = relay.run(stopping.signal)
  running.push({ stopping, done, relay })
  return { relay, lines, stopping, done }
}

const place = async (relay: Relay, ...tickers: string[]): Promise<string[]> => {
  const placements = tickers.map((ticker) => aPlacement({ ticker }))
  await placeOrders(db, placements, relay.ring)
  return placements.map(({ order }) => order.id)
}
const cancel = (relay: Relay, ...ids: string[]) =>
  cancelBatch(
    db,
    ids.map((id) => ({ id, event: anEvent() })),
    { again: false, now: new Date(), onCommitted: relay.ring },
  )
const waiting = async (): Promise<string[]> =>
  (await database.sql`select order_id from outbox order by position`).map((row) => String(row['order_id']))
const drained = () => until(async () => (await waiting()).length === 0, { what: 'the outbox is empty' })

/** By ticker and topic, the first occurrences stand in the order of their positions. */
const expectOrder = (log: readonly OutboxEvent[]): void => {
  const firsts = [...new Map(log.toReversed().map((event) => [event.eventId, event])).values()]
  const inLog = log.filter(
    (event, at) => firsts.includes(event) && log.findIndex((e) => e.eventId === event.eventId) === at,
  )
  for (const [key, events] of Map.groupBy(inLog, ({ kind, order }) => `${kind} ${order.ticker}`)) {
    const positions = events.map(({ position }) => position)
    expect({ key, positions }).toEqual({ key, positions: positions.toSorted((a, b) => Number(a - b)) })
  }
}

test('what was committed is sent once, in order, and leaves the outbox', async () => {
  const broker = createBroker()
  const { relay } = start(broker.sender)
  for (let n = 0; n < 30; n++) await place(relay, ...Array.from({ length: 20 }, (_, m) => `T${m % 7}`))
  await drained()
  expect(broker.faults).toEqual([])
  expect(broker.log).toHaveLength(600)
  expectOrder(broker.log)
  expect(relay.state()).toMatchObject({ published: 600, setAside: [], shards: 16 })
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
  const { relay } = start(broker.sender)
  const all: string[] = []
  for (let n = 0; n < 60; n++) {
    const ids = await place(relay, ...Array.from({ length: 10 }, (_, m) => `T${m}`))
    all.push(...ids)
    await cancel(relay, ...ids.filter((_, m) => (m + n) % 3 === 0))
    if (n % 10 === 0) await Bun.sleep(50)
  }
  await Bun.sleep(1_500)
  calm = true
  await drained()
  expect(broker.faults).toEqual([])
  const placed = broker.log.filter(({ kind }) => kind === 'PLACED')
  expect(new Set(placed.map(({ order }) => order.id))).toEqual(new Set(all))
  expect(new Set(placed.map(({ eventId }) => eventId)).size).toBe(all.length)
  expect(placed.length).toBeGreaterThan(all.length)
  expect(new Set(broker.log.filter(({ kind }) => kind === 'CANCELLED').map(({ eventId }) => eventId)).size).toBe(200)
  expectOrder(broker.log)
  await until(() => relay.state().setAside.length === 0, { what: 'nothing is set aside any more' })
}, 60_000)

test('a cancellation waits for the acknowledgement of every lower placement of its ticker', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker(async ({ kind, events }, take) => {
    if (kind === 'PLACED' && events.some(({ order }) => order.ticker === 'A')) await gate.promise
    return take()
  })
  const { relay } = start(broker.sender)
  const [first] = await place(relay, 'A')
  await until(() => broker.sends.length === 1, { what: 'the placement is being sent' })
  await place(relay, 'A', 'B')
  await cancel(relay, first!)
  await until(() => broker.log.some(({ order }) => order.ticker === 'B'), { what: 'others go on' })
  await Bun.sleep(500)
  expect(broker.sends.filter(({ kind }) => kind === 'CANCELLED')).toEqual([])
  gate.resolve()
  await drained()
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
  const { relay, lines } = start(broker.sender)
  const same = ['BAD', 'T1', 'BAD', 'T2', 'BAD', 'T3', 'BAD', 'T4', 'T5', 'T6']
  const ids = await place(relay, ...same)
  const bad = ids.filter((_, n) => same[n] === 'BAD')
  await until(async () => (await waiting()).length === bad.length, { what: 'only the refused ones wait' })
  await Bun.sleep(700)
  expect(await waiting()).toEqual(bad)
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
  const { relay } = start(broker.sender)
  const other = ['A', 'B', 'C', 'D', 'E'].find((ticker) => partitionOf(ticker, partitions.PLACED) !== slow)!
  await place(relay, 'SLOW')
  for (let n = 0; n < 20; n++) await place(relay, other, 'SLOW')
  await until(() => broker.log.filter(({ order }) => order.ticker === other).length === 20, {
    what: 'the other one goes',
  })
  expect(broker.log.filter(({ order }) => order.ticker === 'SLOW')).toEqual([])
  gate.resolve()
  await drained()
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
})

test('an event whose position was drawn long before its commit goes out, and before what was accepted after it', async () => {
  const broker = createBroker()
  const { relay } = start(broker.sender)
  const slow = database.session()
  const placement = aPlacement({ ticker: 'SLOW' })
  await slow.unsafe('begin')
  await insertOrders(slow, [placement])
  // The floor is refreshed each second; meanwhile higher positions come and go.
  for (let n = 0; n < 12; n++) {
    await place(relay, 'A', 'B')
    await Bun.sleep(250)
  }
  await drained()
  await slow.unsafe('commit')
  // Accepted after it, so it may not overtake it.
  const [next] = await place(relay, 'SLOW')
  await drained()
  const sent = broker.log.filter(({ order }) => order.ticker === 'SLOW').map(({ order }) => order.id)
  expect(sent).toEqual([placement.order.id, next!])
})

test('a ticker set aside long ago goes out when the broker takes it, below everything that went before', async () => {
  let taking = false
  const broker = createBroker(({ events }, take) =>
    !taking && events.some(({ order }) => order.ticker === 'OLD') ? refused(events) : take(),
  )
  const { relay } = start(broker.sender)
  const [old] = await place(relay, 'OLD')
  // More than one read takes: when the first of them are through, the others still stand below the floor.
  for (let n = 0; n < 12; n++) {
    await place(relay, 'A', 'B', ...Array.from({ length: 20 }, () => 'OLD'))
    await Bun.sleep(250)
  }
  await until(async () => (await waiting()).length === 241, { what: 'only OLD waits' })
  taking = true
  // What is accepted while it catches up may not overtake what waits below the floor.
  for (let n = 0; n < 50; n++) {
    await place(relay, 'OLD')
    await Bun.sleep(20)
  }
  await drained()
  expect(broker.log.filter(({ order }) => order.ticker === 'OLD')[0]!.order.id).toBe(old!)
  expect(relay.state().setAside).toEqual([])
  expectOrder(broker.log)
})

test('at its end the relay sends what was committed before, and gives its leases back', async () => {
  const broker = createBroker(async (_, take) => {
    await Bun.sleep(20)
    return take()
  })
  const { relay, stopping, done } = start(broker.sender)
  await until(() => relay.state().shards === 16, { what: 'it holds all shards' })
  await place(relay, ...Array.from({ length: 500 }, (_, n) => `T${n % 20}`))
  stopping.abort()
  await done
  expect(await waiting()).toEqual([])
  expect(broker.log).toHaveLength(500)
  expect(await database.sql`select from relay_leases where holder is not null`).toHaveLength(0)
  expect(await database.sql`select from replicas`).toHaveLength(0)
})

test('two relays share the shards without repeats; when one is gone the other has them all', async () => {
  const broker = createBroker(async (_, take) => {
    await Bun.sleep(2)
    return take()
  })
  const first = start(broker.sender)
  const second = start(broker.sender)
  const shared = () => [first, second].every(({ relay }) => relay.state().shards === 8)
  await until(shared, { what: 'each has eight' })
  for (let n = 0; n < 50; n++)
    await place(n % 2 === 0 ? first.relay : second.relay, ...Array.from({ length: 20 }, (_, m) => `T${m}`))
  await drained()
  expect(broker.log).toHaveLength(1_000)
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
  expect(first.relay.state().published).toBeGreaterThan(0)
  expect(second.relay.state().published).toBeGreaterThan(0)
  first.stopping.abort()
  await first.done
  await until(() => second.relay.state().shards === 16, { what: 'the other has all' })
  await place(second.relay, 'A', 'B', 'C')
  await drained()
  expect(broker.log).toHaveLength(1_003)
})

test('every connection to Postgres is cut again and again: nothing is lost, order holds', async () => {
  const url = new URL(database.url)
  await using door = await createTcpProxy({ host: url.hostname, port: Number(url.port) })
  await door.open()
  url.port = String(door.port)
  db = database.open({ connections: 6 }, { ...database.target, url: url.href })
  const broker = createBroker()
  const { relay, stopping, done } = start(broker.sender)
  const cutting = new AbortController()
  const cuts = (async () => {
    while (!cutting.signal.aborted) {
      await Bun.sleep(150)
      await door.shut()
      await door.open()
    }
  })()
  const all: string[] = []
  for (let n = 0; n < 25; n++) {
    const placements = Array.from({ length: 10 }, (_, m) => aPlacement({ ticker: `T${m}` }))
    await until(() => placeOrders(db, placements, relay.ring), { what: 'the orders are stored' })
    all.push(...placements.map(({ order }) => order.id))
    await Bun.sleep(20)
  }
  cutting.abort()
  await cuts
  await drained()
  expect(new Set(broker.log.map(({ order }) => order.id))).toEqual(new Set(all))
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
  stopping.abort()
  await done
})
