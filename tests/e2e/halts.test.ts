// Proves: once a halt is answered, no replica accepts an order that it forbids until trading is resumed: three replicas under load, tickers and
// all trading halted and resumed at random through any of them, one replica frozen for ten seconds in between. A halt may be late or refused,
// it never lies. Orders are refused with HALTED, cancels pass, stops do not trigger, and what was open is canceled where the halt says so.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { createRandom } from '../support/random.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const tickers = ['H0', 'H1', 'H2', 'H3']
const who = { by: 'ops', note: 'a test' }

const setTrading = (service: RunningService, ticker: string | null, body: object) =>
  service.http(`/trading${ticker === null ? '' : `?ticker=${ticker}`}`, { method: 'PUT', body: { ...who, ...body } })

const snapshot = async ({ sql }: World): Promise<string> => {
  const [row] = await sql<{ snapshot: string }[]>`select pg_current_snapshot()::text as snapshot`
  return row!.snapshot
}

/** From the answer of a halt to just before its resumption was sent: what was committed in between. */
type Halt = { ticker: string | null; from: string; to: string }

/** Orders that were accepted while their ticker was halted. */
const lies = async ({ sql }: World, { ticker, from, to }: Halt): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    select o.id from orders o
    where not pg_visible_in_snapshot(o.xact, ${from}::pg_snapshot) and pg_visible_in_snapshot(o.xact, ${to}::pg_snapshot)
      and ${ticker === null ? sql`true` : sql`o.ticker = ${ticker}`}
      and not (o.status = 'REJECTED' and o.version = 0)`
  return rows.map(({ id }) => id)
}

type Sent = { code: unknown; status: number }
type Result = { status: number; order?: { id: string }; problem?: { reason?: { code: unknown } } }

/** So many that storing them takes longer than a halt and its answer. */
const batch = 100

/** Clients that place orders of all tickers at all replicas, and cancel some of them. */
const startClients = (replicas: readonly RunningService[], count: number) => {
  const stopping = new AbortController()
  const sent: Sent[] = []
  const cancels: number[] = []
  /** At a frozen one, requests wait: its clients go on elsewhere. */
  let awake = replicas
  const client = async (name: number): Promise<void> => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const target = awake[(name + n) % awake.length]!
      const orders = Array.from({ length: batch }, (_, i) => orderBody({ ticker: tickers[(i + n) % 4]!, quantity: 1 }))
      const reply = await target.http('/orders/batch', { body: { orders } })
      const results = reply.json['results'] as Result[]
      for (const { status, problem } of results) sent.push({ status, code: problem?.reason?.code })
      const accepted = results.find(({ status }) => status === 202)?.order
      if (accepted === undefined || n % 3 > 0) continue
      const canceled = await awake[n % awake.length]!.http(`/orders/${accepted.id}`, { method: 'DELETE' })
      cancels.push(canceled.status)
    }
  }
  const clients = Array.from({ length: count }, (_, name) => client(name))
  return {
    sent,
    cancels,
    only: (some: readonly RunningService[]) => void (awake = some),
    async stop() {
      stopping.abort()
      await Promise.all(clients)
    },
  }
}

test('no order that a halt forbids is accepted after its answer, by three replicas of which one is frozen', async () => {
  const env = { REJECTED_PER_MINUTE_MAX: '1000000' }
  await using world = await createWorld({ env })
  const replicas = [await world.start(), await world.start(), await world.start()]
  const [frozen, ...others] = replicas as [RunningService, RunningService, RunningService]
  const clients = startClients(replicas, 9)
  const random = createRandom(16)
  const halts: Halt[] = []
  let refused = 0

  const haltOnce = async (by: readonly RunningService[]): Promise<void> => {
    const ticker = random.chance(0.3) ? null : random.pick(tickers)
    const halted = await setTrading(random.pick(by), ticker, { state: 'HALTED' })
    if (halted.status !== 200) {
      expect(halted.status).toBeOneOf([503, 504])
      refused++
    } else {
      const from = await snapshot(world)
      await Bun.sleep(random.int(5, 60))
      halts.push({ ticker, from, to: await snapshot(world) })
    }
    await until(async () => (await setTrading(random.pick(by), ticker, { state: 'ACTIVE' })).status === 200, {
      what: 'trading is resumed',
    })
    await Bun.sleep(random.int(5, 60))
  }

  const haltFor = async (ms: number, by: readonly RunningService[]): Promise<void> => {
    const overAt = performance.now() + ms
    while (performance.now() < overAt) await haltOnce(by)
  }

  await haltFor(12_000, replicas)
  frozen.signal('SIGSTOP')
  clients.only(others)
  await haltFor(10_000, others)
  // What waits at the frozen one comes while everything is halted: it knows of none of the changes since.
  expect((await setTrading(others[0], null, { state: 'HALTED' })).status).toBe(200)
  const from = await snapshot(world)
  const late = Array.from({ length: 20 }, (_, n) => frozen.post(orderBody({ ticker: tickers[n % 4]!, quantity: 1 })))
  frozen.signal('SIGCONT')
  for (const reply of await Promise.all(late)) expect(reply.json['reason']).toMatchObject({ code: 'HALTED' })
  halts.push({ ticker: null, from, to: await snapshot(world) })
  expect((await setTrading(frozen, null, { state: 'ACTIVE' })).status).toBe(200)
  clients.only(replicas)
  await haltFor(8_000, replicas)
  await clients.stop()

  const found = (await Promise.all(halts.map((halt) => lies(world, halt)))).flat()
  expect({ halts: halts.length, lies: found }).toEqual({ halts: halts.length, lies: [] })
  expect(halts.length).toBeGreaterThan(refused)
  expect(halts.length).toBeGreaterThan(10)
  const of = (status: number): number => clients.sent.filter((one) => one.status === status).length
  expect(of(202)).toBeGreaterThan(1_000)
  expect(of(422)).toBeGreaterThan(1_000)
  expect(new Set(clients.sent.flatMap(({ status, code }) => (status === 422 ? [code] : [])))).toEqual(
    new Set(['HALTED']),
  )
  expect(new Set(clients.cancels)).toEqual(new Set([200]))
})

test('a stop does not trigger while its ticker is halted, nor later by a trade that was made then', async () => {
  await using world = await createWorld()
  const [service, other] = [await world.start(), await world.start()]
  const stop = await placeOrder(service, { ticker: 'H0', side: 'BUY', type: 'STOP', price: undefined, stopPrice: 100 })
  const triggered = async () => (await other.http(`/orders/${stop}`)).json['triggeredAt'] !== null
  const trade = (timestamp: string) => tradeOf({ ticker: 'H0', price: 101, timestamp, buyOrderId: crypto.randomUUID() })
  const stampNow = () => new Date().toISOString()

  await setTrading(service, 'H0', { state: 'HALTED' })
  await Bun.sleep(2)
  const during = stampNow()
  await world.publishTrades(trade(during))
  await world.tradesConsumed()
  expect(await triggered()).toBe(false)
  await setTrading(other, 'H0', { state: 'ACTIVE' })
  await world.publishTrades(trade(during))
  await world.tradesConsumed()
  expect(await triggered()).toBe(false)
  await Bun.sleep(2)
  await world.publishTrades(trade(stampNow()))
  await until(triggered, { what: 'the stop triggers by a trade after the halt' })
})

test('a halt that says so ends what was accepted before it, and nothing that comes later', async () => {
  await using world = await createWorld()
  const [service, other] = [await world.start(), await world.start()]
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, n) => placeOrder(n % 2 === 0 ? service : other, { ticker: 'H0' })),
  )
  const elsewhere = await placeOrder(service, { ticker: 'H1' })
  const halted = await setTrading(service, 'H0', { state: 'HALTED', cancelOpen: true })
  expect(halted.status).toBe(200)
  expect((await setTrading(other, 'H0', { state: 'ACTIVE' })).status).toBe(200)
  const later = await placeOrder(other, { ticker: 'H0' })
  const statusOf = async (id: string) => (await other.http(`/orders/${id}`)).json
  await until(async () => (await Promise.all(ids.map(statusOf))).every(({ status }) => status === 'CANCELED'), {
    what: 'all that was open is canceled',
  })
  for (const id of ids) expect((await statusOf(id))['reason']).toMatchObject({ code: 'HALT' })
  for (const id of [elsewhere, later]) expect((await statusOf(id))['status']).toBe('NEW')
})
