// Proves: a Postgres whose files can grow no further costs nothing: orders are refused before anything is stored, trades keep
// their place, what needs no room goes on, and everything recovers by itself once there is room.

import { freePort } from '../stack/ports.ts'
import { startPostgres } from '../stack/postgres.ts'
import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

/** Half a page beyond the last whole one: a write is cut short, as on a disk that fills up under it. */
const fileBytesMax = 1024 * 1024 + 4096
/** More than a ledger of that size has room for. */
const tradesMax = 12_000
const clients = 24

const placed = async (service: RunningService, members: Record<string, unknown> = {}): Promise<string> =>
  String((await service.post(orderBody(members))).json['id'])

/** `published` fills of 1 so far, on an order that is never full. */
const startFills = async (world: World, service: RunningService) => {
  const id = await placed(service, { ticker: 'FILL', quantity: 1_000_000 })
  const fills = {
    id,
    published: 0,
    async publish(count: number) {
      for (let left = count; left > 0; left -= 1_000) {
        const trades = Array.from({ length: Math.min(left, 1_000) }, () =>
          tradeOf({ ticker: 'FILL', buyOrderId: id, quantity: 1 }),
        )
        fills.published += trades.length
        await world.publishTrades(...trades)
      }
    },
  }
  return fills
}

const ledgerOf = async ({ sql }: World): Promise<Set<string>> =>
  new Set((await sql<{ trade: string }[]>`select trade_id as trade from ingested_fills`).map(({ trade }) => trade))

/** The trades below the committed offsets: what the service will not read again. */
const passedBy = async ({ kafka, group, topics }: World): Promise<Set<string>> => {
  const committed = await kafka.committed(group, topics.trades)
  const passed = (await kafka.readAll(topics.trades)).filter(({ partition, offset }) => offset < committed[partition]!)
  return new Set(passed.map(({ value }) => String(JSON.parse(value!).tradeId)))
}

const blamesTheDisk = (service: RunningService, message: string) =>
  until(
    () =>
      service.log.some((line) => line.message.includes(message) && String(line['error']).includes('not extend file')),
    { what: `the log says "${message}" and why` },
  )

const expectDegraded = async (service: RunningService, { id, other }: { id: string; other: string }): Promise<void> => {
  const refusal = await until(
    async () => {
      const reply = await service.post(orderBody())
      return reply.status !== 202 && reply
    },
    { what: 'an order is refused before our eyes' },
  )
  expect(refusal).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0)
  // It may find room in a page that is there.
  expect([200, 503]).toContain((await service.http(`/orders/${other}/cancel`, { method: 'POST' })).status)
  const reads = [`/orders/${id}`, `/orders/${id}/fills`, '/orders?ticker=FILL', '/orders?status=open']
  for (const path of [...reads, '/actuator/health/liveness', '/actuator/health/readiness'])
    expect({ path, status: (await service.http(path)).status }).toEqual({ path, status: 200 })
}

test('the disk is full under load: refusals at once, nothing lost, and all goes on when there is room', async () => {
  const place = { dataDir: temporaryDir('postgres'), port: await freePort() }
  // The log is a file too, and a refused statement is long.
  let postgres = await startPostgres({ ...place, fileBytesMax, settings: { log_min_error_statement: 'panic' } })
  try {
    await using world = await createWorld({ postgresAt: postgres.url })
    const service = await world.start()
    const fills = await startFills(world, service)
    const other = await placed(service)
    const load = startLoad({ targets: () => [service], clients, pauseMs: 0, cancelEvery: 5 })
    await fills.publish(tradesMax)
    await blamesTheDisk(service, 'requests are refused')
    await blamesTheDisk(service, 'trades cannot be applied')
    // So many that none waits for its deadline (25 s here): that would take ten of them, one after the other.
    await load.next(10 * clients, ({ status }) => status === 503)
    await expectDegraded(service, { id: fills.id, other })
    const passed = await passedBy(world)
    const ledger = await ledgerOf(world)
    expect(ledger.size).toBeLessThan(fills.published)
    expect(passed.difference(ledger)).toEqual(new Set())

    await postgres.stop()
    postgres = await startPostgres(place)
    await service.ready()
    await load.next(1, ({ status }) => status === 202)
    await fills.publish(100)
    const answers = await load.stop()
    await judgeLoad(world, answers)
    expect(new Set(answers.map(({ status }) => status)).difference(new Set([202, 503, 504]))).toEqual(new Set())
    await world.tradesConsumed()
    const all = { filledQuantity: fills.published, version: fills.published }
    expect((await service.http(`/orders/${fills.id}`)).json).toMatchObject(all)
    expect((await ledgerOf(world)).size).toBe(fills.published)
    expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
    expect(await world.sql`select * from exceptions`).toHaveLength(0)
    expect(await runBinary(['verify'], world.env)).toMatchObject({ exitCode: 0 })
    expect(await service.stop()).toBe(0)
  } finally {
    await postgres.stop()
  }
})
