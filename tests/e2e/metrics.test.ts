// Proves: after some work on a real Postgres and a real Kafka, the metrics of the compiled binary pass a strict reader, are
// exactly those that the handbook, the alerts and the dashboard speak of, and state what happened.

import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { declaredMetrics } from '../../src/metrics/metrics.ts'
import { openFixClient } from '../fix/gateway/fixClient.ts'
import { openGrpcClient } from '../grpc/client.ts'
import { freePort } from '../stack/ports.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import { parseExposition, type Family, type Series } from '../support/exposition.ts'
import { expressions } from '../support/operator.ts'
import { orderBody } from '../support/orderBody.ts'
import { selectionsOf } from '../support/promql.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

let world: World
let service: RunningService
let families: Map<string, Family>
let startedAt: number
/** Since before the service was started. */
let elapsedSeconds: number

const scrape = async (): Promise<Map<string, Family>> =>
  parseExposition((await service.http('/actuator/prometheus')).text)
const idOf = ({ json }: { json: Record<string, unknown> }): string => String(json['id'])
const unknownId = '0193e5a0-0000-7000-8000-0000000000ff'

/** The one series with at least these labels, of all that a scrape has. */
const find = (all: Map<string, Family>, name: string, labels: Record<string, string> = {}): Series => {
  const family = all.get(name) ?? all.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  const found = family!.series.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  )
  expect([name, labels, found.length]).toEqual([name, labels, 1])
  return found[0]!
}
const valueOf = (name: string, labels: Record<string, string> = {}): number => find(families, name, labels).value

/** A request of every kind, and trades for every disposition that they can have. */
const work = async (): Promise<void> => {
  const key = { 'idempotency-key': 'once' }
  const [buy, sell, third] = [
    await service.post(orderBody(), key),
    await service.post(orderBody({ side: 'SELL', price: 149 })),
    await service.post(orderBody({ ticker: 'MSFT' })),
  ].map(idOf)
  await service.post(orderBody({ quantity: 7 }), key)
  await service.post(orderBody({ quantity: -1 }))
  for (let i = 0; i < 2; i++) await service.http(`/orders/${third}/cancel`, { method: 'POST' })
  await service.http(`/orders/${unknownId}/cancel`, { method: 'POST' })
  await service.http(`/orders/${buy}`)
  await service.http('/orders?ticker=AAPL')
  await service.http('/no/such/path')
  await service.http(`/no/such/${third}`, { method: 'PURGE' })
  const both = { buyOrderId: buy, sellOrderId: sell, quantity: 60 }
  const trade = tradeOf(both)
  await world.publishTrades(trade, trade, tradeOf(both), tradeOf({ buyOrderId: unknownId }))
  await world.tradesConsumed()
  await world.outboxEmpty()
  const [exception] = (await service.http('/exceptions')).json['exceptions'] as { id: string }[]
  await service.http(`/exceptions/${exception!.id}/resolve`, { body: { resolvedBy: 'ops', note: 'told them' } })
}

/** Somebody comes to the FIX door, and is no firm. */
const knockAtFix = async (port: number): Promise<void> => {
  using client = await openFixClient({ port })
  client.send('1', [[112, 'who is there']])
  await client.closed()
}

/** A call over gRPC, of somebody who asks for what is not there. */
const askOverGrpc = async (port: number): Promise<void> => {
  const client = openGrpcClient(port)
  expect(await client.call('Get', { id: '0193e5a0-0000-7000-8000-0000000000ff' })).toMatchObject({
    code: status.NOT_FOUND,
  })
  client.close()
}

beforeAll(async () => {
  const [fixPort, grpcPort] = [await freePort(), await freePort()]
  const sessions = join(temporaryDir('metrics'), 'sessions.jsonl')
  await Bun.write(sessions, '')
  world = await createWorld({
    env: {
      FIX_PORT: String(fixPort),
      GRPC_PORT: String(grpcPort),
      FIX_SESSIONS_FILE: sessions,
      ENGINE_FEATURES: 'reports',
      DB_LOCK_TIMEOUT_MS: '500',
      KAFKA_TOPIC_ORDER_EVENT: `e2e-metrics-${crypto.randomUUID()}`,
    },
  })
  startedAt = performance.now()
  service = await world.start()
  await work()
  await knockAtFix(fixPort)
  await askOverGrpc(grpcPort)
  families = await until(
    async () => {
      const all = await scrape()
      const isOpen = find(all, 'orders_exceptions_open').value === 1
      return isOpen && find(all, 'orders_event_loop_lag_seconds_count').value > 10 ? all : undefined
    },
    { what: 'one of two exceptions is counted as open, and the event loop was looked at' },
  )
  elapsedSeconds = (performance.now() - startedAt) / 1000
})
afterAll(() => world[Symbol.asyncDispose]())

describe('the page', () => {
  test('has names in base units, and help that is a sentence', () => {
    for (const { name, help, type } of families.values()) {
      expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|kb|mb)(_|$)/)
      expect(help).toMatch(/^[A-Z].*\.$/)
      if (type === 'histogram') expect(name).toMatch(/_(seconds|items)$/)
    }
  })

  test('is what is declared, and with it the handbook: name by name, with type and labels', () => {
    const declared = declaredMetrics().map(({ name, type, labels = [] }) => [name, type, labels.toSorted()])
    const page = families.values().map(({ name, type, series }) => {
      const labels = series.flatMap((one) => Object.keys(one.labels)).filter((label) => label !== 'le')
      return [name, type, [...new Set(labels)].toSorted()]
    })
    const byName = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1)
    expect([...page].toSorted(byName)).toEqual(declared)
  })

  test('is read by the alerts and the dashboard: every metric, label and value that they ask for is there', () => {
    const fromPrometheus = new Set(['job', 'instance'])
    const selections = expressions.flatMap(selectionsOf)
    expect(selections.length).toBeGreaterThan(50)
    for (const { metric, matchers, grouped } of selections) {
      const family = families.get(metric) ?? families.get(metric.replace(/_(?:bucket|sum|count)$/, ''))
      const series = family?.series.filter(({ name }) => name === metric) ?? []
      expect([metric, series.length > 0]).toEqual([metric, true])
      for (const label of [...grouped, ...matchers.map(({ label }) => label)])
        if (!fromPrometheus.has(label))
          expect([metric, label, series.every((one) => Object.hasOwn(one.labels, label))]).toEqual([
            metric,
            label,
            true,
          ])
      for (const { label, op, value } of matchers)
        if (op === '=' && !fromPrometheus.has(label))
          expect([metric, value, series.some((one) => one.labels[label] === value)]).toEqual([metric, value, true])
    }
  })

  test('of nothing is there that neither the alerts nor the dashboard show', () => {
    const shown = new Set(
      expressions.flatMap(selectionsOf).map(({ metric }) => metric.replace(/_(?:bucket|sum|count)$/, '')),
    )
    expect([...families.keys()].filter((name) => !shown.has(name))).toEqual([])
  })
})

describe('after some work', () => {
  test('requests are counted by route, method and status, and no path of a caller is a label', () => {
    const count = (route: string, method: string, status: number) =>
      valueOf('http_server_request_duration_seconds_count', {
        http_route: route,
        http_request_method: method,
        http_response_status_code: String(status),
      })
    expect(count('/orders', 'POST', 202)).toBe(3)
    expect(count('/orders', 'POST', 422)).toBe(1)
    expect(count('/orders', 'POST', 400)).toBe(1)
    expect(count('/orders/{id}/cancel', 'POST', 200)).toBe(1)
    expect(count('/orders/{id}/cancel', 'POST', 409)).toBe(1)
    expect(count('unmatched', 'GET', 404)).toBe(1)
    expect(count('unmatched', '_OTHER', 404)).toBe(1)
    const { series } = families.get('http_server_request_duration_seconds')!
    const routes = new Set(series.map(({ labels }) => labels['http_route']!))
    expect([...routes].filter((route) => !/^(unmatched|\/[a-z/]+({id})?[a-z/]*)$/.test(route))).toEqual([])
  })

  test('refusals have their call and code', () => {
    expect(valueOf('orders_refusals_total', { call: 'place', code: 'IDEMPOTENCY_MISMATCH' })).toBe(1)
    expect(valueOf('orders_refusals_total', { call: 'cancel', code: 'NOT_CANCELABLE' })).toBe(1)
    expect(valueOf('orders_refusals_total', { call: 'cancel', code: 'NOT_FOUND' })).toBe(1)
  })

  test.each(['place', 'cancel', 'get', 'page', 'resolve', 'fill'])('batches of %s have a size and a time', (kind) => {
    const batches = valueOf('orders_batch_commit_duration_seconds_count', { kind })
    expect(batches).toBeGreaterThan(0)
    expect(valueOf('orders_batch_size_items_count', { kind })).toBe(batches)
    expect(valueOf('orders_batch_size_items_sum', { kind })).toBeGreaterThanOrEqual(batches)
    expect(valueOf('orders_batch_commit_duration_seconds_sum', { kind })).toBeGreaterThan(0)
  })

  test('every published event and every trade was timed', () => {
    expect(valueOf('orders_relay_published_events_total')).toBe(4)
    expect(valueOf('orders_relay_publish_duration_seconds_count')).toBe(4)
    const published = valueOf('orders_relay_publish_duration_seconds_sum')
    expect(published).toBeGreaterThan(0)
    expect(published).toBeLessThan(4 * elapsedSeconds)
    expect(valueOf('orders_trades_apply_duration_seconds_count')).toBe(4)
    expect(valueOf('orders_trades_apply_duration_seconds_sum')).toBeLessThan(4 * elapsedSeconds)
  })

  test('legs, exceptions and dead letters are counted by disposition', () => {
    const legs = (disposition: string) => valueOf('orders_trade_legs_total', { disposition })
    expect([legs('APPLIED'), legs('DUPLICATE'), legs('OVERFILL'), legs('UNKNOWN_ORDER')]).toEqual([2, 2, 2, 1])
    expect(valueOf('orders_exceptions_total', { disposition: 'OVERFILL' })).toBe(2)
    expect(valueOf('orders_exceptions_total', { disposition: 'CONFLICT' })).toBe(0)
    expect(valueOf('orders_dead_letters_total', { disposition: 'UNKNOWN_ORDER' })).toBe(1)
  })

  test('this replica relays every shard and consumes every partition', () => {
    expect(valueOf('orders_relay_shards')).toBe(16)
    const shards = families.get('orders_relay_lease_held')!.series
    expect(shards.map(({ labels, value }) => [labels['shard'], value])).toEqual(
      Array.from({ length: 16 }, (_, shard) => [String(shard), 1]),
    )
    const partitions = families.get('orders_trades_lag_messages')!.series.map(({ labels, value }) => [labels, value])
    expect(partitions).toEqual([0, 1, 2].map((n) => [{ topic: world.topics.trades, partition: String(n) }, 0]))
  })

  test('the process has its figures', () => {
    expect(valueOf('process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(20e6)
    expect(valueOf('process_heap_bytes')).toBeGreaterThan(1e6)
    const started = valueOf('process_start_time_seconds') - (performance.timeOrigin + startedAt) / 1000
    // A second off, for clocks of the two processes that are not read at one instant.
    expect(started).toBeGreaterThan(-1)
    expect(started).toBeLessThan(elapsedSeconds + 1)
    expect(valueOf('orders_db_pool_max_connections', { pool: 'gets' })).toBe(4)
  })
})

test('while a lock holds the ledger up, trades lag, statements fail and connections are used; then all is caught up', async () => {
  const id = idOf(await service.post(orderBody({ ticker: 'LAG' })))
  const lag = async () => {
    const all = await scrape()
    const sum = (name: string) => all.get(name)!.series.reduce((total, { value }) => total + value, 0)
    return { messages: sum('orders_trades_lag_messages'), seconds: sum('orders_trades_lag_seconds') }
  }
  await world.sql.begin(async (sql) => {
    await sql`lock table ingested_fills in access exclusive mode`
    const trades = Array.from({ length: 5 }, () => tradeOf({ buyOrderId: id, ticker: 'LAG', quantity: 1 }))
    await world.publishTrades(...trades)
    await until(async () => (await lag()).messages === 5 && (await lag()).seconds > 1, { what: 'five trades wait' })
    await until(async () => find(await scrape(), 'orders_db_pool_used_connections', { pool: 'trades' }).value > 0, {
      what: 'a connection waits for the lock',
    })
    const failures = async () =>
      find(await scrape(), 'orders_db_statement_failures_total', { pool: 'trades', fault: 'contention' }).value
    await until(async () => (await failures()) > 0, { what: 'a statement was not given the lock in time' })
  })
  await world.tradesConsumed()
  await until(async () => (await lag()).messages === 0, { what: 'nothing waits' })
  expect((await lag()).seconds).toBe(0)
})

test('`orders alerts` and `orders dashboard` print them without any configuration', async () => {
  const alerts = await runBinary(['alerts'])
  expect([alerts.exitCode, alerts.err]).toEqual([0, ''])
  expect(alerts.out).toBe(await Bun.file(join(import.meta.dir, '../../src/metrics/alerts.yaml')).text())
  const base = 'https://orders.example/docs/handbook/runbook'
  const linked = await runBinary(['alerts', '--runbook-base', base])
  expect(linked.out).toContain(`runbook_url: '${base}#ordersabsent'`)
  for (const bad of [['--runbook-base', 'runbook'], ['--runbook-base'], ['runbook']])
    expect(await runBinary(['alerts', ...bad])).toMatchObject({ exitCode: 2, out: '' })
  const dashboard = await runBinary(['dashboard'])
  expect([dashboard.exitCode, dashboard.err]).toEqual([0, ''])
  expect(JSON.parse(dashboard.out)).toMatchObject({ title: 'orders', schemaVersion: 39 })
})
