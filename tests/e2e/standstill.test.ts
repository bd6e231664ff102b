// Proves: nothing stands still in silence: each way in which fills, events or orders can come to a stand happens for real,
// through the compiled binary, and health is DEGRADED with the reason until it is over. (More ways of a topic:
// clusterChanges.test.ts.)

import postgres from 'postgres'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

type Component = { status: string; details: Record<string, string | number> }
type Health = { status: string; components: { db: Component; kafka: Component; outbox: Component } }

const health = async (service: RunningService): Promise<Health> =>
  (await service.http('/actuator/health')).json as unknown as Health
const degraded = (service: RunningService, part: keyof Health['components'], what: string): Promise<Component> =>
  until(
    async () => {
      const { components } = await health(service)
      return components[part].status === 'DEGRADED' && components[part]
    },
    { what, deadlineMs: 120_000 },
  )
const up = (service: RunningService): Promise<unknown> =>
  until(async () => (await health(service)).status === 'UP', { what: 'health is UP again' })
const place = async (service: RunningService): Promise<string> =>
  String((await service.post(orderBody({ quantity: 1000 }))).json['id'])

/** Holds a lock on a table, as somebody's psql session may, until it is disposed of. */
const lock = async (world: World, table: string): Promise<AsyncDisposable> => {
  const session = postgres(world.databaseUrl, { max: 1 })
  const { promise: over, resolve: release } = Promise.withResolvers<void>()
  const { promise: locked, resolve: taken } = Promise.withResolvers<void>()
  const holding = session.begin(async (sql) => {
    await sql.unsafe(`lock table ${table} in access exclusive mode`)
    taken()
    await over
  })
  await locked
  return {
    async [Symbol.asyncDispose]() {
      release()
      await holding
      await session.end()
    },
  }
}

test.concurrent('fills that Postgres does not take', async () => {
  await using world = await createWorld({ partitions: 2 })
  const service = await world.start()
  const id = await place(service)
  await up(service)
  {
    await using _ = await lock(world, 'ingested_fills')
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 5 }))
    const { details } = await degraded(service, 'kafka', 'health says that the trade waits')
    expect(details['tradesStandStill']).toMatch(/^partition \d: 1 messages wait for \d+ s: .*lock timeout/)
    expect((await service.metrics())['orders_postgres_up']).toBe(1)
  }
  await world.tradesConsumed()
  expect((await service.http(`/orders/${id}`)).json['filledQuantity']).toBe(5)
  await up(service)
}, 300_000)

test.concurrent('an outbox that nobody can read', async () => {
  await using world = await createWorld()
  const service = await world.start()
  await up(service)
  {
    await using _ = await lock(world, 'outbox')
    const { details } = await degraded(service, 'outbox', 'health says that the outbox cannot be counted')
    expect(details['detail']).toMatch(/could not be counted for \d+ s/)
  }
  await up(service)
}, 300_000)

test.concurrent('events that no replica sends', async () => {
  await using world = await createWorld()
  const service = await world.start()
  await up(service)
  // Somebody else claims to relay all shards, for as long as it likes.
  await world.sql`
    create function keep_claim() returns trigger language plpgsql as $$
    begin
      new.holder := 'aaaaaaaa-0000-4000-8000-000000000000';
      new.expires_at := now() + interval '1 hour';
      return new;
    end $$`
  await world.sql`create trigger keep_claim before update on relay_leases for each row execute function keep_claim()`
  await world.sql`update relay_leases set shard = shard`
  await place(service)
  const { details } = await degraded(service, 'outbox', 'health says that an event waits')
  expect(details['detail']).toMatch(/the oldest event has waited for \d+ s/)
  await world.sql`drop trigger keep_claim on relay_leases`
  await world.sql`update relay_leases set expires_at = now()`
  await world.outboxEmpty()
  await up(service)
}, 300_000)

test.concurrent('orders that Postgres refuses', async () => {
  await using world = await createWorld({ env: { REQUEST_DEADLINE_MS: '1500' } })
  const service = await world.start()
  await up(service)
  {
    await using _ = await lock(world, 'exception_resolutions')
    const answer = await service.http(`/exceptions/${crypto.randomUUID()}/resolve`, {
      body: { resolvedBy: 'ops', note: 'n' },
    })
    expect(answer.status).toBeGreaterThanOrEqual(503)
    const { details } = await degraded(service, 'db', 'health says that requests are refused')
    expect(details['detail']).toMatch(/refused requests \d+ s ago: .*lock timeout/)
  }
  await up(service)
}, 300_000)

test.concurrent('dead letters that no broker takes; the fills behind them go on, and so do the other partitions', async () => {
  await using world = await createWorld({ partitions: 2 })
  const service = await world.start()
  const id = await place(service)
  await up(service)
  // Less than the least that a letter has to say.
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '100' })
  const send = (partition: number, value: string) =>
    world.kafka.publish([{ topic: world.topics.trades, key: 'AAPL', partition, value }])
  await send(1, 'no trade')
  for (const partition of [1, 0]) await send(partition, JSON.stringify(tradeOf({ buyOrderId: id, quantity: 5 })))
  await until(async () => (await service.http(`/orders/${id}`)).json['filledQuantity'] === 10, {
    what: 'both are filled',
  })
  const { details } = await degraded(service, 'kafka', 'health says that a letter waits')
  expect(details['deadLettersWait']).toMatch(/^1 of partition 1 for \d+ s: /)
  expect((await service.metrics())['orders_dead_letters_waiting{partition="1"}']).toBe(1)
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '1000000' })
  await world.tradesConsumed()
  await up(service)
}, 300_000)
