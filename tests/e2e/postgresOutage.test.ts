// Proves: without Postgres requests are refused at once, with what the client may do next; trades wait; and everything goes on by
// itself.

import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { startProxy } from '../support/proxy.ts'
import { postgresServer, temporaryDir } from '../support/servers.ts'
import { createTcpProxy } from '../support/tcpProxy.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const doorTo = async (url: string) => createTcpProxy({ host: '127.0.0.1', port: Number(new URL(url).port) })

/** The service's database through the door. */
const throughDoor = (world: World, port: number): Record<string, string> => {
  const url = new URL(world.databaseUrl)
  url.port = String(port)
  return { DATABASE_URL: url.href }
}

const refusals = new Set([202, 503, 504])

test('a start without Postgres: alive, not ready, refusing; it serves when Postgres comes', async () => {
  await using world = await createWorld()
  await using door = await doorTo((await postgresServer()).url)
  const service = await world.start({ wait: 'live', env: throughDoor(world, door.port) })
  expect((await service.http('/actuator/health/readiness')).status).toBe(503)
  expect(await service.http('/actuator/health')).toMatchObject({
    status: 503,
    json: { status: 'DOWN', components: { db: { status: 'DOWN' } } },
  })
  const refusal = await service.post(orderBody())
  expect(refusal).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0)
  await door.open()
  await service.ready()
  expect((await service.http('/actuator/health/liveness')).status).toBe(200)
  expect((await service.post(orderBody())).status).toBe(202)
  expect(await world.kafka.readUntil(world.topics.placed, 1)).toHaveLength(1)
})

test('Postgres is killed and comes back under load', async () => {
  const postgres = await startPostgres({ dataDir: temporaryDir('postgres'), port: await freePort() })
  try {
    await using world = await createWorld({ postgresAt: postgres.url, env: { REQUEST_DEADLINE_MS: '5000' } })
    const service = await world.start()
    const id = String((await service.post(orderBody({ ticker: 'FILL', quantity: 1_000 }))).json['id'])
    const fill = (count: number) =>
      world.publishTrades(
        ...Array.from({ length: count }, () => tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 })),
      )
    const load = startLoad({ targets: () => [service], clients: 12, cancelEvery: 5 })
    await fill(100)
    await load.next('one each')

    await fill(100)
    await postgres.kill()
    await fill(100)
    await until(async () => (await service.http('/actuator/health/readiness')).status === 503, { what: 'not ready' })
    expect((await service.http('/actuator/health/liveness')).status).toBe(200)
    // What was in flight, if anything was, is tried until its deadline and a 504; what comes later is refused at once.
    await load.next('one each', ({ status }) => status === 503)
    expect((await service.http(`/orders/${id}`)).status).toBe(503)
    await postgres.restart()
    await service.ready()
    await load.next(1, ({ status }) => status === 202)
    await fill(100)

    const answers = await load.stop()
    expect(new Set(answers.map(({ status }) => status)).difference(refusals)).toEqual(new Set())
    await judgeLoad(world, answers)
    await world.tradesConsumed()
    expect((await service.http(`/orders/${id}`)).json).toMatchObject({ filledQuantity: 400, version: 400 })
    expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
    expect(await world.sql`select * from exceptions`).toHaveLength(0)
    expect(await service.stop()).toBe(0)
  } finally {
    await postgres.stop()
  }
})

test('connections are cut, then the network goes silent: answers all the same, the same key finds the outcome', async () => {
  await using world = await createWorld()
  await using door = await doorTo((await postgresServer()).url)
  await door.open()
  const env = { ...throughDoor(world, door.port), DB_STATEMENT_TIMEOUT_MS: '1500', REQUEST_DEADLINE_MS: '2000' }
  const service = await world.start({ env })
  const id = String((await service.post(orderBody({ ticker: 'FILL', quantity: 1_000 }))).json['id'])
  const fill = () =>
    world.publishTrades(...Array.from({ length: 50 }, () => tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 })))
  const load = startLoad({ targets: () => [service], clients: 12, cancelEvery: 5 })
  for (let cuts = 0; cuts < 5; cuts++) {
    await Bun.sleep(300)
    await door.shut()
    await fill()
    await Bun.sleep(300)
    await door.open()
  }
  await load.next('one each', ({ status }) => status === 202)
  door.stall()
  await fill()
  // Nobody waits for the network: these answers are out before it is back.
  await load.next('one each')
  await load.next(1, ({ status }) => status === 504)
  door.flow()
  await service.ready()
  await load.next(1, ({ status }) => status === 202)
  const answers = await load.stop()
  expect(new Set(answers.map(({ status }) => status)).difference(refusals)).toEqual(new Set())
  const unknown = answers.filter(({ status }) => status === 504)
  expect(unknown.length).toBeGreaterThan(0)
  expect(new Set(unknown.map(({ code }) => code))).toEqual(new Set(['OUTCOME_UNKNOWN']))
  await world.tradesConsumed()
  expect((await service.http(`/orders/${id}`)).json).toMatchObject({ filledQuantity: 300, version: 300 })
  await judgeLoad(world, answers)
  expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
})

test('a backend that ends while its connection is still being opened does not end the service', async () => {
  await using world = await createWorld()
  const proxy = await startProxy(`${world.databaseUrl}?sslmode=disable`)
  try {
    const service = await world.start({ env: { DATABASE_URL: proxy.url } })
    const endBackends = () => world.sql`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'orders' and datname = current_database()`
    // The first thing that the driver asks on a new connection, for itself, is the types of arrays.
    let ended = 0
    proxy.before(async (statement) => {
      if (!statement.includes('typarray') || ended > 2) return
      ended++
      await endBackends()
      await Bun.sleep(50)
    })
    await endBackends()
    await until(() => ended > 2, { what: 'some backends ended so' })
    await until(async () => (await service.post(orderBody())).status === 202, { what: 'orders are taken' })
    await world.outboxEmpty()
    expect(service.log.filter(({ message }) => message.includes('bug'))).toEqual([])
    expect(await service.stop()).toBe(0)
  } finally {
    await proxy.stop()
  }
})
