// Proves: no promise hangs on a replica's clock. Of two replicas under load, the wall clock of one jumps: positions and leases
// are the database's, records are stamped by its time, and an order's own times never go back, whoever touches it next.

import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { skewedClock } from '../support/skewedClock.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const hourMs = 3_600_000
/** Ahead of the time, one after the other. */
const jumps = [hourMs, -hourMs, 48 * hourMs]
const partitions = 6

type Replicas = { steady: RunningService; jumpy: RunningService }

const place = async (service: RunningService, members: Record<string, unknown> = {}) => {
  const { status, json } = await service.post(orderBody(members))
  expect(status).toBe(202)
  return { id: String(json['id']), createdAt: Date.parse(String(json['createdAt'])) }
}

/** Both relay, and each holds half of the shards. */
const share = ({ steady, jumpy }: Replicas) =>
  until(
    async () => {
      const both = await Promise.all([steady.metrics(), jumpy.metrics()])
      return both.every((figures) => figures['orders_relay_shards'] === 8)
    },
    { what: 'the replicas share the shards' },
  )

/** Orders that are filled by one all the time, placed by either replica; the price says which round it was. */
const startFills = async (world: World, { steady, jumpy }: Replicas) => {
  const stopping = new AbortController()
  const orders: { ticker: string; id: string }[] = []
  const open = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const ticker = `T${orders.length}`
      const { id } = await place(n % 2 === 0 ? steady : jumpy, { ticker, quantity: 1_000_000 })
      orders.push({ ticker, id })
    }
  }
  const fills = new Map<string, number>()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const round = orders.map(({ ticker, id }) => {
        fills.set(id, (fills.get(id) ?? 0) + 1)
        return tradeOf({ ticker, buyOrderId: id, quantity: 1, price: fills.get(id) })
      })
      await world.publishTrades(...round)
      await Bun.sleep(20)
    }
  }
  await open(6)
  const running = run()
  const stop = async () => {
    stopping.abort()
    await running
    return fills
  }
  return {
    open,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** A replica cancels what the other one placed, by its own clock or, where that is behind, at the moment of acceptance. */
const cancelAcross = async ({ steady, jumpy }: Replicas): Promise<void> => {
  for (const [placing, canceling] of [
    [steady, jumpy],
    [jumpy, steady],
  ] as const) {
    const { id, createdAt } = await place(placing)
    const { status, json } = await canceling.http(`/orders/${id}/cancel`, { method: 'POST' })
    expect({ status, json }).toMatchObject({ status: 200, json: { status: 'CANCELED', version: 1 } })
    const otherNow = (await place(canceling)).createdAt
    const updatedAt = Date.parse(String(json['updatedAt']))
    if (otherNow < createdAt - hourMs / 2) expect(updatedAt).toBe(createdAt)
    else expect(updatedAt).toBeGreaterThanOrEqual(createdAt)
  }
}

/** Every order that was there when the paging began is on exactly one page. */
const pageThrough = async ({ sql }: World, service: RunningService, query: string): Promise<void> => {
  const before = new Set((await sql<{ id: string }[]>`select id from orders where ticker = 'L1'`).map(({ id }) => id))
  const readings: string[] = []
  for (let next: string | null = ''; next !== null;) {
    const { status, json } = await service.http(`/orders?${query}&limit=50${next}`)
    expect(status).toBe(200)
    readings.push(...(json['orders'] as { id: string }[]).map(({ id }) => id))
    const cursor = json['nextCursor'] as string | null
    next = cursor === null ? null : `&cursor=${cursor}`
  }
  expect(new Set(readings).size).toBe(readings.length)
  expect(before.difference(new Set(readings))).toEqual(new Set())
}

/** Nobody can read these: their letters have to get out whatever the clock says, or their partitions stand still. */
const publishGarbage = ({ kafka, topics }: World) =>
  kafka.publish(
    Array.from({ length: partitions }, (_, partition) => ({ topic: topics.trades, partition, key: 'X', value: '{' })),
  )

/** Orders whose id, which says when they were made, says something else than their row; and how far the rows reach. */
const timesOf = async ({ sql }: World) => {
  const [row] = await sql<{ contradictions: string; latest: number; earliest: number }[]>`
    select count(*) filter (where ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
                                  <> round(extract(epoch from created_at) * 1000)) as contradictions,
           extract(epoch from max(created_at) - now())::float8 * 1000 as latest,
           extract(epoch from min(created_at) - now())::float8 * 1000 as earliest
    from orders`
  return row!
}

/** Each of them once, and in the order of its partition. */
const expectFilled = async ({ sql }: World, service: RunningService, filled: ReadonlyMap<string, number>) => {
  for (const [id, rounds] of filled) {
    const all = { status: 'PARTIALLY_FILLED', filledQuantity: rounds, lastFillPrice: rounds, version: rounds }
    expect((await service.http(`/orders/${id}`)).json).toMatchObject(all)
    const steps = await sql`select price from ingested_fills where order_id = ${id} order by order_version`
    expect(steps.map((row) => Number(row['price']))).toEqual(Array.from({ length: rounds }, (_, n) => n + 1))
  }
}

/** One for each that nobody can read, and no other. */
const expectLetters = async ({ kafka, topics }: World): Promise<void> => {
  const [letters, trades] = await Promise.all([kafka.read(topics.deadLetters), kafka.readAll(topics.trades)])
  const garbage = trades.filter(({ value }) => value === '{')
  expect(garbage.length).toBeGreaterThanOrEqual(jumps.length * partitions)
  expect(new Set(letters.map(({ headers }) => headers['x-dead-letter-id']))).toEqual(
    new Set(garbage.map(({ topic, partition, offset }) => `${topic}-${partition}-${offset}`)),
  )
}

/** As the runbook says: clocks that differ look like events out of order, unless the slack covers them. */
const expectVerified = async ({ env }: World): Promise<void> => {
  expect(await runBinary(['verify'], env)).toMatchObject({ exitCode: 0 })
  expect(await runBinary(['verify', '--topics', '--slack-ms', String(96 * hourMs)], env)).toMatchObject({ exitCode: 0 })
  const strict = await runBinary(['verify', '--topics', '--json'], env)
  const lines = strict.out.trim().split('\n')
  const rules = lines.map((line) => (JSON.parse(line) as { rule?: string }).rule).filter((rule) => rule !== undefined)
  expect({ exitCode: strict.exitCode, rules: new Set(rules) }).toEqual({ exitCode: 1, rules: new Set(['reordered']) })
}

test('one replica’s clock jumps ahead, back and days ahead: nothing is lost, repeated, stolen or out of order', async () => {
  await using world = await createWorld({ partitions })
  const clock = skewedClock(temporaryDir('clock'))
  const [steady, jumpy] = await Promise.all([world.start(), world.start({ env: clock.env })])
  const replicas = { steady, jumpy }
  await share(replicas)
  const load = startLoad({ targets: () => [steady, jumpy], clients: 8, pauseMs: 20, cancelEvery: 5 })
  await using fills = await startFills(world, replicas)
  for (const aheadMs of jumps) {
    clock.set(aheadMs)
    await until(async () => Math.abs((await place(jumpy)).createdAt - Date.now() - aheadMs) < hourMs / 2, {
      what: 'the clock has jumped',
    })
    await fills.open(2)
    await publishGarbage(world)
    await cancelAcross(replicas)
    await pageThrough(world, steady, 'ticker=L1')
    await pageThrough(world, jumpy, `userId=${userId}`)
    await Bun.sleep(1_000)
    await share(replicas)
  }
  const answers = await load.stop()
  const filled = await fills.stop()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  await judgeLoad(world, answers)
  await world.tradesConsumed()
  await expectFilled(world, steady, filled)
  await expectLetters(world)
  expect(await world.sql`select * from exceptions`).toHaveLength(0)

  const { contradictions, latest, earliest } = await timesOf(world)
  expect(Number(contradictions)).toBe(0)
  expect(latest).toBeGreaterThan(47 * hourMs)
  expect(earliest).toBeLessThan(-hourMs / 2)
  await expectVerified(world)

  // Its leases are not good for days.
  await jumpy.kill()
  await until(async () => (await steady.metrics())['orders_relay_shards'] === 16, { what: 'its shards are taken over' })
})
