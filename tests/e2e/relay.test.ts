// Proves: the relay publishes everything, in order, between a Postgres and a Kafka that are up but awkward.

import { expect, test } from '../support/explained.ts'
import { distinctEvents } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
/** Between the size of a plain order's record and that of one with the longest ticker, amounts and a traceparent. */
const oneSmallRecordBytes = 600

/** The others are published long before they are that old, on the slowest machine. */
const ageMaxMs = 10_000

const big = { ticker: 'ABCDEFGHIJKLMNOP', quantity: '999999999999.99999999', price: '999999999999.99999999' }

const idsOn = async (world: World, topic: string, key: string): Promise<string[]> =>
  distinctEvents((await world.kafka.read(topic)).filter((event) => event.key === key)).map(({ value }) =>
    String(JSON.parse(value!).orderId),
  )

test('a ticker that the broker refuses is set aside, the others go on; it drains when the broker takes it', async () => {
  // One partition, so that the refused ticker stands in the same batches as the others.
  await using world = await createWorld({ partitions: 1 })
  await world.kafka.alterTopic(world.topics.placed, { 'max.message.bytes': String(oneSmallRecordBytes) })
  const service = await world.start()
  const refused: string[] = []
  const others = new Map<string, string[]>()
  for (let n = 0; n < 60; n++) {
    const replies = await Promise.all([
      ...['A', 'B', 'C', 'D'].map((ticker) => service.post(orderBody({ ticker, quantity: 1, price: 1 }))),
      ...(n % 6 === 0 ? [service.post(orderBody(big), { traceparent })] : []),
    ])
    for (const { status, json } of replies) {
      expect(status).toBe(202)
      const { id, ticker } = json as { id: string; ticker: string }
      if (ticker === big.ticker) refused.push(id)
      else others.set(ticker, [...(others.get(ticker) ?? []), id])
    }
  }
  // Its placement is not on the topic, so its cancellation must not be either.
  expect((await service.http(`/orders/${refused[0]}/cancel`, { method: 'POST' })).status).toBe(200)
  await until(async () => (await world.sql`select from outbox where ticker <> ${big.ticker}`).length === 0, {
    what: 'the others are published',
  })
  for (const [ticker, ids] of others) expect(await idsOn(world, world.topics.placed, ticker)).toEqual(ids)
  await until(async () => (await service.metrics())['orders_relay_tickers_set_aside'] === 1, {
    what: 'it is set aside',
  })
  expect(await service.logged('set aside')).toMatchObject({
    level: 'error',
    ticker: big.ticker,
  })
  expect((await service.http('/actuator/health')).json).toMatchObject({
    status: 'DEGRADED',
    components: { kafka: { status: 'DEGRADED', details: { tickersSetAside: 1 } } },
  })
  // Still so a while later, with traffic going on beside it.
  const late = String((await service.post(orderBody({ ticker: 'A', quantity: 1, price: 1 }))).json['id'])
  await until(async () => (await idsOn(world, world.topics.placed, 'A')).includes(late), { what: 'A goes on' })
  expect(await idsOn(world, world.topics.placed, big.ticker)).toEqual([])
  expect(await world.kafka.read(world.topics.cancelled)).toEqual([])

  await world.kafka.alterTopic(world.topics.placed, { 'max.message.bytes': '1048588' })
  await world.outboxEmpty()
  expect(await idsOn(world, world.topics.placed, big.ticker)).toEqual(refused)
  expect(await idsOn(world, world.topics.cancelled, big.ticker)).toEqual([refused[0]!])
  await until(async () => (await service.http('/actuator/health')).json['status'] === 'UP', { what: 'health is UP' })
})

test('a ticker that waits too long is refused by every replica, and only it; it is taken again once it has gone out', async () => {
  const env = { OUTBOX_MAX_AGE_MS: String(ageMaxMs), RELAY_LEASE_MS: '1000' }
  await using world = await createWorld({ partitions: 1, env })
  await world.kafka.alterTopic(world.topics.placed, { 'max.message.bytes': String(oneSmallRecordBytes) })
  const replicas = [await world.start(), await world.start()]
  const shards = async () => Promise.all(replicas.map(async (each) => (await each.metrics())['orders_relay_shards']))
  await until(async () => (await shards()).every((count) => count === 8), { what: 'the replicas share the shards' })
  const postBig = () => Promise.all(replicas.map((each) => each.post(orderBody(big), { traceparent })))
  const answers = (await postBig()).map(({ status, json }) => ({ status, id: String(json['id']) }))
  expect(answers.map(({ status }) => status)).toEqual([202, 202])

  const refusals = await until(
    async () => {
      const replies = await postBig()
      answers.push(
        ...replies.filter(({ status }) => status === 202).map(({ json }) => ({ status: 202, id: String(json['id']) })),
      )
      return replies.every(({ status }) => status === 503) && replies
    },
    { what: 'both refuse it' },
  )
  for (const { headers, json } of refusals) {
    expect(json['code']).toBe('OVERLOADED')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  // It waits for longer than the bound, so its age would be held against the others if it counted.
  for (let n = 0; n < 20; n++) {
    const others = replicas.map((each) => each.post(orderBody({ ticker: `A${n % 4}`, quantity: 1, price: 1 })))
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([202, 202])
    await Bun.sleep(100)
  }
  for (const each of replicas) {
    expect(await each.metrics()).toMatchObject({ orders_outbox_refused_tickers: 1 })
    expect((await each.http('/actuator/health')).json).toMatchObject({
      status: 'DEGRADED',
      components: {
        outbox: { status: 'DEGRADED', details: { detail: expect.stringContaining('some tickers'), tickersRefused: 1 } },
      },
    })
    expect((await each.http(`/orders/${answers[0]!.id}`)).status).toBe(200)
  }

  await world.kafka.alterTopic(world.topics.placed, { 'max.message.bytes': '1048588' })
  await world.outboxEmpty()
  // Two replicas placed them at once, so their order among each other is nobody's promise.
  expect((await idsOn(world, world.topics.placed, big.ticker)).toSorted()).toEqual(
    answers.map(({ id }) => id).toSorted(),
  )
  await until(async () => (await postBig()).every(({ status }) => status === 202), { what: 'both take it again' })
})

test('a long-running reader in Postgres: the relay does not walk over what it deleted', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const reader = await world.sql.reserve()
  await reader`begin isolation level repeatable read`
  await reader`select count(*) from outbox`
  try {
    const orders = 6_000
    const clients = Array.from({ length: 60 }, async (_, client) => {
      for (let n = 0; n < orders / 60; n++)
        expect((await service.post(orderBody({ ticker: `R${client}`, quantity: n + 1 }))).status).toBe(202)
    })
    await Promise.all(clients)
    await world.outboxEmpty()
    expect(distinctEvents(await world.kafka.read(world.topics.placed))).toHaveLength(orders)
    const walked = async (): Promise<number> => {
      const [row] = await world.sql`select idx_tup_read from pg_stat_user_indexes where indexrelname = 'outbox_pkey'`
      return Number(row!['idx_tup_read'])
    }
    /** How often all that was deleted is walked over, by the second as it really passes. */
    const walksPerSecond = async (): Promise<number> => {
      const [before, startedAt] = [await walked(), performance.now()]
      await Bun.sleep(6_000)
      return ((await walked()) - before) / orders / ((performance.now() - startedAt) / 1_000)
    }
    // Two of the three who look each second may still walk; the relay looks five times a second or more.
    await until(async () => (await walksPerSecond()) < 3.5, { what: 'the relay does not walk' })

    const { json } = await service.post(orderBody({ ticker: 'AFTER' }))
    await until(async () => (await idsOn(world, world.topics.placed, 'AFTER')).includes(String(json['id'])), {
      what: 'a new event goes out',
    })
  } finally {
    await reader`rollback`
    reader.release()
  }
})

test('an event of a kind that this version does not know waits, is said and sets its ticker aside: it never counts as published', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const place = async (ticker: string): Promise<string> => {
    const { status, json } = await service.post(orderBody({ ticker }))
    expect(status).toBe(202)
    return String(json['id'])
  }
  const id = await place('NEW')
  await world.outboxEmpty()
  // As after a step back from a version that has one kind more.
  await world.sql`alter table outbox drop constraint outbox_kind`
  await world.sql`
    insert into outbox (event_id, kind, order_id, ticker, occurred_at)
    values (${crypto.randomUUID()}::uuid, 'AMENDED', ${id}::uuid, 'NEW', now())`
  await until(async () => (await service.metrics())['orders_relay_tickers_set_aside'] === 1, {
    what: 'it is set aside',
  })
  expect(await service.logged('events of a ticker cannot be published; it is set aside and tried again')).toMatchObject(
    {
      ticker: 'NEW',
      error: expect.stringContaining('AMENDED'),
    },
  )
  expect((await service.http('/actuator/health')).json).toMatchObject({ status: 'DEGRADED' })
  const later = [await place('NEW'), await place('OTHER')]
  await until(async () => (await world.sql`select from outbox`).length === 1, { what: 'all others are published' })
  const [placed, cancelled] = await Promise.all([
    world.kafka.read(world.topics.placed),
    world.kafka.read(world.topics.cancelled),
  ])
  expect(
    distinctEvents(placed)
      .map(({ value }) => String(JSON.parse(value!).orderId))
      .toSorted(),
  ).toEqual([id, ...later].toSorted())
  expect(cancelled).toEqual([])
  await world.sql`delete from outbox`
  await until(async () => (await service.http('/actuator/health')).json['status'] === 'UP', { what: 'health is UP' })
})
