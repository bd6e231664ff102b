// Proves: an order that somebody has locked holds back its own fills and the offset of their partition, and nothing else: fills of other orders go
// on, those behind it in its partition too; its own follow in their order, once, and the offset with them.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import { SettleAborted } from '../../../src/app/settle.ts'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { createIntake } from '../../../src/kafka/inbound/intake.ts'
import { runLanes } from '../../../src/kafka/inbound/lanes.ts'
import { createProgress } from '../../../src/kafka/inbound/progress.ts'
import { createBatchHandler } from '../../../src/kafka/trades/batch.ts'
import type { Sql } from '../../../src/store/sql.ts'
import { aPlacement, amount, aStop, newId } from '../../support/builders.ts'
import { ownDatabase } from '../../support/ownDatabase.ts'
import { quietLog } from '../../support/quietLog.ts'
import { storeOrders } from '../../support/storeOrders.ts'
import { until } from '../../support/until.ts'

const { database, sql, db } = await ownDatabase()
const keys = database.open({ plans: 'keys' })

const placed = async (): Promise<string> => {
  const placement = aPlacement({ quantity: amount('1000') })
  await db.run((own) => storeOrders(own, [placement]))
  return placement.order.id
}
const fillsOf = async (id: string): Promise<string[]> =>
  (
    await sql<{ trade_id: string }[]>`select trade_id from ingested_fills where order_id = ${id} order by order_version`
  ).map((row) => row.trade_id)

/** One lane with real parts, but for Kafka. */
const createLane = () => {
  const { log, lines } = quietLog()
  const committed = new Map<number, bigint>()
  const failures: unknown[] = []
  const obstacles: unknown[] = []
  const stopping = new AbortController()
  const intake = createIntake(
    { pause: () => undefined, resume: () => undefined, isPaused: () => false },
    { lanes: 1, messagesMax: 1_000, bytesMax: 1_000_000 },
  )
  const fail = (error: unknown): void => void failures.push(error)
  const progress = createProgress({
    commits: { put: (messages) => messages.forEach(({ partition, offset }) => committed.set(partition, offset)) },
    readAgain: () => fail(new Error('nothing is read again here')),
    fail,
  })
  const handleBatch = createBatchHandler({
    db,
    looks: keys,
    unknownToDeadLetters: true,
    stopToleranceMs: 0,
    onDisposition: () => undefined,
    onRetry: (error) => void obstacles.push(error),
    log,
    now: () => new Date(),
    newId,
  })
  const offsets = new Map<number, bigint>()
  const send = (partition: number, orderId: string, tradeId: string, timestamp = '2026-01-02T03:04:05Z'): void => {
    const offset = (offsets.get(partition) ?? 0n) + 1n
    offsets.set(partition, offset)
    const trade = { tradeId, orderId, ticker: 'AAPL', price: 1, quantity: 1, timestamp }
    const value = Buffer.from(JSON.stringify(trade))
    const rest = { timestamp: 1n, key: null, headers: new Map(), leaderEpoch: 0, unreadable: null }
    intake.put({ topic: 't', partition, offset, value, ...rest } satisfies RawMessage)
  }
  const letters: string[] = []
  const done = runLanes({
    handleBatch,
    sendLetters: async (all) => void letters.push(...all.map(({ source }) => `${source.partition}-${source.offset}`)),
    batchMax: 3,
    crashPoint: 'after-ledger-before-offset',
    intake,
    progress,
    ending: stopping.signal,
    fail,
  })
  const stop = (): Promise<void> => {
    stopping.abort()
    return done
  }
  return { committed, failures, obstacles, lines, letters, progress, send, stop }
}

let holder: Sql
let lane: ReturnType<typeof createLane>
beforeEach(() => {
  holder = database.session()
  lane = createLane()
})
afterEach(() => lane.stop())

const lock = async (id: string): Promise<void> => {
  await holder.unsafe('begin')
  await holder`select from orders where id = ${id} for update`
}

test('fills of other orders go on, before and behind it, and in other partitions; then its own, in their order', async () => {
  const [held, free] = [await placed(), await placed()]
  await lock(held)
  lane.send(0, held, 'h1')
  lane.send(1, free, 'f1')
  await until(async () => (await fillsOf(free)).length === 1, { what: 'the first fill of the free order' })
  for (const n of [2, 3, 4]) {
    lane.send(0, held, `h${n}`)
    lane.send(0, free, `f${n}`)
    lane.send(1, free, `g${n}`)
    await until(async () => (await fillsOf(free)).includes(`g${n}`), { what: `round ${n}` })
  }
  lane.send(0, newId(), 'stranger')
  expect(await fillsOf(free)).toEqual(['f1', 'f2', 'g2', 'f3', 'g3', 'f4', 'g4'])
  expect(await fillsOf(held)).toEqual([])
  expect([lane.committed.get(0), lane.committed.get(1)]).toEqual([undefined, 4n])
  expect(lane.progress.isDone(0)).toBe(false)
  await until(() => lane.obstacles.length > 0, { what: 'it is said' })
  expect(String(lane.obstacles[0])).toContain(`another session holds 1 orders locked, such as ${held}`)

  await holder.unsafe('commit')
  await until(() => lane.committed.get(0) === 8n, { what: 'the offset follows' })
  expect(await fillsOf(held)).toEqual(['h1', 'h2', 'h3', 'h4'])
  expect(lane.letters).toEqual(['0-8'])
  expect(lane.progress.isDone(0)).toBe(true)
  // Nothing waits any more, so what comes now is applied at once.
  lane.send(0, held, 'h5')
  await until(() => lane.committed.get(0) === 9n, { what: 'the next one' })
  expect(await fillsOf(held)).toEqual(['h1', 'h2', 'h3', 'h4', 'h5'])
  expect(lane.failures).toEqual([])
})

test('a stop whose price is met while it is locked holds up no fill and no other stop, and triggers in the end', async () => {
  const stops = Array.from({ length: 3 }, () => aStop({ ticker: 'AAPL', side: 'BUY', stopPrice: amount('1') }))
  await db.run((own) => storeOrders(own, stops))
  const [held, other, gone] = stops.map(({ order }) => order.id) as [string, string, string]
  const free = await placed()
  const triggersOf = async (id: string): Promise<unknown[]> =>
    (await sql`select cause from order_changes where order_id = ${id} and kind = 'TRIGGERED'`).map(
      (row) => row['cause'],
    )
  const byFirst = { kind: 'trigger', topic: 't', partition: 0, offset: '1' }
  await lock(held)
  await holder`update orders set status = 'CANCELED', version = 1 where id = ${gone}`
  lane.send(0, newId(), 's1', new Date().toISOString())
  for (const n of [1, 2, 3]) {
    lane.send(0, free, `f${n}`, new Date().toISOString())
    lane.send(1, free, `g${n}`)
    await until(async () => (await fillsOf(free)).includes(`g${n}`), { what: `round ${n}` })
  }
  await until(async () => (await triggersOf(other)).length > 0, { what: 'the other stop is triggered' })
  expect(await triggersOf(other)).toEqual([byFirst])
  await until(() => lane.committed.get(1) === 3n, { what: 'the other partition goes on' })
  expect(await triggersOf(held)).toEqual([])
  expect(lane.committed.get(0)).toBeUndefined()
  await until(() => lane.obstacles.some((error) => String(error).includes('2 stops locked')), { what: 'it is said' })

  await holder.unsafe('commit')
  await until(() => lane.committed.get(0) === 4n, { what: 'the offset follows' })
  expect(await triggersOf(held)).toEqual([byFirst])
  expect(await triggersOf(gone)).toEqual([])
  expect(lane.failures).toEqual([])
})

test('letters of its neighbours are written meanwhile, and the offset waits', async () => {
  const held = await placed()
  await lock(held)
  lane.send(0, held, 'h1')
  lane.send(0, newId(), 'stranger')
  await Bun.sleep(1_500)
  expect([lane.letters, lane.committed.size]).toEqual([['0-2'], 0])
  await holder.unsafe('commit')
  await until(() => lane.committed.get(0) === 2n, { what: 'the offset follows' })
})

test('when the consumer ends, what waits is given up and its offset stays', async () => {
  const [held, free] = [await placed(), await placed()]
  await lock(held)
  lane.send(0, held, 'h1')
  lane.send(0, free, 'f1')
  lane.send(1, free, 'f2')
  await until(() => lane.committed.get(1) === 1n, { what: 'the other partition goes on' })
  await lane.stop()
  expect(lane.failures.every((error) => error instanceof SettleAborted)).toBe(true)
  expect(lane.committed.get(0)).toBeUndefined()
  await holder.unsafe('commit')
  expect(await fillsOf(held)).toEqual([])
})
