// Proves: on SIGTERM the service keeps what it promised and refuses what it can no longer take.

import { join } from 'node:path'
import { binary, crashingBinary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

test('SIGTERM under load: exit 0, every 202 is stored and published, no 5xx but 503', async () => {
  await using world = await createWorld()
  const service = await world.start({ env: { SHUTDOWN_READINESS_DELAY_MS: '5000' } })
  const id = String((await service.post(orderBody({ ticker: 'FILL', quantity: 1_000 }))).json['id'])
  const load = startLoad({ targets: () => [service], clients: 24, pauseMs: 1, cancelEvery: 4 })
  await world.publishTrades(
    ...Array.from({ length: 500 }, () => tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 })),
  )
  await load.next(50, ({ status }) => status === 202)
  const stopped = service.stop()
  // Told first, so that a balancer looks elsewhere while requests are still served.
  await until(async () => (await service.http('/actuator/health/readiness')).status === 503, { what: 'not ready' })
  expect(await stopped).toBe(0)
  const answers = await load.stop()
  const statuses = new Set(answers.map(({ status }) => status))
  expect(statuses.difference(new Set([0, 202, 503]))).toEqual(new Set())
  expect(service.log.at(-1)).toMatchObject({ level: 'info', message: 'stopped' })
  expect(service.noise()).toBe('')
  // Nothing is left for others to wait for.
  expect(await world.sql`select * from relay_leases where holder is not null`).toHaveLength(0)

  const next = await world.start()
  await judgeLoad(world, answers)
  await world.tradesConsumed()
  expect((await next.http(`/orders/${id}`)).json).toMatchObject({ filledQuantity: 500 })
})

test.each(['SIGHUP', 'SIGQUIT', 'SIGINT'] as const)('%s drains as SIGTERM does', async (name) => {
  await using world = await createWorld({ env: { SHUTDOWN_READINESS_DELAY_MS: '300' } })
  const service = await world.start()
  expect((await service.post(orderBody())).status).toBe(202)
  service.signal(name)
  expect(await service.exited).toBe(0)
  expect(service.log.at(-1)).toMatchObject({ level: 'info', message: 'stopped' })
  expect(service.log.find(({ message }) => message === 'stopping')).toMatchObject({ signal: name })
  expect(await world.sql`select * from outbox`).toHaveLength(0)
  expect(await world.sql`select * from relay_leases where holder is not null`).toHaveLength(0)
})

test('SIGHUP does not end what was started to outlive its terminal', async () => {
  await using world = await createWorld()
  const nohup = ['/bin/sh', '-c', 'trap "" HUP; exec "$0" serve', await binary()]
  const service = await world.start({ command: nohup })
  service.signal('SIGHUP')
  expect((await service.post(orderBody())).status).toBe(202)
  expect(service.log.filter(({ message }) => message === 'stopping')).toEqual([])
  expect(await service.stop()).toBe(0)
})

test('a second SIGTERM exits at once', async () => {
  await using world = await createWorld({ env: { SHUTDOWN_READINESS_DELAY_MS: '60000' } })
  const service = await world.start()
  service.signal('SIGTERM')
  await service.logged('stopping')
  expect((await service.post(orderBody())).status).toBe(202)
  service.signal('SIGTERM')
  expect(await service.exited).toBe(130)
  expect(service.log.at(-1)).toMatchObject({ level: 'warn', message: 'a second signal: exiting at once' })
  // That promise was kept too: at least once, for the exit may have come between the broker's answer and the end of the row.
  await world.start()
  await world.outboxEmpty()
  expect(await world.kafka.read(world.topics.placed)).toHaveLength(1)
})

test('an exit between the acknowledgement and the end of the row repeats the event, under its eventId', async () => {
  await using world = await createWorld()
  const log = join(temporaryDir('crash'), 'points.log')
  const env = { ORDERS_TEST_CRASH: 'after-ack-before-delete@1', ORDERS_TEST_CRASH_LOG: log }
  const service = await world.start({ env, command: [await crashingBinary(), 'serve'] })
  // Its answer may come before the process ends, or not.
  await service.post(orderBody()).catch(() => undefined)
  await service.exited
  expect(await world.kafka.readAll(world.topics.placed)).toHaveLength(1)
  await world.start()
  await world.outboxEmpty()
  expect((await world.kafka.readAll(world.topics.placed)).length).toBeGreaterThan(1)
  expect(await world.kafka.read(world.topics.placed)).toHaveLength(1)
})

test('SIGTERM with Kafka and Postgres away ends, and clean', async () => {
  await using world = await createWorld({ createTopics: false, bootstrap: '127.0.0.1:1' })
  const [service, starting] = await Promise.all([
    world.start(),
    world.start({ wait: 'live', env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' } }),
  ])
  expect((await service.post(orderBody())).status).toBe(202)
  expect(await Promise.all([service.stop(), starting.stop()])).toEqual([0, 0])
  expect(await world.sql`select * from outbox`).toHaveLength(1)
})

/** As in src/store/migrate.ts. */
const lockOfMigrations = '122489661811315'

test('SIGTERM while another session migrates ends, and clean: it does not wait for its turn, and serves nobody', async () => {
  await using world = await createWorld()
  const other = await world.sql.reserve()
  await other`select pg_advisory_lock(${lockOfMigrations}::bigint)`
  await world.sql`delete from orders_migrations where name = (select max(name) from orders_migrations)`
  const service = await world.start({ wait: 'live' })
  await service.logged('another replica is migrating; waiting for it')
  expect(await service.stop()).toBe(0)
  expect(service.log.at(-1)).toMatchObject({ level: 'info', message: 'stopped' })
  expect(service.log.filter(({ message }) => message === 'serving')).toEqual([])
  other.release()
})
