// Proves: after a restore from a logical copy into another server, younger or older, nothing that was unpublished is lost, whoever followed
// the log begins anew, and `verify --topics` finds nothing; a copy without its sequences does not start. Halts cancel what is open, and switches
// fire, as before.

import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { cursorOf, eventsAfter } from '../support/eventPages.ts'
import { openEventStream } from '../support/eventStream.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { copyLogically } from '../support/logicalCopy.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const dir = temporaryDir('restore')
let older: PostgresServer
let younger: PostgresServer

/** Transaction ids that the older server has given out before the service came to it. */
const idsBefore = 20_000

beforeAll(async () => {
  older = await startPostgres({ dataDir: join(dir, 'older'), port: await freePort() })
  younger = await startPostgres({ dataDir: join(dir, 'younger'), port: await freePort() })
  const sql = postgres(older.url, { max: 1 })
  await sql.unsafe(`do $$ begin for i in 1..${idsBefore} loop perform pg_current_xact_id(); commit; end loop; end $$`)
  await sql.end()
})
afterAll(() => Promise.all([older.stop(), younger.stop()]))

/** Orders of every life, as far as clients and the engine can bring about. */
const lives = async (world: World, service: RunningService): Promise<string[]> => {
  const [fresh, canceled, part, filled] = [
    await placeOrder(service, { quantity: 10 }),
    await placeOrder(service, { quantity: 10 }),
    await placeOrder(service, { quantity: 10 }),
    await placeOrder(service, { quantity: 10 }),
  ]
  expect((await service.http(`/orders/${canceled}/cancel`, { method: 'POST' })).status).toBe(200)
  await world.publishTrades(
    tradeOf({ buyOrderId: part, quantity: 4 }),
    tradeOf({ buyOrderId: filled, quantity: 10 }),
    tradeOf({ buyOrderId: canceled, quantity: 2 }),
  )
  await world.tradesConsumed()
  return [fresh, canceled, part, filled]
}

const setTrading = async (service: RunningService, state: object): Promise<void> => {
  const body = { by: 'ops', note: 'a test', ...state }
  expect((await service.http('/trading?ticker=HALT', { method: 'PUT', body })).status).toBe(200)
}
const halt = (service: RunningService) => setTrading(service, { state: 'HALTED', cancelOpen: true })
const resume = (service: RunningService) => setTrading(service, { state: 'ACTIVE' })

/** Halts a ticker, with what is open in it, and arms a switch that fires: both begin a sweep. Resolves once these have canceled their orders. */
const sweep = async (service: RunningService): Promise<void> => {
  const userId = crypto.randomUUID()
  const open = [await placeOrder(service, { ticker: 'HALT' }), await placeOrder(service, { ticker: 'SWITCH', userId })]
  await halt(service)
  expect((await service.http('/orders/cancel-after', { body: { userId, timeoutMs: 1_000 } })).status).toBe(200)
  for (const id of open)
    await until(async () => (await service.http(`/orders/${id}`)).json['status'] === 'CANCELED', {
      what: 'it is canceled',
    })
  await resume(service)
}

/** Takes a broker away from the service, so that its events wait. */
const withoutBroker = { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:9' }

const emptied = async (url: string): Promise<void> => {
  const sql = postgres(url, { max: 1 })
  while ((await sql`select from outbox limit 1`).length > 0) await Bun.sleep(50)
  await sql.end()
}

test.each(['younger', 'older'] as const)('a logical copy in a %s server', async (age) => {
  const [from, to] = age === 'younger' ? [older, younger] : [younger, older]
  await using world = await createWorld({ postgresAt: from.url })
  const service = await world.start()
  const orders = await lives(world, service)
  const empty = await cursorOf(service)
  await lives(world, service).then((more) => orders.push(...more))
  const after = await eventsAfter(service, empty)
  expect('seen' in after && after.seen).toHaveLength(8)
  await halt(service)
  await resume(service)
  await world.outboxEmpty()
  expect(await service.stop()).toBe(0)
  // What is committed and on no topic yet.
  const offline = await world.start({ env: withoutBroker })
  for (let i = 0; i < 3; i++) orders.push(await placeOrder(offline, { quantity: 10 }))
  await offline.http(`/orders/${orders.at(-1)}/cancel`, { method: 'POST' })
  const late = await cursorOf(offline)
  await offline.kill()

  const url = await to.createDatabase(world.name.replaceAll('-', '_'))
  await copyLogically(world.databaseUrl, url)
  const env = { DATABASE_URL: url }
  const restored = await world.start({ env })
  for (const cursor of [empty, (after as { cursor: string }).cursor, late])
    expect(await eventsAfter(restored, cursor)).toEqual({ reason: 'OTHER_DATABASE' })
  const stream = await openEventStream(`${restored.url}/orders/stream`, { headers: { 'last-event-id': late } })
  await stream.seen(({ event }) => event === 'live', 'the stream is live')
  expect(stream.events().map(({ event }) => event)).toEqual(['reset', 'snapshot', 'live'])

  await halt(restored)
  const anew = await cursorOf(restored)
  const more = await lives(world, restored)
  const seen = (await eventsAfter(restored, anew)) as { seen: string[] }
  expect(seen.seen.toSorted()).toEqual(
    more.flatMap((id, i) => Array.from({ length: [1, 3, 2, 2][i]! }, (_, version) => `${id} ${version}`)).toSorted(),
  )
  await stream.seen(
    ({ data }) => (data as { event?: { orderId: string; version: number } })?.event?.orderId === more[3],
    'the stream goes on',
  )
  stream.close()
  await emptied(url)
  const events = await world.kafka.readUntil(world.topics.placed, orders.length + more.length)
  expect(events.map(({ value }) => (JSON.parse(value!) as { orderId: string }).orderId).toSorted()).toEqual(
    [...orders, ...more].toSorted(),
  )
  expect(await runBinary(['verify', '--topics'], { ...world.env, ...env })).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining(`${orders.length + more.length} orders, 9 fills, 0 violations`),
  })
  expect(await restored.stop()).toBe(0)
})

test('a copy whose sequences were left behind does not start, and says how they are set', async () => {
  await using world = await createWorld({ postgresAt: older.url })
  const service = await world.start()
  const [id] = await lives(world, service)
  await sweep(service)
  expect(await service.stop()).toBe(0)
  const url = await younger.createDatabase(world.name.replaceAll('-', '_'))
  await copyLogically(world.databaseUrl, url, { sequences: false })
  const env = { ...world.env, DATABASE_URL: url, SERVER_PORT: '0' }
  const sql = postgres(url, { max: 1 })
  for (const sequence of ['log_position', 'cancel_sweeps_id_seq']) {
    const { exitCode, out } = await runBinary(['serve'], env)
    const refused = out.trim().split('\n').at(-1)!
    expect({ exitCode, refused }).toEqual({
      exitCode: 1,
      refused: expect.stringContaining(`The sequence ${sequence} stands at 0`),
    })
    await sql.unsafe(/select setval.*?;/.exec((JSON.parse(refused) as { message: string }).message)![0])
  }
  await sql.end()
  const started = await world.start({ env: { DATABASE_URL: url } })
  const cursor = await cursorOf(started)
  const more = await placeOrder(started, { quantity: 10 })
  expect(await eventsAfter(started, cursor)).toMatchObject({ seen: [`${more} 0`] })
  expect((await started.http(`/orders/${id}`)).status).toBe(200)
  await sweep(started)
  expect(await started.stop()).toBe(0)
})
