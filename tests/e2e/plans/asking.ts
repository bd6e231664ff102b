// What clients and operators ask of a service: lists with every filter, page by page, orders, health, and the log from long ago.

import { openEventStream } from '../../support/eventStream.ts'
import { expect } from '../../support/explained.ts'
import { deskUser, userOf } from '../../support/largeTables.ts'
import type { RunningService } from '../../support/service.ts'

/** Follows the cursors of a list for some pages. */
export const pagesOf = async (service: RunningService, path: string, pages = 3): Promise<Record<string, unknown>[]> => {
  const rows: Record<string, unknown>[] = []
  let cursor: string | null | undefined
  for (let page = 0; page < pages; page++) {
    const { status, json: body, text } = await service.http(cursor === undefined ? path : `${path}&cursor=${cursor}`)
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    rows.push(...(Object.values(body).find(Array.isArray) as Record<string, unknown>[]))
    cursor = body['nextCursor'] as string | null
    if (cursor === null || cursor === undefined) break
  }
  return rows
}

const lists = [
  '',
  'status=open',
  'status=FILLED',
  'status=REJECTED&side=BUY',
  'type=STOP&triggered=false',
  'type=STOP&triggered=true',
  'timeInForce=GTD&status=open',
  'ticker=AAPL',
  'ticker=AAPL&status=open',
  'ticker=T7',
  'ticker=T7&side=SELL&status=CANCELED',
  'ticker=NONE',
  `userId=${deskUser}`,
  `userId=${deskUser}&status=open`,
  `userId=${deskUser}&status=CANCELED&side=SELL`,
  `userId=${deskUser}&ticker=AAPL`,
  `userId=${deskUser}&ticker=T9&status=open`,
  `userId=${userOf(5)}`,
  `userId=${userOf(5)}&status=closed`,
  `userId=${userOf(99_999)}`,
  `userId=${userOf(5)}&clientOrderId=key-5`,
  'clientOrderId=key-11',
  'expiresBefore=2099-01-01T00:00:00Z',
  'createdBefore=2000-01-01T00:00:00Z',
]

export const readLists = async (service: RunningService): Promise<void> => {
  const past = new Date(Date.now() - 3_600_000).toISOString()
  const times = [`createdAfter=${past}`, `createdBefore=${past}`, `createdAfter=${past}&ticker=AAPL&status=open`]
  for (const query of [...lists, ...times]) {
    await pagesOf(service, `/orders?${query}`)
    await pagesOf(service, `/orders?${query}&limit=500`, 2)
  }
  const exceptions = ['', 'resolved=false', 'resolved=true', 'disposition=CONFLICT', `orderId=${crypto.randomUUID()}`]
  for (const query of exceptions)
    for (const path of ['/exceptions', '/exceptions/reports']) await pagesOf(service, `${path}?${query}`)
  await pagesOf(service, '/exceptions?tradeId=bad-7')
  await pagesOf(service, '/exceptions/reports?reportId=bad-7')
  for (const path of ['/instruments?', '/rules/changes?limit=100', '/instruments?ticker=I7'])
    await pagesOf(service, path)
  for (const path of [
    '/trading',
    '/trading?ticker=I5',
    '/trading?ticker=AAPL',
    '/actuator/health',
    '/metrics',
    '/actuator/info',
  ])
    expect((await service.http(path)).status).toBe(200)
}

export const readOrders = async (service: RunningService): Promise<void> => {
  const some = (
    await Promise.all(
      ['FILLED', 'CANCELED', 'open', 'REJECTED'].map((status) => pagesOf(service, `/orders?status=${status}&limit=5`)),
    )
  ).flat()
  for (const { id } of some)
    for (const path of ['', '/fills', '/events']) await service.http(`/orders/${String(id)}${path}`)
}

export const follow = async (service: RunningService, cursor: string): Promise<void> => {
  const paths = ['', `&userId=${deskUser}`, '&ticker=T7', `&userId=${userOf(5)}`]
  for (const filter of paths) {
    let next = cursor
    for (let page = 0; page < 5; page++) {
      const { status, json: body, text } = await service.http(`/events?limit=500&cursor=${next}${filter}`)
      if (status !== 200) throw new Error(text)
      next = String(body['cursor'])
    }
    const stream = await openEventStream(`${service.url}/orders/stream?${filter.slice(1)}`, {
      headers: { 'last-event-id': cursor },
    })
    await stream.seen(({ event }) => event === 'order', 'the stream has gone on')
    stream.close()
    const fresh = await openEventStream(`${service.url}/orders/stream?${filter.slice(1)}`)
    await fresh.seen(({ event }) => event === 'live', 'the stream is live')
    fresh.close()
  }
  await service.http('/events')
}
