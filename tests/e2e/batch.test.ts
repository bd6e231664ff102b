// Proves: a batch whose answer was lost with the process, before its commit or after it, is placed once, in its order, when it is sent again.

import { join } from 'node:path'
import { crashingBinary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const body = { orders: Array.from({ length: 100 }, (_, i) => ({ ...orderBody(), clientOrderId: `b-${i}` })) }
const send = (service: RunningService) => service.http('/orders/batch', { body })

/** Sends it again to a service that was started anew; whether each order was `replayed`. */
const sendAgain = async (world: World): Promise<boolean[]> => {
  const { status, json } = await send(await world.start())
  expect(status).toBe(200)
  const results = json['results'] as { status: number; order?: { id: string }; replayed?: boolean }[]
  expect(results.map((result) => result.status)).toEqual(body.orders.map(() => 202))
  const stored = await world.sql<{ id: string; key: string }[]>`
    select id, client_order_id as key from orders order by position`
  expect(stored.map(({ key }) => key)).toEqual(body.orders.map(({ clientOrderId }) => clientOrderId))
  expect(results.map(({ order }) => order?.id)).toEqual(stored.map(({ id }) => id))
  await world.outboxEmpty()
  const published = await world.kafka.read(world.topics.placed)
  expect(published).toHaveLength(100)
  return results.map(({ replayed }) => replayed === true)
}

test('killed after the commit, before the answer', async () => {
  await using world = await createWorld()
  const log = join(temporaryDir('crash'), 'points.log')
  const env = { ORDERS_TEST_CRASH: 'after-commit-before-answer@1', ORDERS_TEST_CRASH_LOG: log }
  const service = await world.start({ env, command: [await crashingBinary(), 'serve'] })
  expect(await send(service).catch(() => 'no answer')).toBe('no answer')
  await service.exited
  expect(await world.sql`select from orders`).toHaveLength(100)
  expect(await sendAgain(world)).not.toContain(false)
})

test('killed while its statement waits', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const lost = await world.sql.begin(async (sql) => {
    await sql`lock table order_keys in share mode`
    const answer = send(service).catch(() => 'no answer')
    const waiting = async () => {
      const locks = await world.sql`
        select from pg_locks where not granted and relation = 'order_keys'::regclass`
      return locks.length === 1
    }
    await until(waiting, { what: 'the statement waits' })
    await service.kill()
    return answer
  })
  expect(lost).toBe('no answer')
  // Postgres may learn only now that nobody waits for its answer: it may have stored all of them, or none.
  expect(new Set(await sendAgain(world)).size).toBe(1)
})
