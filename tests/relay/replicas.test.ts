// Proves: several relays share the shards of one database, and each takes over what another leaves.

import type { Sender } from '../../src/relay/sender.ts'
import type { Database } from '../../src/store/sql.ts'
import { afterEach, beforeEach, expect, test } from '../support/explained.ts'
import { until } from '../support/until.ts'
import { createBroker, expectOrder, refused } from './broker.ts'
import { createRelayWorld, renewalsMs, type RelayWorld } from './world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await createRelayWorld()
})
afterEach(() => world.stop())

/** Two relays with eight shards each. */
const startTwo = async (sender: Sender) => {
  const both = [world.start(sender), world.start(sender)] as const
  await until(() => both.every(({ relay }) => relay.state().shards.length === 8), { what: 'each has eight' })
  return both
}

test('two relays share the shards without repeats; when one is gone the other has them all', async () => {
  const broker = createBroker(async (_, take) => {
    await Bun.sleep(2)
    return take()
  })
  const [first, second] = await startTwo(broker.sender)
  for (let n = 0; n < 50; n++)
    await world.place(n % 2 === 0 ? first.relay : second.relay, ...Array.from({ length: 20 }, (_, m) => `T${m}`))
  await world.drained()
  expect(broker.log).toHaveLength(1_000)
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
  expect(first.relay.state().published).toBeGreaterThan(0)
  expect(second.relay.state().published).toBeGreaterThan(0)
  first.stopping.abort()
  await first.done
  await until(() => second.relay.state().shards.length === 16, { what: 'the other has all' })
  await world.place(second.relay, 'A', 'B', 'C')
  await world.drained()
  expect(broker.log).toHaveLength(1_003)
})

/** Its answers with events wait for the gate; `read` resolves when there is one. */
const createLateReads = (db: Database, gate: Promise<void>) => {
  const read = Promise.withResolvers<void>()
  const late: Database = {
    ...db,
    async run(statement) {
      const answer = await db.run(statement)
      if (!Array.isArray(answer) || answer.length === 0) return answer
      read.resolve()
      await gate
      return answer
    },
  }
  return { late, read: read.promise }
}

test('a shard is not handed over while an answer with its events is on its way', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker((_, take) => take())
  const { late, read } = createLateReads(world.db, gate.promise)
  const first = world.start(broker.sender, late)
  await until(() => first.relay.state().shards.length === 16, { what: 'it has all' })
  await world.place(first.relay, ...Array.from({ length: 40 }, (_, n) => `T${n}`))
  await read
  const second = world.start(broker.sender)
  await Bun.sleep(renewalsMs)
  const { shards } = second.relay.state()
  gate.resolve()
  expect(shards).toEqual([])
  await until(() => [first, second].every(({ relay }) => relay.state().shards.length === 8), { what: 'each has eight' })
  await world.drained()
  expect(broker.log).toHaveLength(40)
  expect(broker.faults).toEqual([])
})

/** Two relays, one of which has set OLD aside with 150 of its events, because the broker refuses the ticker until `accept`. */
const startTwoWithAside = async () => {
  let accepts = false
  const broker = createBroker(({ events }, take) =>
    !accepts && events.some(({ order }) => order.ticker === 'OLD') ? refused(events) : take(),
  )
  const both = await startTwo(broker.sender)
  const [old] = await world.place(both[0].relay, ...Array.from({ length: 150 }, () => 'OLD'))
  const isHolder = ({ relay }: (typeof both)[number]): boolean => relay.state().setAside.includes('OLD')
  await until(() => both.some(isHolder), { what: 'OLD is set aside' })
  return {
    broker,
    old,
    holder: both.find(isHolder)!,
    other: both.find((each) => !isHolder(each))!,
    accept: (next: boolean) => (accepts = next),
  }
}

test('a ticker that one has set aside delays no other, and goes out in order when the other takes its shards over', async () => {
  const { broker, old, holder, other, accept } = await startTwoWithAside()
  await world.place(other.relay, ...Array.from({ length: 200 }, (_, n) => `T${n % 20}`))
  const [lowest] = await world.database.sql<{ position: string }[]>`select min(position) as position from outbox`
  // Its scan does not walk over what the holder cannot send.
  await until(() => other.relay.state().floor > BigInt(lowest!.position), { what: "the other's floor rises" })

  accept(true)
  holder.stopping.abort()
  // Accepted while the shards change hands: none of them may overtake what waits below the other's floor.
  for (let n = 0; n < 100; n++) {
    await world.place(other.relay, 'OLD', `T${n % 20}`)
    await Bun.sleep(10)
  }
  await holder.done
  await world.drained()
  expect(broker.log.find(({ order }) => order.ticker === 'OLD')!.order.id).toBe(old!)
  expectOrder(broker.log)
  expect(broker.faults).toEqual([])
})

test('if a relay dies with a ticker set aside, the ticker still goes out in order', async () => {
  world.leases.ttlMs = 1_000
  const { broker, old, other, accept } = await startTwoWithAside()
  await Bun.sleep(2_500)
  // What it looks like to the other one when a replica is gone: its leases end and are not renewed. Again and again, so that
  // the shard changes hands under load, with floors that rose without regard to it.
  for (let n = 0; n < 60; n++) {
    accept(n > 30)
    if (n % 10 === 0)
      await world.database.sql`update relay_leases set expires_at = '-infinity', holder = gen_random_uuid()`
    await world.place(other.relay, 'OLD', `T${n % 20}`)
    await Bun.sleep(50)
  }
  await world.drained()
  expect(broker.log.find(({ order }) => order.ticker === 'OLD')!.order.id).toBe(old!)
  expectOrder(broker.log.filter((event, at) => broker.log.findIndex(({ eventId }) => eventId === event.eventId) === at))
})

test('leases are kept while the last pass of one that stops is under way', async () => {
  const gate = Promise.withResolvers<void>()
  const broker = createBroker(async (_, take) => {
    await gate.promise
    return take()
  })
  const [first, second] = await startTwo(broker.sender)
  await world.place(first.relay, ...Array.from({ length: 40 }, (_, n) => `T${n}`))
  await until(() => broker.sends.length >= 2, { what: 'the events are being sent' })
  first.stopping.abort()
  await Bun.sleep(renewalsMs)
  expect(second.relay.state().shards.length).toBe(8)
  gate.resolve()
  await first.done
  await world.drained()
  expect(broker.log).toHaveLength(40)
  await until(() => second.relay.state().shards.length === 16, { what: 'the other has all' })
})
