// What clients, engines and operators do to orders: each way to place, to cancel, to fill and to end them, and the rules of business.

import { expect } from '../../support/explained.ts'
import { deskUser, userOf } from '../../support/largeTables.ts'
import { orderBody } from '../../support/orderBody.ts'
import type { RunningService } from '../../support/service.ts'
import { until } from '../../support/until.ts'
import { reportOf, tradeOf, type World } from '../../support/world.ts'
import { pagesOf } from './asking.ts'

const json = (method: string, body: object) => ({ method, body })
const who = { by: 'ops', note: 'a test' }

const place = async (service: RunningService, members: Record<string, unknown>): Promise<string> => {
  const reply = await service.post(orderBody(members))
  if (reply.status !== 202) throw new Error(reply.text)
  return String(reply.json['id'])
}
export const placeMany = async (service: RunningService, all: Record<string, unknown>[]): Promise<string[]> => {
  const reply = await service.http('/orders/batch', { body: { orders: all.map((one) => orderBody(one)) } })
  return (reply.json['results'] as { order?: { id: string } }[]).flatMap(({ order }) =>
    order === undefined ? [] : [order.id],
  )
}
export const times = <T>(count: number, of: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => of(n))

export const placeAndCancel = async (service: RunningService): Promise<void> => {
  const ids = await Promise.all(
    times(60, (n) => place(service, { userId: userOf(n), ticker: `T${n}`, clientOrderId: `new-${n}` })),
  )
  await Promise.all(times(60, (n) => place(service, { userId: userOf(n), ticker: `T${n}`, clientOrderId: `new-${n}` })))
  // Keys of long ago, with other terms, and of nobody.
  for (let n = 0; n < 20; n++) {
    await service.post(orderBody({ userId: userOf(1 + n), clientOrderId: `key-${n}` }))
    await service.http('/orders/void', { body: { userId: userOf(1 + (n % 2000)), clientOrderId: `key-${n}` } })
    await service.http('/orders/void', { body: { userId: userOf(n), clientOrderId: `void-${n}` } })
    await service.post(orderBody({ userId: userOf(n), clientOrderId: `void-${n}` }))
  }
  await service.http('/orders/validate', { body: orderBody({}) })
  for (let i = 0; i < 4; i++)
    ids.push(
      ...(await placeMany(
        service,
        times(250, (n) => ({ userId: userOf(n), ticker: `T${n % 200}`, clientOrderId: `b-${i}-${n}` })),
      )),
    )
  await Promise.all(ids.slice(0, 300).map((id) => service.http(`/orders/${id}`, { method: 'DELETE' })))
  await Promise.all(ids.slice(0, 20).map((id) => service.http(`/orders/${id}/cancel`, { method: 'POST' })))
  for (const query of [
    `userId=${userOf(7)}`,
    'ticker=T7',
    `userId=${userOf(8)}&ticker=T8&side=BUY`,
    'ticker=T9&side=SELL',
    `userId=${deskUser}&ticker=T20`,
  ])
    expect((await service.http(`/orders?${query}`, { method: 'DELETE' })).status).toBe(200)
}

export const tradeAndStop = async (world: World, service: RunningService): Promise<void> => {
  const ids = await placeMany(
    service,
    times(200, (n) => ({ userId: userOf(n), ticker: 'T3' })),
  )
  const stops = await placeMany(
    service,
    times(100, (n) => ({
      userId: userOf(n),
      ticker: 'T3',
      type: 'STOP',
      side: 'SELL',
      price: undefined,
      stopPrice: 100 + n,
    })),
  )
  const at = new Date().toISOString()
  const trades = ids.map((buyOrderId, n) =>
    tradeOf({ ticker: 'T3', buyOrderId, quantity: n % 2 === 0 ? 40 : 100, price: 150, timestamp: at }),
  )
  const late = await place(service, { ticker: 'T4' })
  await service.http(`/orders/${late}`, { method: 'DELETE' })
  const filled = ids[1]
  await world.publishTrades(...trades, ...trades.slice(0, 20))
  await world.publishTrades(
    tradeOf({ ticker: 'T4', buyOrderId: late, quantity: 10, timestamp: at }),
    tradeOf({ ticker: 'T3', buyOrderId: filled, quantity: 500, timestamp: at }),
    tradeOf({ ticker: 'T5', buyOrderId: ids[2], quantity: 10, timestamp: at }),
    ...times(50, (n) =>
      tradeOf({
        ticker: 'AAPL',
        buyOrderId: crypto.randomUUID(),
        sellOrderId: crypto.randomUUID(),
        quantity: 10,
        price: 120 + n,
        timestamp: at,
      }),
    ),
    tradeOf({ ticker: 'T3', buyOrderId: ids[4], quantity: 10, price: 50, timestamp: new Date().toISOString() }),
  )
  await world.tradesConsumed()
  await until(
    async () =>
      (await world.sql`select from orders where id = any (${stops}) and triggered_at is not null`).length > 90,
    { what: 'the stops are triggered' },
  )
}

export const changeRules = async (service: RunningService): Promise<void> => {
  const set = (path: string, body: object) => service.http(path, json('PUT', { ...who, ...body }))
  for (const [path, body] of [
    ['/instruments?ticker=T30', { tickSize: 0.5 }],
    ['/instruments?ticker=T30', {}],
    ['/trading?ticker=T30', { state: 'HALTED' }],
    ['/trading?ticker=T31', { state: 'HALTED', cancelOpen: true }],
    ['/trading?ticker=T30', { state: 'ACTIVE' }],
    ['/trading', { state: 'HALTED' }],
    ['/trading', { state: 'ACTIVE' }],
  ] as const) {
    const reply = await set(path, body)
    if (reply.status !== 200) throw new Error(`${path} ${reply.text}`)
  }
  await service.http(`/instruments?ticker=T30&by=ops&note=x`, { method: 'DELETE' })
  await service.post(orderBody({ ticker: 'T31' }))
}

export const resolveSome = async (service: RunningService): Promise<void> => {
  for (const path of ['/exceptions', '/exceptions/reports'])
    for (const { id } of (await pagesOf(service, `${path}?resolved=false`)).slice(0, 5))
      await service.http(`${path}/${String(id)}/resolve`, { body: { resolvedBy: 'ops', note: 'a test' } })
}

export const armSwitches = async (service: RunningService): Promise<void> => {
  for (const [n, timeoutMs] of [1_000, 0, 60_000, 1_000].entries())
    await service.http('/orders/cancel-after', { body: { userId: userOf(n + 2), timeoutMs } })
}

export const reportEnds = async (world: World, service: RunningService): Promise<void> => {
  const ids = await placeMany(
    service,
    times(250, (n) => ({ userId: userOf(n), ticker: 'T6', quantity: 100 })),
  )
  await world.publishReports(
    ...ids.slice(0, 100).map((orderId) => reportOf({ ticker: 'T6', orderId, cumulativeQuantity: 0 })),
    ...ids.slice(0, 10).map((orderId) => reportOf({ ticker: 'T6', orderId, kind: 'EXPIRED' })),
    ...ids.slice(100, 200).map((orderId) => reportOf({ ticker: 'T6', orderId, cumulativeQuantity: 40 })),
    ...ids.slice(200, 210).map((orderId) => reportOf({ ticker: 'T7', orderId, cumulativeQuantity: 0 })),
    ...times(10, () => reportOf({ ticker: 'T6', orderId: crypto.randomUUID() })),
  )
  await world.reportsConsumed()
  await world.publishTrades(
    ...ids.slice(100, 200).map((buyOrderId) => tradeOf({ ticker: 'T6', buyOrderId, quantity: 40 })),
  )
  await world.tradesConsumed()
  await until(
    async () => (await world.sql`select from ingested_reports where settled_at is null limit 1`).length === 0,
    { what: 'no report waits' },
  )
}
