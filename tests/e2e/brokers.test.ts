// Proves: with three brokers, events are published at least once and in their order while the brokers die one after the other and the
// leaders move; a broker that stands still holds up no partition that does without it; a partition of the trade topic that nobody leads holds up
// no other; and whoever knows the cluster goes on without the address that was given.

import { partitionOf } from '../../src/kafka/partition.ts'
import { startKafkaCluster, type KafkaCluster } from '../stack/kafkaCluster.ts'
import { signal } from '../stack/processes.ts'
import { openCluster } from '../support/cluster.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await startKafkaCluster(temporaryDir('kafka-cluster'))
})
afterAll(() => cluster[Symbol.asyncDispose]())

const everywhere = Array.from({ length: 6 }, (_, partition) => [[1, 2, 3] as const, [2, 3, 1] as const, [3, 1, 2] as const][partition % 3]!) // prettier-ignore

test('brokers are killed and come back one after the other under load: every event is published, in its order', async () => {
  await using world = await createWorld({ kafkaAt: cluster.bootstrap, createTopics: false })
  for (const topic of Object.values(world.topics)) await cluster.createTopic(topic, everywhere)
  const service = await world.start()
  const load = startLoad({ targets: () => [service], clients: 8, pauseMs: 50, cancelEvery: 5 })
  await load.next('one each')
  for (const node of [1, 2, 3] as const) {
    await cluster.broker(node).kill()
    await load.next(100, ({ status }) => status === 202)
    await cluster.broker(node).restart()
    // The next one may only go once this one has caught up.
    await until(async () => (await cluster.inSync(world.topics.placed)).every((nodes) => nodes.length === 3), {
      what: 'all replicas are in sync',
    })
  }
  const answers = await load.stop()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const { orders } = await judgeLoad(world, answers)
  expect(orders).toBe(answers.length)
  expect(await service.stop()).toBe(0)
})

test('a broker that stands still holds up the partitions that need it, and no others', async () => {
  await using world = await createWorld({ kafkaAt: cluster.bootstrap, createTopics: false })
  // Node 1 is asked first whatever is asked. It leads partition 2, partition 0 waits for it, and partition 1 does without it.
  for (const topic of Object.values(world.topics))
    await cluster.createTopic(topic, [
      [2, 1],
      [2, 3],
      [1, 3],
    ])
  const service = await world.start()
  const tickers = [0, 1, 2].map((partition) => {
    const names = Array.from({ length: 100 }, (_, n) => `T${n}`)
    return names.find((ticker) => partitionOf(ticker, 3) === partition)!
  })
  const [waiting, free, led] = tickers as [string, string, string]
  const place = async (...names: string[]) => {
    const replies = await Promise.all(names.map((ticker) => service.post(orderBody({ ticker }))))
    expect(replies.map(({ status }) => status)).toEqual(names.map(() => 202))
  }
  const inOutbox = async (): Promise<string[]> =>
    (await world.sql<{ ticker: string }[]>`select distinct ticker from outbox`).map(({ ticker }) => ticker)
  const replicasInSync = () => cluster.inSync(world.topics.placed)
  await place(...tickers)
  await world.outboxEmpty()
  let placedTimes = 1

  const { pid } = cluster.broker(1)
  /** What is left in the outbox when `free` is published; null if the others went on without the broker before that was seen. */
  const whileItStands = async (): Promise<string[] | null> => {
    signal(pid, 'SIGSTOP')
    try {
      for (let n = 0; n < 20; n++, placedTimes++) await place(waiting, free, led)
      await until(async () => !(await inOutbox()).includes(free), { what: `${free} is published` })
      const left = await inOutbox()
      return (await replicasInSync())[0]!.includes(1) ? left : null
    } finally {
      signal(pid, 'SIGCONT')
    }
  }
  let left: string[] | null = null
  // A machine that is too slow for the session of a broker gets another try.
  while (left === null) {
    left = await whileItStands()
    await world.outboxEmpty()
    await until(async () => (await replicasInSync()).every((nodes) => nodes.length === 2), { what: 'all are in sync' })
  }
  expect(left.toSorted()).toEqual([waiting, led].toSorted())
  const expected = placedTimes * tickers.length
  expect(await world.kafka.readUntil(world.topics.placed, expected)).toHaveLength(expected)
  expect(await service.stop()).toBe(0)
})

test('partitions of the trade topic that nobody leads hold up no other, whether a replica runs or starts meanwhile', async () => {
  await using world = await createWorld({ kafkaAt: cluster.bootstrap, createTopics: false })
  const { trades, ...others } = world.topics
  for (const topic of Object.values(others)) await cluster.createTopic(topic, everywhere)
  // Nothing is ever committed for partition 3 before its broker goes.
  await cluster.createTopic(trades, [[1], [2], [3], [3]], 1)
  await using changes = openCluster(cluster.broker(1).bootstrap)
  let service = await world.start()
  const id = String((await service.post(orderBody({ quantity: 1_000 }))).json['id'])
  let sent = 0
  const fill = async (...partitions: number[]): Promise<void> => {
    const value = (): string => JSON.stringify(tradeOf({ buyOrderId: id, quantity: 1 }))
    await changes.publish(
      trades,
      partitions.map((partition) => ({ value: value(), partition })),
    )
    sent += partitions.length
    await until(async () => Number((await service.http(`/orders/${id}`)).json['filledQuantity']) === sent, {
      what: `${sent} are filled`,
    })
  }
  type Health = { components: { kafka: { status: string; details: Record<string, string> } } }
  const health = async () => ((await service.http('/actuator/health')).json as Health).components.kafka
  await fill(0, 1, 2)
  await cluster.broker(3).kill()
  await until(async () => (await cluster.leaders(trades)).join() === '1,2,-1,-1', { what: 'nobody leads two of them' })
  await fill(0, 1)
  await until(async () => /partition 2: .* it has no leader/.test((await health()).details['tradesStandStill'] ?? ''), {
    what: 'health names the partition',
  })
  expect((await health()).status).toBe('DEGRADED')
  expect(await service.stop()).toBe(0)
  service = await world.start()
  await fill(0, 1)
  await cluster.broker(3).restart()
  await fill(2, 3)
  await until(async () => (await health()).status === 'UP', { what: 'health is UP' })
  expect(await service.stop()).toBe(0)
})

test.each([
  ['the only address that was given is that of a broker that is killed', 'killed'],
  ['the first of all brokers stands still', 'stopped'],
])('%s: trades are applied and events published by the others', async (_, fate) => {
  const first = cluster.broker(1)
  const bootstrap = fate === 'killed' ? first.bootstrap : cluster.bootstrap
  await using world = await createWorld({ kafkaAt: cluster.bootstrap, createTopics: false, bootstrap })
  // The first broker has a part in none, so that only the way to the others matters.
  for (const topic of Object.values(world.topics)) await cluster.createTopic(topic, [[2, 3], [3, 2]]) // prettier-ignore
  await using changes = openCluster(cluster.broker(2).bootstrap)
  const service = await world.start()
  let sent = 0
  const fill = async (): Promise<void> => {
    const { json } = await service.post(orderBody({ quantity: 2 }))
    const id = String(json['id'])
    const trade = (partition: number) => ({
      value: JSON.stringify(tradeOf({ buyOrderId: id, quantity: 1 })),
      partition,
    })
    await changes.publish(world.topics.trades, [trade(0), trade(1)])
    await until(async () => (await service.http(`/orders/${id}`)).json['status'] === 'FILLED', { what: 'it is filled' })
    sent++
    await world.outboxEmpty()
  }
  await fill()
  if (fate === 'killed') await first.kill()
  else signal(first.pid, 'SIGSTOP')
  try {
    for (let n = 0; n < 3; n++) await fill()
  } finally {
    if (fate === 'killed') await first.restart()
    else signal(first.pid, 'SIGCONT')
  }
  await fill()
  expect(await world.kafka.readUntil(world.topics.placed, sent)).toHaveLength(sent)
  expect(await service.stop()).toBe(0)
})
