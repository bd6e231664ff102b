// Proves: through the binary, a switch fires in time though the replica that armed it was killed, and after a restart of all; a sweep that was cut off by
// a kill is finished by another replica; each order is canceled once, the engine is told of each, and `verify` agrees.

import { join } from 'node:path'
import { crashingBinary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const userId = 'a11ce000-0000-4000-8000-0000000000aa'

const arm = async (service: RunningService, timeoutMs: number) => {
  const answer = await service.http('/orders/cancel-after', { body: { userId, timeoutMs } })
  expect(answer.status).toBe(200)
  return answer.json
}
const sweepOf = async (world: World) => {
  const [sweep] = await world.sql<{ late_ms: number; done: boolean }[]>`
    select extract(epoch from begun_at - due_at)::float8 * 1000 as late_ms, done_at is not null as done from cancel_sweeps`
  return sweep
}
const untilDone = (world: World): Promise<boolean> =>
  until(async () => (await sweepOf(world))?.done === true, { what: 'the sweep is done' })
const statusOf = async (world: World, id: string): Promise<unknown> => {
  const [row] = await world.sql`select status from orders where id = ${id}`
  return row!['status']
}
const sound = async (world: World): Promise<void> => {
  const { out, exitCode } = await runBinary(['verify', '--topics'], world.env)
  expect([exitCode, out]).toEqual([0, expect.stringContaining(' 0 violations')])
}

test('the replica that armed is killed: another fires in time, and cancels what was there', async () => {
  await using world = await createWorld({ env: { RELAY_LEASE_MS: '1000' } })
  const [first, second] = [await world.start(), await world.start()]
  const ids = [await placeOrder(first, { userId }), await placeOrder(second, { userId, ticker: 'MSFT' })]
  const other = await placeOrder(first)
  await arm(first, 60_000)
  expect(await arm(first, 3_000)).toEqual({ userId, firesAt: expect.any(String) })
  ids.push(await placeOrder(first, { userId }))
  await first.kill()
  await untilDone(world)
  const later = await placeOrder(second, { userId })
  const { late_ms: lateMs } = (await sweepOf(world))!
  expect(lateMs).toBeGreaterThanOrEqual(0)
  expect(lateMs).toBeLessThan(1_000)
  for (const id of ids) expect(await statusOf(world, id)).toBe('CANCELED')
  for (const id of [other, later]) expect(await statusOf(world, id)).toBe('NEW')
  expect(await arm(second, 0)).toEqual({ userId, firesAt: null, fired: true })
  await world.outboxEmpty()
  const told = (await world.kafka.readAll(world.topics.cancelled)).map(
    ({ value }) => JSON.parse(value!) as { orderId: string; reason: object },
  )
  expect(new Set(told.map(({ orderId }) => orderId))).toEqual(new Set(ids))
  for (const { reason } of told) expect(reason).toEqual({ code: 'CANCEL_AFTER', text: null })
  await sound(world)
})

test('a switch whose deadline passes while no replica runs fires with the next start', async () => {
  await using world = await createWorld()
  const first = await world.start()
  const id = await placeOrder(first, { userId })
  await arm(first, 1_000)
  await first.stop()
  await until(async () => (await world.sql`select from cancel_after where fires_at < clock_timestamp()`).length === 1, {
    what: 'the deadline is over',
  })
  expect(await statusOf(world, id)).toBe('NEW')
  await world.start()
  await untilDone(world)
  expect(await statusOf(world, id)).toBe('CANCELED')
})

test('a replica is killed in the middle of a sweep of thousands: another finishes it, each order is canceled once', async () => {
  await using world = await createWorld()
  const log = join(temporaryDir('crash'), 'points.log')
  const crash = { ORDERS_TEST_CRASH: 'after-page-of-sweep@3', ORDERS_TEST_CRASH_LOG: log }
  const first = await world.start({ env: crash, command: [await crashingBinary(), 'serve'] })
  const orders = 4_200
  for (let n = 0; n < orders; n += 200) {
    const body = {
      orders: Array.from({ length: 200 }, (_, i) => ({
        userId,
        ticker: `T${i % 7}`,
        side: 'BUY',
        type: 'LIMIT',
        timeInForce: 'GTC',
        quantity: 1,
        price: 1,
      })),
    }
    expect((await first.http('/orders/batch', { body })).status).toBe(200)
  }
  await arm(first, 1_000)
  await first.exited
  const open = async (): Promise<number> => (await world.sql`select from orders where open`).length
  expect(await open()).toBe(orders - 1_500)
  await world.start()
  await untilDone(world)
  expect(await open()).toBe(0)
  expect(await world.sql`select from order_changes`).toHaveLength(orders)
  await world.outboxEmpty()
  await sound(world)
})
