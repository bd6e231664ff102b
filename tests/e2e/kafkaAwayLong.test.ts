// Proves: the service survives a Kafka that is away for longer than any time-out of its clients, under load: orders are taken
// until what waits is too old, and then they alone are refused; memory and log stay bounded; and everything recovers by itself
// with the broker.

import { existsSync, readFileSync } from 'node:fs'
import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad, type Load } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { createWorld, tradeOf } from '../support/world.ts'

/** Until the broker is started again, which takes some seconds more. Metadata lives for 30 s, a group's session for 10 s. */
const awayMs = 60_000
const ageMaxMs = 30_000
const cancelEvery = 5
/** A service at rest has 100 MB, and 170 were the most seen here. */
const rssMaxMb = 300
const logLinesMax = 1_000

const clients = 12

/** Resident memory; nothing where there is no /proc. */
const rssMbOf = ({ pid }: RunningService): number => {
  const file = `/proc/${pid}/status`
  return existsSync(file) ? Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))![1]) / 1024 : 0
}

const statusOf = async (service: RunningService, path: string) => (await service.http(path)).status

/** Ids of orders that were taken and that the load leaves alone. */
const openOrders = ({ answers }: Load): string[] =>
  answers.flatMap(({ id, key }) => (id !== null && Number(key.split('-')[1]) % cancelEvery !== 0 ? [id] : []))

/** Orders are refused by now; what needs no room in the outbox goes on until the time is up. */
const expectOnlyPlacingRefused = async (service: RunningService, load: Load, endsAt: number): Promise<void> => {
  const refusal = await service.post(orderBody({ ticker: 'L0' }))
  expect(refusal).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0)
  const orders = openOrders(load)
  do {
    const id = orders.pop()!
    expect(await service.http(`/orders/${id}/cancel`, { method: 'POST' })).toMatchObject({ status: 200 })
    expect((await service.http(`/orders/${id}`)).json).toMatchObject({ status: 'CANCELED' })
    expect(await statusOf(service, '/orders?ticker=L0&status=open')).toBe(200)
    expect(await statusOf(service, '/actuator/health/liveness')).toBe(200)
    expect(await statusOf(service, '/actuator/health/readiness')).toBe(200)
    expect((await service.http('/actuator/health')).json).toMatchObject({
      status: 'DEGRADED',
      components: { db: { status: 'UP' }, kafka: { status: 'DOWN' }, outbox: { status: 'DEGRADED' } },
    })
    expect(rssMbOf(service)).toBeLessThan(rssMaxMb)
    await Bun.sleep(200)
  } while (performance.now() < endsAt && orders.length > 0)
}

test('Kafka is away for a minute and more under load: bounded by age, and all drains when it is back', async () => {
  const kafka = await startKafka({ dataDir: temporaryDir('kafka'), port: await freePort() })
  try {
    await using world = await createWorld({ kafkaAt: kafka.bootstrap, env: { OUTBOX_MAX_AGE_MS: String(ageMaxMs) } })
    const service = await world.start()
    const id = String((await service.post(orderBody({ ticker: 'FILL', quantity: 100_000 }))).json['id'])
    let published = 0
    const fill = async (count: number): Promise<void> => {
      published += count
      const trades = Array.from({ length: count }, () => tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 }))
      await world.publishTrades(...trades)
    }
    await fill(100)
    await world.tradesConsumed()

    const load = startLoad({ targets: () => [service], clients, pauseMs: 20, cancelEvery })
    await load.next('one each')
    await fill(2_000)
    await kafka.kill()
    const endsAt = performance.now() + awayMs
    expect(await statusOf(service, '/actuator/health/readiness')).toBe(200)
    await load.next('one each', ({ status }) => status === 503)
    const [oldest] = await world.sql<{ ageMs: number }[]>`
      select extract(epoch from clock_timestamp() - min(written_at))::float8 * 1000 as "ageMs" from outbox`
    expect(oldest!.ageMs).toBeGreaterThan(ageMaxMs)
    const first = load.answers.findIndex(({ status }) => status === 503)
    expect(new Set(load.answers.slice(0, first).map(({ status }) => status))).toEqual(new Set([202]))
    await expectOnlyPlacingRefused(service, load, endsAt)

    await kafka.restart()
    await load.next(1, ({ status }) => status === 202)
    await fill(100)
    const answers = await load.stop()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 503]))
    await judgeLoad(world, answers)
    await world.tradesConsumed()
    const all = { filledQuantity: published, version: published }
    expect((await service.http(`/orders/${id}`)).json).toMatchObject(all)
    expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
    expect(await world.sql`select * from exceptions`).toHaveLength(0)
    expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
    expect(rssMbOf(service)).toBeLessThan(rssMaxMb)
    expect(service.log.length).toBeLessThan(logLinesMax)
    expect(await service.stop()).toBe(0)
  } finally {
    await kafka.stop()
  }
}, 600_000)
