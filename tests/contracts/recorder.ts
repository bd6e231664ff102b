// Produces the app's own answers for everything that the document says may come back, one exchange or more each: from a real
// database where a request leads there, and from refusals of the service where only a broken neighbour would.

import type { BatchRefusal } from '../../src/app/batcher.ts'
import { resetReasons } from '../../src/app/follow.ts'
import type { Service } from '../../src/app/service.ts'
import type { StreamUseCases } from '../../src/app/streams.ts'
import { usualRules } from '../../src/app/submit.ts'
import { engineFeatures } from '../../src/domain/engine.ts'
import { acceptedOrder, requests, resolution, voidRequest } from '../../src/http/contract/examples.ts'
import { springType } from '../../src/http/operators/actuator.ts'
import { createApp, type ServerOptions } from '../../src/http/server.ts'
import { openHarness, orderBody, serverOptions, type Call } from '../http/harness.ts'
import { idleTail } from '../http/stream/fakeFollow.ts'
import type { Exchange, Sent } from './judge.ts'
import { callRules, recordRules, ruleCases, rulePaths } from './ruleRecorder.ts'

export type Recorded = Exchange & { sent: Sent }
type Calling = (method: string, path: string, call?: Call) => Promise<Recorded>

const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** Calls that nobody else judges; what was sent is kept. */
const recorderOf =
  (app: { handle: (request: Request) => Promise<Response> }, kept: Recorded[]): Calling =>
  async (method, path, { body, headers = {} } = {}) => {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const all: Record<string, string> = {
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    const init = { method, headers: all, ...(text === undefined ? {} : { body: text }) }
    const response = await app.handle(new Request(`http://localhost${path}`, init))
    const sent = { headers: all, ...(text === undefined ? {} : { body: text }) }
    const recorded = {
      method,
      path,
      sent,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    }
    kept.push(recorded)
    return recorded
  }

const idOf = ({ text }: Recorded): string => (JSON.parse(text) as { id: string }).id

type World = { call: Calling; harness: Awaited<ReturnType<typeof openHarness>> }

const place = async ({ call }: World, changed: object = {}): Promise<string> =>
  idOf(await call('POST', '/orders', { body: { ...orderBody, ...changed } }))

const orders = async (world: World): Promise<void> => {
  const { call, harness } = world
  harness.setClock(acceptedOrder.createdAt)
  for (const { value } of Object.values(requests))
    await call('POST', '/orders', { body: value, headers: { traceparent } })
  harness.setClock(undefined)
  const keyed = { headers: { 'idempotency-key': 'recorded' } }
  for (const price of [150.5, 150.5, 151]) await call('POST', '/orders', { ...keyed, body: { ...orderBody, price } })
  await call('POST', '/orders', { body: { ...orderBody, price: undefined } })
  await call('POST', '/orders', { body: ' '.repeat(70_000) })
  await call('POST', '/orders', { body: 'hello', headers: { 'content-type': 'text/plain' } })

  const free = { userId: orderBody.userId, clientOrderId: 'never-placed' }
  for (const key of [
    voidRequest,
    voidRequest,
    free,
    { ...free, clientOrderId: 'recorded' },
    { ...free, clientOrderId: '' },
  ])
    await call('POST', '/orders/void', { body: key })
  await call('POST', '/orders/void', { body: ' '.repeat(70_000) })
  await call('POST', '/orders/void', { body: 'hello', headers: { 'content-type': 'text/plain' } })
  await call('POST', '/orders', { body: { ...orderBody, ...free } })

  const filled = await place(world, { quantity: 2, clientOrderId: 'filled' })
  const bought = [{ side: 'BUY', orderId: filled }] as const
  await harness.trade({ sides: bought })
  await call('GET', `/orders/${filled}`)
  await harness.trade({ sides: bought })
  for (const path of ['', '/fills', '/fills?limit=1', '/events', '/events?limit=1'])
    await call('GET', `/orders/${filled}${path}`)
  const stale = { headers: { 'if-match': '"9"' } }
  await call('POST', `/orders/${filled}/cancel`)
  await call('DELETE', `/orders/${filled}`)
  const canceled = await place(world)
  await call('POST', `/orders/${canceled}/cancel`, stale)
  await call('DELETE', `/orders/${canceled}`, stale)
  await call('POST', `/orders/${canceled}/cancel`, { headers: { traceparent, 'if-match': '"0"' } })
  await call('DELETE', `/orders/${canceled}`, { headers: { traceparent, 'if-match': '"7", "8"' } })

  const userId = orderBody.userId
  const everything = `userId=${userId}&ticker=aapl&side=BUY&status=open&status=FILLED&createdAfter=2026-01-02T03:04:05Z&createdBefore=2999-01-02T03:04%2B01:00&clientOrderId=filled&type=LIMIT&timeInForce=GTC&triggered=false&expiresBefore=2999-01-02T03:04:05Z&limit=2`
  const page = await call('GET', '/orders?limit=1')
  const { nextCursor } = JSON.parse(page.text) as { nextCursor: string }
  for (const query of ['', `?${everything}`, `?cursor=${nextCursor}`, '?limit=0']) await call('GET', `/orders${query}`)
  for (const path of ['', '/fills', '/events']) {
    await call('GET', `/orders/${unknownId}${path}`)
    await call('GET', `/orders/nonsense${path}`)
  }
  for (const path of ['/fills', '/events']) await call('GET', `/orders/${filled}${path}?limit=0`)
  for (const id of [unknownId, 'nonsense']) {
    await call('POST', `/orders/${id}/cancel`)
    await call('DELETE', `/orders/${id}`)
  }
}

/** What becomes of orders that come together, and of orders that are only asked for. */
const batches = async ({ call, harness }: World): Promise<void> => {
  const keyed = { ...orderBody, clientOrderId: 'batched' }
  const all = [orderBody, keyed, keyed, { ...keyed, price: 1 }, { ...orderBody, side: 'UP' }, null]
  await call('POST', '/orders/batch', { body: { orders: all }, headers: { traceparent } })
  await call('POST', '/orders/batch', { body: { orders: [orderBody, keyed] } })
  await call('POST', '/orders/batch', { body: { orders: [] } })
  await harness.database
    .sql`insert into order_keys (user_id, client_order_id, voided_at) values (${orderBody.userId}::uuid, 'voided', now())`
  for (const body of [
    orderBody,
    keyed,
    { ...keyed, price: 1 },
    { ...orderBody, clientOrderId: 'voided' },
    { ...orderBody, price: undefined },
  ])
    await call('POST', '/orders/validate', { body, headers: { traceparent } })
  await call('POST', '/orders', { body: { ...orderBody, clientOrderId: 'voided' } })
  for (const path of ['/orders/batch', '/orders/validate']) {
    await call('POST', path, { body: ' '.repeat(1_100_000) })
    await call('POST', path, { body: 'hello', headers: { 'content-type': 'text/plain' } })
  }
}

/** Cancels of many, and a switch that is armed, fires and is disarmed. */
const many = async ({ call, harness }: World): Promise<void> => {
  const userId = crypto.randomUUID()
  for (const side of ['BUY', 'SELL']) await call('POST', '/orders', { body: { ...orderBody, userId, side } })
  for (const query of [`?userId=${userId}&ticker=aapl&side=SELL`, `?userId=${userId}`, '?ticker=NONE', '', '?side=UP'])
    await call('DELETE', `/orders${query}`, { headers: { traceparent } })
  const arm = (timeoutMs: number) => call('POST', '/orders/cancel-after', { body: { userId, timeoutMs } })
  await arm(86_400_000)
  await harness.database.sql`update cancel_after set fires_at = now() - interval '1 second' where user_id = ${userId}`
  for (const timeoutMs of [1_000, 0, 1]) await arm(timeoutMs)
  const path = '/orders/cancel-after'
  await call('POST', path, { body: { userId } })
  await call('POST', path, { body: ' '.repeat(70_000) })
  await call('POST', path, { body: 'hello', headers: { 'content-type': 'text/plain' } })
}

/** With an engine of the old kind, and room for two refused orders a minute. */
const rejections = async ({ call, harness }: World): Promise<void> => {
  harness.setClock(acceptedOrder.createdAt)
  const body = requests['iceberg']!.value
  await call('POST', '/orders/validate', { body })
  await call('POST', '/orders', { body })
  for (const key of ['rejected', 'rejected', 'another'])
    await call('POST', '/orders', { body, headers: { 'idempotency-key': key } })
  const keyed = { ...body, clientOrderId: 'rejected' }
  await call('POST', '/orders/batch', { body: { orders: [body, keyed] } })
  for (const one of [body, keyed]) await call('POST', '/orders/validate', { body: one })
}

/** Returns the id of an order. */
const exceptions = async (world: World): Promise<string> => {
  const { call, harness } = world
  const orderId = await place(world, { quantity: 1 })
  await harness.trade({ tradeId: 'over-1', quantity: 2_00000000n, sides: [{ side: 'BUY', orderId }] })
  await harness.trade({ tradeId: 'over-2', ticker: 'MSFT', sides: [{ side: 'BUY', orderId }] })
  const page = await call('GET', '/exceptions')
  const id = (JSON.parse(page.text) as { exceptions: { id: string }[] }).exceptions[0]!.id
  const resolve = (path: string, call_: Call) => call('POST', `/exceptions/${path}/resolve`, call_)
  await resolve(id, { body: resolution })
  await resolve(id, { body: { ...resolution, note: 'other words' } })
  await resolve(id, { body: { resolvedBy: 'ops@desk' } })
  await resolve(id, { body: ' '.repeat(70_000) })
  await resolve(id, { body: 'hello', headers: { 'content-type': 'text/plain' } })
  await resolve(unknownId, { body: resolution })
  const queries = `?orderId=${orderId}&tradeId=over-1&disposition=OVERFILL&disposition=MISMATCH&resolved=false&limit=1`
  for (const query of [queries, '?limit=1', '?limit=0']) await call('GET', `/exceptions${query}`)
  return orderId
}

const reportExceptions = async ({ call, harness }: World, orderId: string): Promise<void> => {
  await harness.report(
    { orderId, ticker: 'MSFT', reportId: 'R-1', reason: null },
    { orderId, ticker: 'MSFT', cumulative: '1' },
  )
  const page = await call('GET', '/exceptions/reports')
  const { id } = (JSON.parse(page.text) as { exceptions: { id: string }[] }).exceptions[0]!
  const resolve = (path: string, call_: Call) => call('POST', `/exceptions/reports/${path}/resolve`, call_)
  for (const body of [
    resolution,
    { ...resolution, note: 'other words' },
    { resolvedBy: 'ops@desk' },
    ' '.repeat(70_000),
  ])
    await resolve(id, { body })
  await resolve(id, { body: 'hello', headers: { 'content-type': 'text/plain' } })
  await resolve(unknownId, { body: resolution })
  const queries = `?orderId=${orderId}&reportId=R-1&disposition=MISMATCH&disposition=INCOMPLETE&resolved=false&limit=1`
  for (const query of [queries, '?limit=1', '?limit=0']) await call('GET', `/exceptions/reports${query}`)
}

const gets = [
  '/actuator',
  '/actuator/health',
  '/actuator/health/liveness',
  '/actuator/health/readiness',
  '/actuator/info',
  '/actuator/prometheus',
  '/metrics',
  '/openapi.json',
  '/asyncapi.json',
  '/orders.proto',
  '/docs',
  '/docs/page.js',
  '/docs/page.css',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/docs/handbook.css',
  '/docs/handbook/runbook',
  '/',
  '/blotter/page.js',
  '/blotter/page.css',
]

/** Every route with every refusal that only a broken neighbour, a bug or a start brings about. */
const refusals = async (kept: Recorded[]): Promise<void> => {
  const callsTo = async (call: Calling): Promise<void> => {
    await call('POST', '/orders', { body: orderBody })
    await call('POST', '/orders/batch', { body: { orders: [orderBody, orderBody] } })
    await call('POST', '/orders/validate', { body: orderBody })
    await call('POST', '/orders/void', { body: voidRequest })
    await call('POST', `/orders/${unknownId}/cancel`)
    await call('DELETE', `/orders/${unknownId}`)
    await call('DELETE', '/orders?ticker=AAPL')
    await call('POST', '/orders/cancel-after', { body: { userId: orderBody.userId, timeoutMs: 0 } })
    for (const path of [
      '/orders',
      `/orders/${unknownId}`,
      `/orders/${unknownId}/fills`,
      `/orders/${unknownId}/events`,
      '/exceptions',
      '/exceptions/reports',
    ])
      await call('GET', path)
    for (const path of ['', '/reports'])
      await call('POST', `/exceptions${path}/${unknownId}/resolve`, { body: resolution })
    await callRules(call)
  }
  const refusing = (code: BatchRefusal['code'], reads: BatchRefusal['code']) => {
    const refuse = (refusal: BatchRefusal['code']) => () => Promise.resolve({ ok: false, code: refusal } as const)
    const [write, read] = [refuse(code), refuse(reads)]
    const each = (_: unknown, orders: readonly unknown[]) => Promise.all(orders.map(write))
    const service = {
      turnAway: () => null,
      place: write,
      placeMany: each,
      validate: read,
      void: write,
      cancel: write,
      cancelMany: write,
      cancelAfter: write,
      resolve: write,
      resolveReport: write,
      find: read,
      list: read,
      fills: read,
      history: read,
      exceptions: read,
      reportExceptions: read,
      ...ruleCases(write, read),
    }
    return recorderOf(createApp(serverOptions({ service: service as unknown as Service })), kept)
  }
  await callsTo(refusing('OVERLOADED', 'OVERLOADED'))
  await callsTo(refusing('OUTCOME_UNKNOWN', 'OVERLOADED'))
  await callsTo(refusing('INTERNAL', 'INTERNAL'))
  await callsTo(recorderOf(createApp(serverOptions({ started: () => false })), kept))
  const fail = (): never => {
    throw new Error('a bug')
  }
  const full = { turnAway: () => ({ ok: false, code: 'OVERLOADED' }), placeMany: fail } as unknown as Service
  for (const service of [full, { ...full, turnAway: () => null }])
    await callsTo(recorderOf(createApp(serverOptions({ service })), kept))
  const { health } = serverOptions()
  const broken: Partial<ServerOptions> = { health: { ...health, components: fail, info: fail }, metrics: fail }
  const down = { status: 'DOWN' as const, details: { detail: 'connection refused' } }
  const unhealthy = { health: { ...health, components: () => ({ ...health.components(), db: down }) } }
  for (const options of [broken, unhealthy, { health: { ...health, phase: () => 'starting' as const } }]) {
    const call = recorderOf(createApp(serverOptions(options)), kept)
    for (const path of gets) await call('GET', path)
  }
}

/** Streams that end at once, pages of events, and whatever may be refused of both. */
const followers = async (kept: Recorded[]): Promise<void> => {
  const refusing = (
    follow: ReturnType<StreamUseCases['follow']>,
    events: Awaited<ReturnType<StreamUseCases['events']>>,
  ) =>
    recorderOf(
      createApp(
        serverOptions({
          streams: {
            follow: () => follow,
            events: () => Promise.resolve(events),
            state: () => ({ open: 0, max: 0, tail: idleTail }),
          },
        }),
      ),
      kept,
    )
  const usual = recorderOf(createApp(serverOptions()), kept)
  for (const path of ['/orders/stream', '/events']) {
    await usual('GET', path)
    await usual('GET', `${path}?userId=${orderBody.userId}&ticker=aapl&orderId=${unknownId}&cursor=c1`)
    await usual('GET', `${path}?userId=x`)
  }
  await usual('HEAD', '/orders/stream')
  await usual('GET', '/orders/stream', { headers: { 'last-event-id': 'c1' } })
  const badCursor = { ok: false, code: 'BAD_CURSOR' } as const
  for (const whose of ['caller', 'all'] as const)
    await refusing({ ok: false, code: 'TOO_MANY_STREAMS', whose }, badCursor)('GET', '/orders/stream')
  for (const reason of resetReasons)
    await refusing(badCursor, { ok: false, code: 'CURSOR_EXPIRED', reason })('GET', '/events?cursor=c1')
  for (const path of ['/orders/stream', '/events'])
    await refusing(badCursor, { ok: false, code: 'UNAVAILABLE' })('GET', `${path}?cursor=c1`)
  const starting = recorderOf(createApp(serverOptions({ started: () => false })), kept)
  const fail = (): never => {
    throw new Error('a bug')
  }
  const streams = { follow: fail, events: fail, state: fail }
  const broken = recorderOf(createApp(serverOptions({ streams })), kept)
  for (const call of [starting, broken]) for (const path of ['/orders/stream', '/events']) await call('GET', path)
}

/** What a browser that has the page is answered, and one that finds it turned off. */
const page = async (kept: Recorded[]): Promise<void> => {
  const paths = ['/', '/blotter/page.js']
  const usual = recorderOf(createApp(serverOptions()), kept)
  for (const path of paths) await usual('GET', path, { headers: { 'if-none-match': '*' } })
  for (const path of paths) await usual('GET', path, { headers: { 'accept-encoding': 'gzip' } })
  const off = recorderOf(createApp(serverOptions({ blotter: null })), kept)
  for (const path of paths) await off('GET', path)
}

/** Methods that are no operations, on every path. */
const otherMethods = async (call: Calling): Promise<void> => {
  const paths = [
    ...gets,
    '/orders',
    '/orders/batch',
    '/orders/validate',
    '/orders/cancel-after',
    '/exceptions',
    '/exceptions/reports',
    ...rulePaths,
    '/orders/stream',
    '/orders/void',
    '/events',
    ...['', '/fills', '/events', '/cancel'].map((end) => `/orders/${unknownId}${end}`),
  ]
  const resolves = ['', '/reports'].map((path) => `/exceptions${path}/${unknownId}/resolve`)
  for (const path of [...paths, ...resolves]) for (const method of ['PATCH', 'OPTIONS']) await call(method, path)
}

/** Everything, in one run of some seconds. */
export const record = async (): Promise<Recorded[]> => {
  const kept: Recorded[] = []
  const rules = { ...usualRules, rejectedPerMinuteMax: 2 }
  const oldEngine = await openHarness({ service: () => ({ rules }) })
  const harness = await openHarness({ service: () => ({ rules: { ...rules, features: new Set(engineFeatures) } }) })
  try {
    const refusing = recorderOf(createApp(serverOptions({ service: oldEngine.service })), kept)
    await rejections({ harness: oldEngine, call: refusing })
    const app = createApp(serverOptions({ service: harness.service }))
    const world = { harness, call: recorderOf(app, kept) }
    await orders(world)
    await batches(world)
    await many(world)
    await reportExceptions(world, await exceptions(world))
    await recordRules(world.call)
    for (const path of [...gets, '/docs/nothing.js', '/docs/handbook/nothing']) await world.call('GET', path)
    for (const path of ['/orders', '/actuator/info']) await world.call('HEAD', path)
    for (const path of gets.filter((one) => one.startsWith('/actuator')))
      await world.call('GET', path, { headers: { accept: springType } })
    await otherMethods(world.call)
    await refusals(kept)
    await followers(kept)
    await page(kept)
  } finally {
    await harness.close()
    await oldEngine.close()
  }
  return kept
}
