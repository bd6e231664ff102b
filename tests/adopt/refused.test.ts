// Proves: nothing is taken over while the consumer group has a member, and none of several Java schemas before an operator names one.

import { Consumer } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'
import { javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, [javaOrder()])
})
afterAll(() => world[Symbol.asyncDispose]())

const isAdopted = async () => (await world.sql`select from pg_namespace where nspname = 'orders'`).length === 1

test('a member of the consumer group stops it until it has left', async () => {
  const groupId = world.env['KAFKA_CONSUMER_GROUP']!
  const consumer = new Consumer({ clientId: 'java', groupId, bootstrapBrokers: [world.kafka.bootstrap] })
  await consumer.joinGroup({})
  const refused = await runBinary(['adopt'], world.env)
  expect(refused.err).toContain(
    `The consumer group ${groupId} has 1 member: stop the order service that is in it, wait for its exit, and try again.`,
  )
  expect([refused.exitCode, await isAdopted()]).toEqual([1, false])
  expect((await runBinary(['adopt', '--dry-run'], world.env)).exitCode).toBe(0)
  await consumer.close(true)
  const isFree = async () => (await runBinary(['adopt'], world.env)).exitCode === 0
  await until(isFree, { what: 'the group is empty, and the command takes over' })
})

test('of several schemas that Java may have used, the address names one', async () => {
  await world.sql.unsafe(`
    drop schema orders cascade; alter schema public rename to first; create schema public;
    alter extension "uuid-ossp" set schema public`)
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, [javaOrder(), javaOrder()])
  await world.sql.unsafe('alter schema public rename to second; create schema public')
  const { exitCode, err } = await runBinary(['adopt', '--dry-run'], world.env)
  expect(err).toContain(
    'The schemas first, second all have tables of the Java service: name one as currentSchema in the address.',
  )
  expect(exitCode).toBe(1)
  const named = await runBinary(['adopt', '--dry-run'], {
    ...world.env,
    DATABASE_URL: `${world.databaseUrl}?currentSchema=second`,
  })
  expect(named.out).toContain('tables are in the schema second')
  expect(named.out).toContain('orders: 2')
})
