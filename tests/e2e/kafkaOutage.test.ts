// Proves: without Kafka orders are taken and wait in the outbox, up to its bound; nothing is lost, and nobody has to restart
// anything.

import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { kafkaServer, temporaryDir } from '../support/servers.ts'
import type { RunningService } from '../support/service.ts'
import { createTcpProxy } from '../support/tcpProxy.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

type Health = { status: string; components: Record<string, { status: string; details: Record<string, unknown> }> }

const healthOf = async (service: RunningService) => {
  const { status, json } = await service.http('/actuator/health')
  return { code: status, ...(json as unknown as Health) }
}
const statusOf = async (service: RunningService, path: string) => (await service.http(path)).status

/** A door before the shared broker's bootstrap address, shut. */
const shutDoor = async () => {
  const [host, port] = (await kafkaServer()).bootstrap.split(':')
  return createTcpProxy({ host: host!, port: Number(port) })
}

/** The topics that the service makes: it reads no reports here. */
const topicsOf = ({ topics: { placed, cancelled, trades, deadLetters } }: World): string[] => [
  placed,
  cancelled,
  trades,
  deadLetters,
]

test('a start without Kafka: orders are taken, health says what is wrong, and all goes out when it comes', async () => {
  await using door = await shutDoor()
  await using world = await createWorld({ createTopics: false, bootstrap: door.address })
  const service = await world.start()
  const ids: string[] = []
  for (let n = 1; n <= 30; n++) {
    const reply = await service.post(orderBody({ ticker: `K${n % 3}`, quantity: n }))
    expect(reply.status).toBe(202)
    ids.push(String(reply.json['id']))
  }
  expect(await statusOf(service, `/orders/${ids[0]}/cancel`)).toBe(405)
  expect((await service.http(`/orders/${ids[0]}/cancel`, { method: 'POST' })).status).toBe(200)
  const health = await until(
    async () => {
      const answer = await healthOf(service)
      return String(answer.components['kafka']!.details['detail']).includes(door.address) && answer
    },
    { what: 'health names the address' },
  )
  expect(health).toMatchObject({
    code: 200,
    status: 'DEGRADED',
    components: { db: { status: 'UP' }, kafka: { status: 'DOWN' }, outbox: { status: 'UP' } },
  })
  expect(await statusOf(service, '/actuator/health/liveness')).toBe(200)
  expect(await statusOf(service, '/actuator/health/readiness')).toBe(200)
  await until(async () => (await service.metrics())['orders_outbox_rows'] === 31, {
    what: '31 events are seen waiting',
  })

  await door.open()
  await world.outboxEmpty()
  const placed = await world.kafka.readUntil(world.topics.placed, 30)
  for (const own of Map.groupBy(placed, ({ key }) => key).values()) {
    const onTopic = own.map(({ value }) => String(JSON.parse(value!).orderId))
    expect(onTopic).toEqual(ids.filter((id) => onTopic.includes(id)))
  }
  expect(await world.kafka.readUntil(world.topics.cancelled, 1)).toHaveLength(1)
  await until(async () => (await healthOf(service)).status === 'UP', { what: 'health is UP' })
  await world.publishTrades(tradeOf({ ticker: 'K1', buyOrderId: ids[0]!, quantity: 1 }))
  await world.tradesConsumed()
  expect(await service.metrics()).toMatchObject({ 'orders_trade_legs_total{disposition="LATE"}': 1 })
  await world.kafka.deleteTopics(topicsOf(world))
})

test('past the outbox bound only new orders are refused, and they are taken again afterwards', async () => {
  await using door = await shutDoor()
  await using world = await createWorld({ bootstrap: door.address, env: { OUTBOX_MAX_ROWS: '20' } })
  const service = await world.start()
  const ids: string[] = []
  const refusal = await until(
    async () => {
      const reply = await service.post(orderBody())
      if (reply.status !== 202) return reply
      ids.push(String(reply.json['id']))
      return null
    },
    { what: 'the bound is passed' },
  )
  expect(refusal).toMatchObject({ status: 503, json: { code: 'OVERLOADED', type: 'urn:orders:problem:overloaded' } })
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(ids.length).toBeGreaterThan(20)
  expect(await statusOf(service, `/orders/${ids[0]}`)).toBe(200)
  expect(await statusOf(service, '/orders?status=open')).toBe(200)
  expect((await service.http(`/orders/${ids[0]}/cancel`, { method: 'POST' })).status).toBe(200)
  expect(await statusOf(service, '/actuator/health/readiness')).toBe(200)
  expect(await healthOf(service)).toMatchObject({
    code: 200,
    status: 'DEGRADED',
    components: { outbox: { status: 'DEGRADED', details: { rowsMax: 20 } } },
  })
  expect(await world.sql`select from orders`).toHaveLength(ids.length)

  await door.open()
  await world.outboxEmpty()
  const again = await until(
    async () => {
      const reply = await service.post(orderBody())
      return reply.status === 202 && reply
    },
    { what: 'orders are taken again' },
  )
  const placed = await world.kafka.readUntil(world.topics.placed, (found) =>
    found.some(({ value }) => value!.includes(String(again.json['id']))),
  )
  expect(placed).toHaveLength(ids.length + 1)
  expect(await world.kafka.read(world.topics.cancelled)).toHaveLength(1)
})

test('the broker is killed and comes back under load: nothing is lost, nothing is applied twice', async () => {
  const kafka = await startKafka({ dataDir: temporaryDir('kafka'), port: await freePort() })
  try {
    await using world = await createWorld({ kafkaAt: kafka.bootstrap, env: { KAFKA_REQUEST_TIMEOUT_MS: '3000' } })
    const service = await world.start()
    const id = String((await service.post(orderBody({ ticker: 'FILL', quantity: 1_000 }))).json['id'])
    const fill = (count: number) =>
      world.publishTrades(
        ...Array.from({ length: count }, () => tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 })),
      )
    await fill(100)
    await world.tradesConsumed()

    const load = startLoad({ targets: () => [service], clients: 8, pauseMs: 10, cancelEvery: 5 })
    await load.next('one each')
    await fill(100)
    await kafka.kill()
    await until(async () => (await healthOf(service)).components['kafka']!.status === 'DOWN', { what: 'kafka is DOWN' })
    expect(await statusOf(service, '/actuator/health/readiness')).toBe(200)
    await load.next(100, ({ status }) => status === 202)
    await kafka.restart()
    await until(async () => (await healthOf(service)).status === 'UP', { what: 'health is UP' })
    await fill(100)
    const answers = await load.stop()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await judgeLoad(world, answers)
    await world.tradesConsumed()
    expect((await service.http(`/orders/${id}`)).json).toMatchObject({ filledQuantity: 300, version: 300 })
    expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
    expect(await service.stop()).toBe(0)
  } finally {
    await kafka.stop()
  }
})

test('a topic that is missing and may not be created is named; once it may, all goes on', async () => {
  await using world = await createWorld({ createTopics: false })
  // The broker refuses a name that differs from an existing one in "." and "_" only.
  const collision = world.topics.placed.replaceAll('.', '_')
  await world.kafka.createTopics([collision])
  const service = await world.start()
  const line = await service.logged('kafka is not usable')
  expect(line['detail']).toContain(world.topics.placed)
  expect(line['detail']).not.toContain(world.topics.trades)
  expect((await service.post(orderBody())).status).toBe(202)
  expect(await healthOf(service)).toMatchObject({ code: 200, status: 'DEGRADED' })
  await world.kafka.deleteTopics([collision])
  expect(await world.kafka.readUntil(world.topics.placed, 1)).toHaveLength(1)
  await world.kafka.deleteTopics(topicsOf(world))
})

test('topics that exist are used as they are, whatever their number of partitions', async () => {
  await using world = await createWorld({ createTopics: false, env: { KAFKA_TOPIC_PARTITIONS: '3' } })
  const counts = { placed: 5, cancelled: 2, trades: 4, deadLetters: 1 } as const
  for (const [name, partitions] of Object.entries(counts))
    await world.kafka.createTopics([world.topics[name as keyof typeof counts]], { partitions })
  const service = await world.start()
  const tickers = ['A', 'B', 'C', 'D', 'E', 'F', 'G']
  for (const ticker of tickers) {
    const { json } = await service.post(orderBody({ ticker }))
    await service.http(`/orders/${String(json['id'])}/cancel`, { method: 'POST' })
    await world.publishTrades(tradeOf({ ticker, buyOrderId: json['id'] }), tradeOf({ ticker, buyOrderId: 'theirs' }))
  }
  await world.tradesConsumed()
  await world.outboxEmpty()
  expect(await world.kafka.read(world.topics.placed)).toHaveLength(tickers.length)
  // Each trade is late, and leaves a remainder: the engine is told once more that its order has ended.
  expect(await world.kafka.read(world.topics.cancelled)).toHaveLength(2 * tickers.length)
  expect(await world.kafka.read(world.topics.deadLetters)).toHaveLength(tickers.length)
  for (const [name, partitions] of Object.entries(counts))
    expect(await world.kafka.partitionsOf(world.topics[name as keyof typeof counts])).toBe(partitions)
  expect(service.log.filter(({ message }) => message === 'topics created')).toEqual([])
  await world.kafka.deleteTopics(topicsOf(world))
})
