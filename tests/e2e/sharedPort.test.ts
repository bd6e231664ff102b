// Proves: with SERVER_REUSE_PORT several processes serve one port: each gets its part, one that starts or stops fails no request that is
// not a connection of the very moment, and each has metrics of its own. Without it no second process gets in.

import { freePort } from '../stack/ports.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const sharing = async (world: World, port: number, changed: Partial<Parameters<World['start']>[0]> = {}) => {
  const env = { SERVER_REUSE_PORT: 'true', MANAGEMENT_PORT: String(await freePort()), ...changed.env }
  return world.start({ ...changed, port, env })
}

/** Orders on connections of their own. */
const placeEach = (service: RunningService, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      service.post(orderBody({ quantity: n + 1 }), { connection: 'close' }).then(({ status }) => status),
    ),
  )

/** How many orders a process has taken, by its own metrics. */
const takenBy = async (service: RunningService): Promise<number> =>
  Object.entries(await service.metrics())
    .filter(([name]) => name.startsWith('http_server_request_duration_seconds_count') && name.includes('"202"'))
    .reduce((sum, [, count]) => sum + count, 0)

test('two processes share the connections fairly, and each counts its own', async () => {
  await using world = await createWorld()
  const port = await freePort()
  const pair = await Promise.all([sharing(world, port), sharing(world, port)])
  const count = 400
  const statuses: number[] = []
  for (let n = 0; n < count; n += 20) statuses.push(...(await placeEach(pair[0], 20)))
  expect(statuses).toEqual(Array.from({ length: count }, () => 202))
  const taken = await Promise.all(pair.map(takenBy))
  expect(taken[0]! + taken[1]!).toBe(count)
  // The kernel draws by the address of the client: of 400 fair draws fewer than 120 fall on one side once in 10^15 times.
  expect(Math.min(...taken)).toBeGreaterThan(120)
})

test('one that stops under load fails nothing but connections of that moment, and the others take over', async () => {
  await using world = await createWorld({ env: { SHUTDOWN_READINESS_DELAY_MS: '1000' } })
  const port = await freePort()
  const [first, second] = await Promise.all([sharing(world, port), sharing(world, port)])
  const clients = 24
  const load = startLoad({ targets: () => [first], clients, pauseMs: 1 })
  await until(async () => (await takenBy(first)) > 50 && (await takenBy(second)) > 50, { what: 'both serve' })
  const stopped = first.stop()
  expect(await stopped).toBe(0)
  const before = await takenBy(second)
  const after = await load.next('one each', ({ status }) => status === 202)
  expect(new Set(after.map(({ status }) => status)).difference(new Set([202, 0]))).toEqual(new Set())
  await until(async () => (await takenBy(second)) > before, { what: 'the other one serves' })
  const answers = await load.stop()
  // A client has one request at a time, so at most one of each can be on a connection that closes.
  const broken = answers.filter(({ status }) => status === 0)
  expect(broken.length).toBeLessThanOrEqual(clients)
  expect(new Set(answers.map(({ status }) => status)).difference(new Set([0, 202]))).toEqual(new Set())
  expect(first.noise()).toBe('')
  await judgeLoad(world, answers)
})

test('one that cannot serve yet gets nobody', async () => {
  await using world = await createWorld()
  const port = await freePort()
  const serving = await sharing(world, port)
  const waiting = await sharing(world, port, {
    wait: 'live',
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
  })
  const statuses: number[] = []
  for (let n = 0; n < 100; n += 20) statuses.push(...(await placeEach(serving, 20)))
  expect(new Set(statuses)).toEqual(new Set([202]))
  expect(await takenBy(waiting)).toBe(0)
  expect(await waiting.stop()).toBe(0)
})

test('who does not share keeps others out, and does not get in', async () => {
  await using world = await createWorld()
  const alone = await world.start()
  const late = await sharing(world, alone.port, { wait: 'nothing' })
  expect(await late.exited).toBe(1)
  expect(late.log.at(-1)!.message).toContain('SERVER_PORT')
  const port = await freePort()
  const shared = await sharing(world, port)
  const intruder = await world.start({ port, wait: 'nothing' })
  expect(await intruder.exited).toBe(1)
  expect(intruder.log.at(-1)!.message).toContain('SERVER_PORT')
  expect((await shared.post(orderBody())).status).toBe(202)
})
