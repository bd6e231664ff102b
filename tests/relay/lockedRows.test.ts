// Proves: whoever locks rows of the outbox (psql, with a transaction left open) holds up the deletion of these rows and of nothing else: all other
// events are sent and deleted, no event is sent twice, and only the tickers of those rows grow old.

import type { Relay } from '../../src/relay/relay.ts'
import type { Sender } from '../../src/relay/sender.ts'
import { readBacklog } from '../../src/store/outbox.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { aPlacement } from '../support/builders.ts'
import { afterEach, beforeEach, expect, test } from '../support/explained.ts'
import { placeAll } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { createBroker, expectOrder } from './broker.ts'
import { createRelayWorld, renewalsMs, type RelayWorld } from './world.ts'

let world: RelayWorld
/** Of a relay: the time-out is shorter than the tests are patient. */
let impatient: Database
beforeEach(async () => {
  world = await createRelayWorld()
  impatient = world.database.open({ plans: 'keys', connections: 6, lockTimeoutMs: 200 })
})
/** Those that hold locks. They end first, or a relay might wait for them. */
const sessions: Sql[] = []
const openSession = (): Sql => {
  const session = world.database.session()
  sessions.push(session)
  return session
}
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.end({ timeout: 0 })))
  await world.stop()
})

/** Rings as the monitor does while events wait. */
const start = (sender: Sender): ReturnType<RelayWorld['start']> => {
  const started = world.start(sender, impatient)
  const ringing = setInterval(started.relay.ring, 200)
  void started.done.finally(() => clearInterval(ringing))
  return started
}

/** Of world.ts. */
const batchMax = 100

/** Stored before any relay runs; answers their ids. */
const placeFirst = async (...tickers: string[]): Promise<string[]> => {
  const placements = tickers.map((ticker) => aPlacement({ ticker }))
  await placeAll(world.db, placements)
  return placements.map(({ order }) => order.id)
}
const times = (count: number, tickerOf: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, n) => tickerOf(n))

/** A session that has locked the events of these orders, as `how` does it, and leaves its transaction open. */
const lockingSession = async (ids: readonly string[], how: 'delete' | 'for update' = 'for update'): Promise<Sql> => {
  const session = openSession()
  await session`begin`
  const locked =
    how === 'delete'
      ? await session`delete from outbox where order_id = any (${ids}::uuid[])`
      : await session`select from outbox where order_id = any (${ids}::uuid[]) for update`
  expect(locked.count).toBe(ids.length)
  return session
}

const placeMany = async (relay: Relay, batches: number): Promise<void> => {
  for (let n = 0; n < batches; n++) await world.place(relay, ...times(100, (m) => `T${m % 20}`), 'HELD')
}
const onlyWaits = (ids: readonly string[]) =>
  until(async () => (await world.waiting()).toSorted().join() === ids.toSorted().join(), {
    what: 'only what is locked stays',
  })

/** What the relays have told each other. */
const asideTickers = async (): Promise<string[]> =>
  (await world.database.sql`select unnest(set_aside) as ticker from relay_leases`).map((row) => String(row['ticker']))

test.each(['delete', 'for update'] as const)('a row that a session has locked by %s stays alone', async (how) => {
  const broker = createBroker()
  const [held] = await placeFirst('HELD')
  const session = await lockingSession([held!], how)
  const { relay, lines } = start(broker.sender)
  await placeMany(relay, 32)
  await onlyWaits([held!])
  expect(broker.log).toHaveLength(32 * 101 + 1)
  expect(relay.state()).toMatchObject({ published: 32 * 101 + 1, setAside: [] })
  expect(lines.filter(({ message }) => message.startsWith('a session holds published events'))[0]).toMatchObject({
    events: 1,
    ticker: 'HELD',
  })
  await session`rollback`
  await world.drained()
  await placeMany(relay, 1)
  await world.drained()
  expect(new Set(broker.log.map(({ eventId }) => eventId)).size).toBe(33 * 101 + 1)
  expect(broker.log).toHaveLength(33 * 101 + 1)
  expect(broker.faults).toEqual([])
  expectOrder(broker.log)
})

test('a row whose session deletes it in the end is forgotten', async () => {
  const broker = createBroker()
  const [held] = await placeFirst('HELD')
  const session = await lockingSession([held!], 'delete')
  const { relay } = start(broker.sender)
  await until(async () => (await asideTickers()).length > 0, { what: 'it is known to be locked' })
  await session`commit`
  await until(async () => (await asideTickers()).length === 0, { what: 'it is forgotten' })
  await placeMany(relay, 1)
  await world.drained()
  expect(broker.log).toHaveLength(102)
})

test('each session that locks a row is waited for, one after the other', async () => {
  let session: Sql | null = null
  const broker = createBroker(async ({ events }, take) => {
    session = await lockingSession(events.map(({ order }) => order.id))
    return take()
  })
  const { relay } = start(broker.sender)
  for (const ticker of ['FIRST', 'SECOND', 'THIRD']) {
    const ids = await world.place(relay, ticker)
    await until(async () => (await asideTickers()).join() === ticker, { what: 'it is known to be locked' })
    expect(await world.waiting()).toEqual(ids)
    await session!`rollback`
    await world.drained()
    await until(async () => (await asideTickers()).length === 0, { what: 'it is forgotten' })
  }
  expect(broker.log).toHaveLength(3)
})

test('more locked rows than a read takes do not keep the others from being read', async () => {
  const broker = createBroker()
  const held = await placeFirst(...times(2 * batchMax + 50, (n) => `HELD${n % 3}`))
  const session = await lockingSession(held)
  const { relay } = start(broker.sender)
  await placeMany(relay, 5)
  await onlyWaits(held)
  await session`commit`
  await world.drained()
  expect(broker.log).toHaveLength(held.length + 505)
  expect(broker.faults).toEqual([])
})

test('a locked row ages its own ticker, and nothing else, in the eyes of every replica', async () => {
  const broker = createBroker()
  const [held] = await placeFirst('HELD')
  const session = await lockingSession([held!])
  const { relay } = start(broker.sender)
  await placeMany(relay, 2)
  await onlyWaits([held!])
  await until(async () => (await asideTickers()).join() === 'HELD', { what: 'the others are told' })
  const backlog = () => world.db.run((sql) => readBacklog(sql, { rowsMax: 10, ageMaxMs: 0 }, 0n))
  expect(await backlog()).toMatchObject({ rows: 1, sendableAgeMs: 0, overdue: ['HELD'] })
  expect((await backlog()).ageMs).toBeGreaterThan(0)
  // Its later events are sent as ever.
  await world.place(relay, 'HELD')
  await onlyWaits([held!])
  await session`commit`
  await world.drained()
  await until(async () => (await asideTickers()).length === 0, { what: 'the others are told again' })
  expect(broker.log).toHaveLength(204)
})

test('a shard with a locked row is not handed over, so that no other replica sends it again, and its other events are sent', async () => {
  const broker = createBroker()
  // Of the shards that the first one gives away when there are two.
  const [last, other] = await world.database.sql<{ ticker: string }[]>`
    select 'H' || n as ticker from generate_series(1, 1000) n where hashtext('H' || n) & 15 = 15 limit 2`
  const [held] = await placeFirst(last!.ticker)
  const session = await lockingSession([held!])
  const first = start(broker.sender)
  await until(async () => (await asideTickers()).length > 0, { what: 'it is known to be locked' })
  const second = start(broker.sender)
  await until(() => second.relay.state().shards.length >= 7, { what: 'the other one has the rest' })
  await Bun.sleep(renewalsMs)
  expect(first.relay.state().shards).toContain(15)
  await world.place(first.relay, other!.ticker)
  await until(() => broker.log.length === 2, { what: 'its other events are sent' })
  await onlyWaits([held!])
  await session`commit`
  await until(() => [first, second].every(({ relay }) => relay.state().shards.length === 8), { what: 'each has eight' })
  await world.drained()
  expect(broker.log).toHaveLength(2)
})

test('a relay that stops does not wait for a locked row: the next one sends it again, under the same id', async () => {
  const broker = createBroker()
  const [held, ...others] = await placeFirst('HELD', 'A', 'B')
  const session = await lockingSession([held!])
  const first = start(broker.sender)
  await onlyWaits([held!])
  first.stopping.abort()
  await first.done
  start(broker.sender)
  await until(() => broker.log.length === others.length + 2, { what: 'it is sent again' })
  await session`commit`
  await world.drained()
  expect(new Set(broker.log.map(({ eventId }) => eventId)).size).toBe(others.length + 1)
})

test('while the whole table is locked no row is to blame', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker(async (_, take) => {
    await gate.promise
    return take()
  })
  const { relay, lines } = start(broker.sender)
  await world.place(relay, ...times(30, (n) => `T${n}`))
  await until(() => broker.sends.length > 0, { what: 'they are on their way' })
  const session = openSession()
  await session.unsafe('begin; lock table outbox in share mode')
  gate.resolve()
  const failures = () => lines.filter(({ message }) => message === 'published events could not be deleted yet')
  await until(() => failures().length > 1, { what: 'it is tried again and again' })
  expect(await asideTickers()).toEqual([])
  await session`rollback`
  await world.drained()
  expect(broker.log).toHaveLength(30)
  expect(lines.filter(({ message }) => message.startsWith('a session holds'))).toEqual([])
})
