// Proves: Postgres may be killed under load with streams open: streams stay open or resume with the other replica, none begins anew, and each
// sees exactly the events of the log that pass its filter, those of an order in the order of versions.

import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { openEventStream, type Block } from '../support/eventStream.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const tickers = ['AAPL', 'MSFT'] as const
const users = [crypto.randomUUID(), crypto.randomUUID()]
const kills = 3
/** Orders that are placed at least before each kill, and after the last one. */
const ordersBetween = 60

let server: PostgresServer
let world: World
let replicas: RunningService[]

beforeAll(async () => {
  server = await startPostgres({ dataDir: join(temporaryDir('crash'), 'postgres'), port: await freePort() })
  world = await createWorld({ postgresAt: server.url })
  replicas = [await world.start(), await world.start()]
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server.stop()
})

type OrderEvent = { event: { orderId: string; version: number }; order: { userId: string; ticker: string } }
type Filter = { name: 'userId' | 'ticker'; value: string } | null

/** A client that resumes by itself, with one replica after the other; answers what it saw. */
const startClient = async (filter: Filter, first: number) => {
  const seen: string[] = []
  const versions = new Map<string, number>()
  const faults: string[] = []
  let turn = first
  let cursor: string | null = null
  let live = false
  const over = new AbortController()
  const onBlock = ({ event, data }: Block): void => {
    live ||= event === 'live'
    if (event === 'reset') faults.push(`reset ${JSON.stringify(data)}`)
    if (event !== 'order') return
    const { orderId, version } = (data as OrderEvent).event
    const last = versions.get(orderId) ?? -1
    // An event may come again, none may be left out.
    if (version > last + 1) faults.push(`${orderId} goes from version ${last} to ${version}`)
    if (version !== last + 1) return
    versions.set(orderId, version)
    seen.push(`${orderId} ${version}`)
  }
  const query = filter === null ? '' : `?${filter.name}=${filter.value}`
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const url = `${replicas[turn++ % replicas.length]!.url}/orders/stream${query}`
      const headers: Record<string, string> = cursor === null ? {} : { 'last-event-id': cursor }
      const stream = await openEventStream(url, { headers, onBlock }).catch(() => null)
      // A client that leaves in the middle, now and then, resumes elsewhere.
      await Promise.race([stream?.ended, Bun.sleep(2_000 + 500 * first)])
      stream?.close()
      cursor = stream?.lastId() ?? cursor
    }
  }
  const running = run()
  await until(() => live, { what: 'the stream is live' })
  return {
    filter,
    seen,
    faults,
    async stop() {
      over.abort()
      await running
    },
  }
}

/** Places orders and changes them until it is told to stop, whatever becomes of Postgres; answers how many it placed so far. */
const startLoad = () => {
  let placed = 0
  const over = new AbortController()
  const lane = async (lane: number): Promise<void> => {
    for (let n = lane; !over.signal.aborted; n++) {
      const terms = { userId: users[n % 2], ticker: tickers[(n >> 1) % 2], quantity: 10 }
      const { status, json } = await replicas[n % 2]!.post(orderBody(terms))
      if (status !== 202) continue
      placed++
      if (n % 3 === 0) await replicas[n % 2]!.http(`/orders/${String(json['id'])}/cancel`, { method: 'POST' })
      if (n % 3 === 1) await world.publishTrades(tradeOf({ buyOrderId: json['id'], quantity: 4, ticker: terms.ticker }))
    }
  }
  const running = Promise.all([0, 1, 2, 3].map(lane))
  return {
    more: async (count: number): Promise<void> => {
      const enough = placed + count
      await until(() => placed >= enough, { what: `${count} more orders are placed` })
    },
    async stop() {
      over.abort()
      await running
    },
  }
}

const expected = async (filter: Filter): Promise<string[]> => {
  const sql = postgres(world.databaseUrl, { max: 1 })
  try {
    const rows = await sql<{ event: string }[]>`
      select e.id || ' ' || e.version as event
      from (select id, 0 as version from orders union all select order_id, order_version from ingested_fills
            union all select order_id, version from order_changes) e
      join orders o on o.id = e.id
      where ${filter === null ? sql`true` : filter.name === 'ticker' ? sql`o.ticker = ${filter.value}` : sql`o.user_id = ${filter.value}`}`
    return rows.map(({ event }) => event).toSorted()
  } finally {
    await sql.end()
  }
}

test('Postgres is killed under load, again and again', async () => {
  const filters: Filter[] = [null, null, { name: 'userId', value: users[0]! }, { name: 'ticker', value: tickers[1] }]
  const clients = await Promise.all(filters.map(startClient))
  const load = startLoad()
  for (let kill = 0; kill < kills; kill++) {
    await load.more(ordersBetween)
    await server.kill()
    await server.restart()
  }
  await load.more(ordersBetween)
  await load.stop()
  await world.tradesConsumed()
  for (const client of clients) {
    const all = await expected(client.filter)
    await until(() => client.seen.length >= all.length, { what: `a client has seen ${all.length} events` })
    expect(client.seen.toSorted()).toEqual(all)
    expect(client.faults).toEqual([])
  }
  await Promise.all(clients.map((client) => client.stop()))
  await world.outboxEmpty()
  expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
})
