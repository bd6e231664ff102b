// Proves: what the engine reports of the end of an order comes through Kafka to one disposition that an operator can see. A report that is
// ahead of its fills waits for them, over kills, so that no fill counts as late that the engine made before.

import { crashingBinary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import type { Received } from '../support/kafka.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, ownWorld, reportOf, tradeOf, type World } from '../support/world.ts'

const features = { ENGINE_FEATURES: 'reports' }
const { world, service } = await ownWorld({ env: features })

const place = async (members: Record<string, unknown> = {}, on: RunningService = service): Promise<string> => {
  const reply = await on.post(orderBody(members))
  expect(reply.status).toBe(202)
  return String(reply.json['id'])
}
const orderOf = async (id: string, on: RunningService = service) => (await on.http(`/orders/${id}`)).json
const ended = (id: string, status: string, on: RunningService = service) =>
  until(async () => (await orderOf(id, on))['status'] === status, { what: `${id} is ${status}` })
const eventsOf = async (id: string) => (await service.http(`/orders/${id}/events`)).json['events'] as object[]
const lateOf = async (id: string, { sql }: World = world): Promise<boolean[]> =>
  (await sql<{ late: boolean }[]>`select late from ingested_fills where order_id = ${id} order by order_version`).map(
    ({ late }) => late,
  )
const statesOf = async (id: string, { sql }: World = world): Promise<string[]> =>
  (await sql<{ state: string }[]>`select state from ingested_reports where order_id = ${id} order by arrived_at`).map(
    ({ state }) => state,
  )

const counts = async (on: RunningService = service): Promise<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(await on.metrics())
      .filter(([name]) => name.startsWith('orders_reports_total'))
      .map(([name, value]) => [/"(\w+)"/.exec(name)![1]!, value]),
  )

/** Publishes the reports and answers by how much the count of each disposition rose. */
const apply = async (...reports: ReturnType<typeof reportOf>[]): Promise<Record<string, number>> => {
  const before = await counts()
  await world.publishReports(...reports)
  await world.reportsConsumed()
  return Object.fromEntries(
    Object.entries(await counts())
      .map(([name, value]) => [name, value - before[name]!] as const)
      .filter(([, rise]) => rise !== 0),
  )
}

const letters = async (mark: string): Promise<Received[]> =>
  (await world.kafka.read(world.topics.reportLetters)).filter(
    ({ value, headers }) => value?.includes(mark) === true || headers['x-legs']?.includes(mark) === true,
  )

test('a rejection, a cancellation and an expiry by the engine end their orders, and publish nothing', async () => {
  const ends = [
    ['REJECTED', 'REJECTED', 'ENGINE_REJECTED'],
    ['CANCELED', 'CANCELED', 'ENGINE_CANCELED'],
    ['EXPIRED', 'EXPIRED', 'ENGINE_EXPIRED'],
  ] as const
  for (const [kind, status, code] of ends) {
    const orderId = await place()
    expect(await apply(reportOf({ orderId, kind, cumulativeQuantity: 0 }))).toEqual({ APPLIED: 1 })
    expect(await orderOf(orderId)).toMatchObject({
      status,
      version: 1,
      remainingQuantity: 0,
      reason: { code, text: 'no liquidity' },
    })
    expect((await eventsOf(orderId)).at(-1)).toMatchObject({
      version: 1,
      kind: status,
      reason: { code, text: 'no liquidity' },
      cause: { kind: 'report', topic: world.topics.reports, partition: expect.any(Number), offset: expect.any(String) },
    })
    await world.outboxEmpty()
    const canceled = await world.kafka.read(world.topics.cancelled)
    expect(canceled.filter(({ value }) => value?.includes(orderId) === true)).toEqual([])
  }
})

test('an IOC order whose remainder is reported while its last fill is still on the trade topic keeps that fill', async () => {
  const id = await place({ type: 'LIMIT', timeInForce: 'IOC', quantity: 100 })
  await world.publishReports(reportOf({ orderId: id, cumulativeQuantity: 60 }))
  await world.reportsConsumed()
  expect(await statesOf(id)).toEqual(['WAITING'])
  expect(await orderOf(id)).toMatchObject({ status: 'NEW' })
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 40 }), tradeOf({ buyOrderId: id, quantity: 20 }))
  await ended(id, 'CANCELED')
  expect(await orderOf(id)).toMatchObject({ filledQuantity: 60, version: 3, reason: { code: 'ENGINE_CANCELED' } })
  expect(await lateOf(id)).toEqual([false, false])
  expect(await statesOf(id)).toEqual(['APPLIED'])
})

test('without a quantity it waits for whatever the trade topic had when it arrived', async () => {
  const id = await place({ quantity: 100 })
  // Nothing can be filled while somebody holds the ledger.
  await world.sql.begin(async (holding) => {
    await holding`lock table ingested_fills in share mode`
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 40 }))
    await world.publishReports(reportOf({ orderId: id, kind: 'EXPIRED' }))
    await until(async () => (await statesOf(id)).length === 1, { what: 'the report is taken' })
    await Bun.sleep(2_500)
    expect(await orderOf(id)).toMatchObject({ status: 'NEW' })
    expect(await statesOf(id)).toEqual(['WAITING'])
  })
  await ended(id, 'EXPIRED')
  expect(await orderOf(id)).toMatchObject({ filledQuantity: 40, version: 2 })
  expect(await lateOf(id)).toEqual([false])
})

test('the same report again, and another of the same end, change nothing', async () => {
  const orderId = await place()
  const report = reportOf({ orderId, cumulativeQuantity: '0' })
  expect(await apply(report, report)).toEqual({ APPLIED: 1, DUPLICATE: 1 })
  expect(await apply(report, reportOf({ orderId, kind: 'EXPIRED' }))).toEqual({ DUPLICATE: 1, STALE: 1 })
  expect(await orderOf(orderId)).toMatchObject({ status: 'CANCELED', version: 1 })
})

test('our own cancel is confirmed by a report', async () => {
  const orderId = await place()
  expect((await service.http(`/orders/${orderId}/cancel`, { method: 'POST' })).status).toBe(200)
  expect(await apply(reportOf({ orderId, cumulativeQuantity: 0 }))).toEqual({ STALE: 1 })
  expect(await orderOf(orderId)).toMatchObject({ status: 'CANCELED', version: 1, reason: { code: 'USER_CANCELED' } })
})

test('what does not fit is listed, logged and resolved: another ticker, a rejection after a fill, another content', async () => {
  const orderId = await place({ quantity: 100 })
  await world.publishTrades(tradeOf({ buyOrderId: orderId, quantity: 40 }))
  await world.tradesConsumed()
  const first = reportOf({ orderId, reportId: `x-${orderId}`, cumulativeQuantity: 40 })
  expect(
    await apply(
      reportOf({ orderId, ticker: 'MSFT' }),
      reportOf({ orderId, kind: 'REJECTED' }),
      reportOf({ orderId, cumulativeQuantity: 39 }),
      first,
      { ...first, kind: 'EXPIRED' },
    ),
  ).toEqual({ MISMATCH: 3, APPLIED: 1, CONFLICT: 1 })
  expect(await orderOf(orderId)).toMatchObject({ status: 'CANCELED', filledQuantity: 40, version: 2 })
  const list = async (query: string) =>
    (await service.http(`/exceptions/reports?orderId=${orderId}${query}`)).json['exceptions'] as { id: string }[]
  const all = await list('')
  expect(all.map((one) => Reflect.get(one, 'disposition') as unknown)).toEqual([
    'CONFLICT',
    'MISMATCH',
    'MISMATCH',
    'MISMATCH',
  ])
  expect(all[0]).toMatchObject({
    source: { topic: world.topics.reports },
    message: JSON.stringify({ ...first, kind: 'EXPIRED' }),
  })
  const resolved = await service.http(`/exceptions/reports/${all[0]!.id}/resolve`, {
    body: { resolvedBy: 'ops', note: 'told them' },
  })
  expect(resolved.status).toBe(200)
  expect(await list('&resolved=false')).toHaveLength(3)
  await service.logged(
    (line) => line.message === 'a report of the engine is kept as an exception' && line['orderId'] === orderId,
  )
})

test('a report of a stop that waits is a mismatch: the engine cannot know it', async () => {
  const orderId = await place({ type: 'STOP', price: undefined, stopPrice: 900 })
  expect(await apply(reportOf({ orderId, cumulativeQuantity: 0 }))).toEqual({ MISMATCH: 1 })
  expect(await orderOf(orderId)).toMatchObject({ status: 'NEW', version: 0 })
})

test('a report of no order here, and what is no report, become dead letters; their partition goes on', async () => {
  const [stranger, orderId] = [crypto.randomUUID(), await place()]
  await world.kafka.publish([{ topic: world.topics.reports, key: 'AAPL', value: `no report ${stranger}` }])
  await world.reportsConsumed()
  expect(
    await apply(
      reportOf({ orderId: stranger }),
      reportOf({ orderId, kind: 'FILLED' }),
      reportOf({ orderId, cumulativeQuantity: 0 }),
    ),
  ).toEqual({ UNKNOWN_ORDER: 1, MALFORMED: 1, APPLIED: 1 })
  const found = await letters(stranger)
  expect(found.map(({ headers }) => [headers['x-disposition'], headers['x-reason'], headers['x-legs']])).toEqual([
    ['MALFORMED', 'is no JSON in UTF-8', ''],
    ['UNKNOWN_ORDER', 'no such order here', `ORDER:${stranger}`],
  ])
  expect(found[0]!.headers).toMatchObject({ 'x-original-topic': world.topics.reports })
  expect((await letters(orderId)).map(({ headers }) => headers['x-reason'])).toEqual([
    'kind must be one of REJECTED, CANCELED, EXPIRED',
  ])
  const figures = await service.metrics()
  expect(figures['orders_report_dead_letters_total{disposition="MALFORMED"}']).toBe(2)
})

test('a dead letter is redriven once its order is here: the order ends once, however often', async () => {
  await using own = await createWorld({ env: features })
  const one = await own.start()
  const { DATABASE_URL: _, ...env } = own.env
  const redrive = (...args: string[]) => runBinary(['redrive', '--reports', ...args], env)
  const body = orderBody({ clientOrderId: 'to-come' })
  const orderId = crypto.randomUUID()
  await own.publishReports(reportOf({ orderId, cumulativeQuantity: 0 }))
  await own.reportsConsumed()
  const id = String((await one.post(body)).json['id'])
  // The order that the report names: as after a restore, when the letter is older than the row.
  const [letter] = await own.kafka.read(own.topics.reportLetters)
  expect(letter!.headers['x-disposition']).toBe('UNKNOWN_ORDER')
  await own.kafka.publish([
    {
      topic: own.topics.reportLetters,
      key: 'AAPL',
      value: letter!.value!.replace(orderId, id),
      headers: { ...letter!.headers, 'x-legs': `ORDER:${id}`, 'x-dead-letter-id': `${own.topics.reports}-0-900` },
    },
  ])
  const dry = await redrive('--order', id, '--dry-run')
  expect(dry.out).toStartWith(`${own.topics.reports}-0-900  UNKNOWN_ORDER  no such order here  ORDER:${id}\n`)
  for (let again = 0; again < 2; again++) expect((await redrive('--order', id)).exitCode).toBe(0)
  await ended(id, 'CANCELED', one)
  await until(async () => (await counts(one))['DUPLICATE'] === 1, { what: 'the second is a duplicate' })
  expect(await orderOf(id, one)).toMatchObject({ version: 1 })
  const sent = (await own.kafka.read(own.topics.reports)).filter(
    ({ headers }) => headers['x-redriven-from'] !== undefined,
  )
  expect(sent.map(({ headers }) => headers)).toEqual([
    { 'x-redriven-from': `${own.topics.reports}-0-900` },
    { 'x-redriven-from': `${own.topics.reports}-0-900` },
  ])
})

test('a report that waits is settled by whoever lives: after kill -9 its fills end the order', async () => {
  await using own = await createWorld({ env: features })
  const first = await own.start()
  const id = await place({ quantity: 100 }, first)
  await own.publishReports(reportOf({ orderId: id, cumulativeQuantity: 70 }))
  await until(async () => (await statesOf(id, own)).join() === 'WAITING', { what: 'the report waits' })
  await own.reportsConsumed()
  await first.kill()
  const second = await own.start()
  expect(await orderOf(id, second)).toMatchObject({ status: 'NEW' })
  await own.publishTrades(tradeOf({ buyOrderId: id, quantity: 70 }))
  await ended(id, 'CANCELED', second)
  expect(await orderOf(id, second)).toMatchObject({ filledQuantity: 70, version: 2 })
  expect(await lateOf(id, own)).toEqual([false])
})

test('a process that dies between the row and the offset leaves one end, and the report comes again', async () => {
  await using own = await createWorld({ env: features })
  const env = { ORDERS_TEST_CRASH: 'after-report-before-offset@1' }
  const first = await own.start({ env, command: [await crashingBinary(), 'serve'] })
  const id = await place({}, first)
  const report = reportOf({ orderId: id, cumulativeQuantity: 0 })
  await own.publishReports(report)
  await first.exited
  expect(await statesOf(id, own)).toEqual(['APPLIED'])
  const second = await own.start()
  await own.reportsConsumed()
  await until(async () => (await counts(second))['DUPLICATE'] === 1, { what: 'it is a duplicate' })
  expect(await orderOf(id, second)).toMatchObject({ status: 'CANCELED', version: 1 })
})

test('fills that never come: the order ends past the limit, and somebody has to look', async () => {
  await using own = await createWorld({ env: { ...features, REPORT_WAIT_MS: '1500' } })
  const one = await own.start()
  const id = await place({ quantity: 100 }, one)
  await own.publishTrades(tradeOf({ buyOrderId: id, quantity: 40 }))
  await own.publishReports(reportOf({ orderId: id, cumulativeQuantity: 70 }))
  await ended(id, 'CANCELED', one)
  expect(await orderOf(id, one)).toMatchObject({ filledQuantity: 40, version: 2, reason: { code: 'ENGINE_CANCELED' } })
  const [exception] = (await one.http(`/exceptions/reports?orderId=${id}`)).json['exceptions'] as object[]
  expect(exception).toMatchObject({
    disposition: 'INCOMPLETE',
    reason: 'fills that the report counts have not come',
    cumulativeQuantity: 70,
  })
  expect(await counts(one)).toMatchObject({ INCOMPLETE: 1, APPLIED: 0 })
  expect((await one.metrics())['orders_report_exceptions_total{disposition="INCOMPLETE"}']).toBe(1)
  await own.publishTrades(tradeOf({ buyOrderId: id, quantity: 30 }))
  await own.tradesConsumed()
  expect(await lateOf(id, own)).toEqual([false, true])
})

test('two replicas: each report ends its order once, whoever reads trades and whoever reads reports', async () => {
  await using own = await createWorld({ env: features })
  const [a, b] = await Promise.all([own.start(), own.start()])
  const ids = await Promise.all(Array.from({ length: 60 }, (_, i) => place({ quantity: 100 }, i % 2 === 0 ? a : b)))
  const ticker = (i: number) => `T${i % 7}`
  await Promise.all([
    own.publishReports(
      ...ids.map((orderId, i) => reportOf({ orderId, cumulativeQuantity: i % 3 === 0 ? undefined : 10 })),
    ),
    own.publishTrades(...ids.map((id, i) => ({ ...tradeOf({ buyOrderId: id, quantity: 10 }), key: ticker(i) }))),
  ])
  await Promise.all(ids.map((id) => ended(id, 'CANCELED', a)))
  for (const id of ids) {
    expect(await orderOf(id, b)).toMatchObject({ filledQuantity: 10, version: 2 })
    expect(await lateOf(id, own)).toEqual([false])
  }
})

test('health says what becomes of reports: that they are read, and which of them wait', async () => {
  const kafka = async () => {
    const { components } = (await service.http('/actuator/health')).json as {
      components: { kafka: { status: string; details: Record<string, unknown> } }
    }
    return components.kafka
  }
  const id = await place({ quantity: 100 })
  await world.publishReports(reportOf({ orderId: id, cumulativeQuantity: 70 }))
  const waiting = await until(
    async () => {
      const { details } = await kafka()
      return String(details['reportsWait']).startsWith('1 for up to ') ? details : false
    },
    { what: 'health says that a report waits' },
  )
  expect(waiting).toMatchObject({
    reportsConsumer: 'connected',
    reportsStandStill: 'no partition',
    reportLettersWait: 'none',
  })
  expect((await service.metrics())['orders_reports_waiting']).toBe(1)
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 70 }))
  await ended(id, 'CANCELED')
  await until(async () => (await kafka()).details['reportsWait'] === 'none', { what: 'none waits' })
  expect((await kafka()).status).toBe('UP')
})

test('verify finds every report again, whatever became of it, and names one that left no trace', async () => {
  await using own = await createWorld({ env: features })
  const one = await own.start()
  const [ended, waiting, odd] = [await place({}, one), await place({}, one), await place({}, one)]
  await own.kafka.publish([{ topic: own.topics.reports, key: 'AAPL', value: 'no report' }])
  await own.publishReports(
    reportOf({ orderId: ended, reportId: 'lost', cumulativeQuantity: 0 }),
    reportOf({ orderId: ended, reportId: 'late' }),
    reportOf({ orderId: waiting, cumulativeQuantity: 7 }),
    reportOf({ orderId: odd, ticker: 'MSFT' }),
    reportOf({ orderId: crypto.randomUUID() }),
  )
  await own.reportsConsumed()
  await own.outboxEmpty()
  const verify = () => runBinary(['verify', '--topics'], own.env)
  const clean = await verify()
  expect({ exitCode: clean.exitCode, out: clean.out }).toEqual({
    exitCode: 0,
    out: expect.stringContaining(`6 reports below the committed offsets of ${own.name}.reports`),
  })
  await own.sql.unsafe(
    `set local session_replication_role = replica; delete from ingested_reports where report_id in ('lost', 'late')`,
  )
  const { exitCode, out } = await verify()
  expect(exitCode).toBe(1)
  expect(out).toContain(
    `report lost of order ${ended}: expected a row or an exception with its content, or a dead letter`,
  )
  expect(out).toContain(`report late of order ${ended}: `)
  expect(out).toContain(`order ${ended}: report: expected 1 that ended it, found 0`)
})

test('without the feature nobody reads reports, and nothing is said of them', async () => {
  await using own = await createWorld()
  const one = await own.start()
  const id = await place({}, one)
  await own.publishReports(reportOf({ orderId: id, cumulativeQuantity: 0 }))
  const { details } = ((await one.http('/actuator/health')).json['components'] as Record<string, { details: object }>)[
    'kafka'
  ]!
  expect(Object.keys(details)).not.toContain('reportsConsumer')
  expect(Object.keys(await one.metrics())).not.toContain('orders_reports_connected')
  expect(await orderOf(id, one)).toMatchObject({ status: 'NEW' })
})
