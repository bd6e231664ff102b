// Proves: no stop may be placed while a replica is alive that triggers none, nor while nobody can say; and whoever looks at the log or at
// health learns of waiting stops beside such a replica.

import { beforeEach, expect, test } from 'bun:test'
import { createStopWatch } from '../../src/app/stopWatch.ts'
import { renewLeases } from '../../src/store/leases.ts'
import { aStop } from '../support/builders.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)

beforeEach(async () => {
  await sql`delete from replicas`
})

/** A watch whose clock a test moves. */
const aWatch = (on = db) => {
  const { log, lines } = quietLog()
  const time = { ms: 0 }
  return { watch: createStopWatch({ db: on, clock: () => time.ms, log }), time, lines }
}
const seenAgo = (seconds: number, version: string | null = null) =>
  sql`insert into replicas (id, version, seen_at)
      values (gen_random_uuid(), ${version}, clock_timestamp() - ${seconds}::integer * interval '1 second')`

test('a replica that says its version stops nobody from placing stops', async () => {
  const renewal = { replicaId: crypto.randomUUID(), version: '1.4.0', ttlMs: 5_000, release: [], setAside: [] }
  for (let times = 0; times < 2; times++) await db.run((sql) => renewLeases(sql, renewal))
  expect(await sql`select version from replicas`).toMatchObject([{ version: '1.4.0' }])
  expect(await aWatch().watch.mayPlace()).toBe(true)
})

test('a replica that says none does, until a minute after it was seen last', async () => {
  await seenAgo(59)
  await seenAgo(0, '1.4.0')
  expect(await aWatch().watch.mayPlace()).toBe(false)
  await sql`update replicas set seen_at = seen_at - interval '1 second'`
  expect(await aWatch().watch.mayPlace()).toBe(true)
})

test('an answer is at most a second old, and many who ask at once share a look', async () => {
  const { watch, time } = aWatch(through)
  let looks = 0
  proxy.before((statement) => void (looks += Number(statement.includes('from replicas'))))
  expect(await Promise.all(Array.from({ length: 50 }, watch.mayPlace))).toEqual(Array(50).fill(true))
  expect(looks).toBe(1)
  await seenAgo(0)
  time.ms = 999
  expect(await watch.mayPlace()).toBe(true)
  time.ms = 1_000
  expect(await watch.mayPlace()).toBe(false)
  expect(looks).toBe(2)
})

test('while Postgres cannot say, no stop may be placed', async () => {
  const { watch } = aWatch(through)
  await proxy.refuse()
  expect(await watch.mayPlace()).toBe(false)
  await proxy.accept()
  expect(await watch.mayPlace()).toBe(true)
})

test('waiting stops beside an old replica are an error in the log, once, and so is the end of it', async () => {
  const ids = [aStop(), aStop()]
  await db.run((sql) => storeOrders(sql, ids))
  const { watch, time, lines } = aWatch()
  const look = () => {
    time.ms += 1_000
    return watch.mayPlace()
  }
  await look()
  expect(watch.state()).toEqual({ waiting: 2, oldReplicas: 0 })
  await seenAgo(0)
  await look()
  await look()
  expect(watch.state()).toEqual({ waiting: 2, oldReplicas: 1 })
  await sql`delete from replicas`
  await look()
  expect(lines).toMatchObject([
    { level: 'error', waiting: 2, oldReplicas: 1 },
    { level: 'info', waiting: 2, oldReplicas: 0 },
  ])
})

test('its loop looks by itself, and ends with its signal', async () => {
  await seenAgo(0)
  const { watch } = aWatch()
  const stopping = new AbortController()
  const run = watch.run(stopping.signal)
  await until(() => watch.state().oldReplicas === 1, { what: 'it has looked' })
  stopping.abort()
  await run
})
