// Proves: what was taken over is served by the runtime role, listed by age whatever its ids, beside new orders; streams show it and go on.

import { inRepo } from '../../src/build/repository.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'
import { javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

const userId = crypto.randomUUID()
const minuteMs = 60_000
const began = Date.now() - 60 * minuteMs
/** A minute apart, oldest first; ids are random. Every third was canceled. */
const old = Array.from({ length: 30 }, (_, n) =>
  javaOrder({
    userId,
    createdAt: new Date(began + n * minuteMs),
    ...(n % 3 === 0 && { status: 'CANCELED', version: 1 }),
  }),
)
const newestFirst = old.map(({ id }) => id).toReversed()

let server: PostgresServer
let world: World
let service: RunningService
const placed: string[] = []

beforeAll(async () => {
  server = await startPostgres({ dataDir: temporaryDir('adopted-roles'), port: await freePort() })
  world = await createWorld({ postgresAt: server.url })
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, old)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server.stop()
})

const urlAs = (role: string): string => {
  const url = new URL(world.databaseUrl)
  url.username = role
  url.password = 'secret'
  return url.href
}
const list = async (query: string): Promise<{ ids: string[]; cursor: string | null }> => {
  const { json, status } = await service.http(`/orders?${query}`)
  expect(status).toBe(200)
  const { orders, nextCursor } = json as { orders: { id: string }[]; nextCursor: string | null }
  return { ids: orders.map(({ id }) => id), cursor: nextCursor }
}

test('the runtime role serves the copy without any right to change the schema', async () => {
  expect((await runBinary(['adopt'], world.env)).exitCode).toBe(0)
  const script = await Bun.file(inRepo('sql', 'roles.sql')).text()
  await world.sql.unsafe(`set search_path = orders; ${script}; reset search_path`)
  for (const role of ['orders_runtime', 'orders_reader']) await world.sql.unsafe(`alter role ${role} password 'secret'`)
  service = await world.start({ env: { DATABASE_URL: urlAs('orders_runtime'), DB_MIGRATE: 'false' } })
  for (let n = 0; n < 3; n++) {
    const { json, status } = await service.post({
      userId,
      ticker: 'AAPL',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 1,
      price: 1,
    })
    expect(status).toBe(202)
    placed.unshift(String(json['id']))
  }
  const last = old.at(-1)!.id
  await world.publishTrades(tradeOf({ buyOrderId: last, quantity: 4 }))
  await world.tradesConsumed()
  expect((await service.http(`/orders/${last}`)).json).toMatchObject({ status: 'PARTIALLY_FILLED', filledQuantity: 4 })
})

test('lists stand by age over both kinds of ids, page by page', async () => {
  expect((await list(`userId=${userId}&limit=100`)).ids).toEqual([...placed, ...newestFirst])
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await list(`userId=${userId}&limit=7${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    seen.push(...page.ids)
    cursor = page.cursor
  }
  expect(seen).toEqual([...placed, ...newestFirst])
  expect((await list(`ticker=AAPL&status=CANCELED&limit=100`)).ids).toEqual(
    old
      .filter(({ status }) => status === 'CANCELED')
      .map(({ id }) => id)
      .toReversed(),
  )
})

test('time filters are right for both kinds', async () => {
  const at = (n: number): string => new Date(began + n * minuteMs).toISOString()
  expect((await list(`userId=${userId}&createdAfter=${at(20)}&createdBefore=${at(25)}&limit=100`)).ids).toEqual(
    newestFirst.slice(5, 10),
  )
  expect((await list(`userId=${userId}&createdAfter=${new Date(Date.now() + 86_400_000).toISOString()}`)).ids).toEqual(
    [],
  )
  expect((await list(`userId=${userId}&createdBefore=2020-01-01T00:00:00Z`)).ids).toEqual([])
  expect((await list(`userId=${userId}&createdAfter=${at(40)}`)).ids).toEqual(placed)
})

test('a stream shows what was taken over and is open, and a later change with the next version', async () => {
  const response = await fetch(`${service.url}/orders/stream?userId=${userId}`)
  const reader = response.body!.getReader()
  let text = ''
  const heard = (what: string) =>
    until(
      async () => {
        const { value } = await reader.read()
        text += new TextDecoder().decode(value)
        return text.includes(what)
      },
      { what: `the stream says ${what}` },
    )
  await heard('event: live')
  for (const { id, status } of old) expect(text.includes(id)).toBe(status === 'NEW')
  const { id } = old.at(-2)!
  expect((await service.http(`/orders/${id}`, { method: 'DELETE' })).status).toBe(200)
  await heard('"CANCELED"')
  const event = text
    .slice(text.indexOf('event: live'))
    .split('\n')
    .find((line) => line.includes(id))!
  expect(JSON.parse(event.replace('data: ', ''))).toMatchObject({
    event: { version: 1, kind: 'CANCELED', cause: { kind: 'request' } },
  })
  await reader.cancel()
})

test('the reader verifies the tables and the topics', async () => {
  await until(async () => (await world.sql`select from orders.outbox`).length === 0, { what: 'the outbox is empty' })
  const { out, exitCode } = await runBinary(['verify', '--topics'], {
    ...world.env,
    DATABASE_URL: urlAs('orders_reader'),
  })
  expect(out).toContain('33 orders, 1 fills, 0 violations')
  expect(exitCode).toBe(0)
})
