// Proves: where a topic has lost its beginning, nobody knows whether Java published an order: such orders are listed, and an operator decides.

import { openCluster } from '../support/cluster.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { createWorld } from '../support/world.ts'
import { javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

const dayMs = 86_400_000
const world = await createWorld({ partitions: 1 })
afterAll(() => world[Symbol.asyncDispose]())
const adopt = (...args: string[]) => runBinary(['adopt', ...args], world.env)
const states = async () => {
  const rows = await world.sql<
    { text: string }[]
  >`select kind || ' of ' || order_id || ': ' || state as text from orders.adoption_events`
  return rows.map(({ text }) => text).toSorted()
}

const old = javaOrder({ placed: false, createdAt: new Date(Date.now() - 40 * dayMs) })
const middle = javaOrder({ placed: false, createdAt: new Date(Date.now() - 20 * dayMs) })
const withdrawn = javaOrder({ placed: false, createdAt: new Date(Date.now() - 20 * dayMs) })
const ended = javaOrder({
  status: 'CANCELED',
  version: 1,
  cancelled: false,
  createdAt: new Date(Date.now() - 20 * dayMs),
})
const known = javaOrder({ createdAt: new Date(Date.now() - 20 * dayMs) })

test('orders of before what the topic still has are undecided, and nothing is published', async () => {
  await makeJavaTables(world.sql)
  const canceled = javaOrder({ status: 'CANCELED', version: 1 })
  await storeJavaOrders(world, [javaOrder(), canceled, known, old, middle, withdrawn, ended])
  await using cluster = openCluster(world.kafka.bootstrap)
  await cluster.deleteRecords(world.topics.placed, 0, 1n)
  await cluster.deleteRecords(world.topics.cancelled, 0, 1n)
  const { out, exitCode } = await adopt('--list')
  expect(exitCode).toBe(0)
  expect(out).toContain(`undecided: PLACED of ${middle.id}`)
  expect(out).toContain('7 orders, 0 fills, 0 violations')
  const gone = [`CANCELLED of ${canceled.id}: UNDECIDED`, `CANCELLED of ${ended.id}: UNDECIDED`]
  // The first of the orders stood at the offset that retention deleted.
  const placed = [old, middle, withdrawn].map(({ id }) => `PLACED of ${id}: UNDECIDED`)
  expect((await states()).filter((text) => text.includes('UNDECIDED'))).toEqual(
    expect.arrayContaining([...gone, ...placed]),
  )
  expect(await world.sql`select from orders.outbox`).toHaveLength(0)
})

test('an order that somebody holds is not waited for without end: nothing is canceled', async () => {
  await world.sql.begin(async (holder) => {
    await holder`select from orders.orders where id = ${old.id} for update`
    const { exitCode, err } = await adopt('--cancel-older-than', '30d')
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining('lock timeout') })
  })
  expect(await states()).toContain(`PLACED of ${old.id}: UNDECIDED`)
})

test('the old ones are canceled, the rest is published, and verify is content', async () => {
  const canceling = await adopt('--cancel-older-than', '30d')
  expect(canceling.out).toContain('0 violations')
  const [order] = await world.sql`select status, reason_code, version from orders.orders where id = ${old.id}`
  expect(order).toEqual({ status: 'CANCELED', reason_code: 'UNKNOWN', version: 1 })
  expect(await world.sql`select order_id, kind from orders.outbox`).toEqual([
    { order_id: old.id, kind: 'CANCELLED' },
  ] as never)
  const service = await world.start()
  expect((await service.http(`/orders/${withdrawn.id}/cancel`, { method: 'POST' })).status).toBe(200)
  await world.kafka.readUntil(world.topics.cancelled, (all) => all.some(({ value }) => value!.includes(withdrawn.id)))
  await service.stop()

  const publishing = await adopt('--publish-undecided')
  expect(publishing.out).toContain('0 violations')
  expect(publishing.out).toMatch(/(\d+) of \1 undecided events are decided/)
  // Whoever matches orders was told that it is over: a placement behind that would bring it back.
  expect((await states()).filter((text) => text.includes('UNDECIDED'))).toEqual([
    `PLACED of ${withdrawn.id}: UNDECIDED`,
  ])
  expect(await states()).toEqual(
    expect.arrayContaining([
      `PLACED of ${old.id}: CANCELED`,
      `PLACED of ${middle.id}: PUBLISHED`,
      `CANCELLED of ${ended.id}: PUBLISHED`,
    ]),
  )
  expect(await states()).not.toContain(`PLACED of ${known.id}: PUBLISHED`)
  const later = await world.start()
  await world.kafka.readUntil(world.topics.placed, (all) => all.some(({ value }) => value!.includes(middle.id)))
  await world.kafka.readUntil(world.topics.cancelled, (all) => all.some(({ value }) => value!.includes(ended.id)))
  await later.stop()
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.out).toContain('7 orders, 0 fills, 0 violations')
})
