// Proves: a stream of the compiled binary shows every change of every order, in order and without a gap, whoever serves it next; it ends
// cleanly when the service stops, and a client that reads nothing holds up nobody.

import { connect as connectTcp, type Socket } from 'node:net'
import { freePort } from '../stack/ports.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { openEventStream, type EventStreamClient } from '../support/eventStream.ts'
import { expect, test } from '../support/explained.ts'
import { startLoad } from '../support/load.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

type OrderEvent = {
  event: { orderId: string; version: number; kind: string; status: string }
  order: { id: string; version: number; status: string; filledQuantity: number }
}
const orderEvents = ({ blocks }: Pick<EventStreamClient, 'blocks'>): OrderEvent[] =>
  blocks.filter(({ event }) => event === 'order').map(({ data }) => data as OrderEvent)
const kindsOf = (client: Pick<EventStreamClient, 'blocks'>, id: string): string[] =>
  orderEvents(client)
    .filter(({ event }) => event.orderId === id)
    .map(({ event }) => `${event.version} ${event.kind} ${event.status}`)

const streamOf = ({ url }: RunningService, query = '', headers: Record<string, string> = {}) =>
  openEventStream(`${url}/orders/stream${query}`, { headers })
test('place, fill and cancel are seen as they happen, also by polling; filters hold', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const before = await placeOrder(service, { ticker: 'OPEN' })
  const all = await streamOf(service)
  const some = await streamOf(service, '?ticker=OTHER')
  await all.seen(({ event }) => event === 'live', 'the snapshot is complete')
  await some.seen(({ event }) => event === 'live', 'the snapshot is complete')
  const { cursor } = (await service.http('/events')).json as { cursor: string }
  expect(all.events()[0]).toMatchObject({ event: 'snapshot', data: { orders: [{ id: before, status: 'NEW' }] } })

  const id = await placeOrder(service, { ticker: 'AAPL', quantity: 10 })
  await all.seen(({ data }) => (data as OrderEvent | undefined)?.order?.id === id, 'the placement')
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 4 }), tradeOf({ buyOrderId: id, quantity: 6 }))
  const other = await placeOrder(service, { ticker: 'OTHER' })
  expect((await service.http(`/orders/${other}/cancel`, { method: 'POST' })).status).toBe(200)
  await until(() => kindsOf(all, id).length === 3 && kindsOf(all, other).length === 2, { what: 'all is seen' })
  const expected = ['0 ACCEPTED NEW', '1 FILLED PARTIALLY_FILLED', '2 FILLED FILLED']
  expect(kindsOf(all, id)).toEqual(expected)
  expect(kindsOf(all, other)).toEqual(['0 ACCEPTED NEW', '1 CANCELED CANCELED'])
  await until(() => orderEvents(some).length === 2, { what: 'the filtered stream has its own' })
  expect(orderEvents(some).map(({ event }) => event.orderId)).toEqual([other, other])

  const page = (await service.http(`/events?cursor=${cursor}&orderId=${id}`)).json as { events: OrderEvent[] }
  expect(page.events.map(({ event }) => `${event.version} ${event.kind} ${event.status}`)).toEqual(expected)
  expect(page.events).toEqual(orderEvents(all).filter(({ event }) => event.orderId === id))
  const metrics = await service.metrics()
  expect(metrics['orders_streams_open']).toBe(2)
  expect(metrics['orders_stream_events_total']).toBeGreaterThanOrEqual(7)
  for (const client of [all, some]) client.close()
  await until(async () => (await service.metrics())['orders_streams_open'] === 0, { what: 'both are gone' })
})

/** Follows wherever it is let in, with the last id that it has read, until `stop`; each stream lasts for `eventsMax` events at the most. */
const wander = (next: () => string, eventsMax = Infinity) => {
  const seen = new Map<string, number[]>()
  const stopping = new AbortController()
  const { promise: live, resolve: isLive } = Promise.withResolvers<void>()
  let [streams, anew] = [0, 0]
  const run = async (): Promise<void> => {
    let lastId: string | null = null
    while (!stopping.signal.aborted) {
      let count = 0
      const client = await openEventStream(`${next()}/orders/stream`, {
        headers: lastId === null ? {} : { 'last-event-id': lastId },
        onBlock({ event, data, id }) {
          lastId = id ?? lastId
          if (event === 'snapshot' || event === 'reset') anew++
          if (event === 'live') isLive()
          if (event !== 'order') return
          const { orderId, version } = (data as OrderEvent).event
          const versions = seen.get(orderId) ?? []
          // It may come again, and never before its predecessor.
          if (version === versions.length) versions.push(version)
          else if (version > versions.length) throw new Error(`version ${version} after ${versions.join()}`)
          seen.set(orderId, versions)
          count++
        },
      }).catch(() => null)
      if (client === null) {
        await Bun.sleep(50)
        continue
      }
      streams++
      await until(() => stopping.signal.aborted || client.isOver() || count >= eventsMax, {
        what: 'the stream has its share',
      })
      client.close()
      await client.ended
    }
  }
  const ended = run()
  return {
    seen,
    /** An order of the snapshot comes in no event: what is to be seen is placed after it. */
    live,
    streams: () => streams,
    anew: () => anew,
    async stop() {
      stopping.abort()
      await ended
    },
  }
}

/** Every version of every order, once it is seen; whoever misses one waits here in vain. */
const sawAll = async ({ sql }: World, { seen }: Pick<ReturnType<typeof wander>, 'seen'>): Promise<number> => {
  const rows = await sql<{ id: string; version: number }[]>`select id, version from orders`
  const missing = (): string[] =>
    rows.filter(({ id, version }) => seen.get(id)?.length !== version + 1).map(({ id }) => id)
  await until(() => missing().length === 0, { what: 'every version was seen', deadlineMs: 30_000 }).catch(() =>
    expect(missing()).toEqual([]),
  )
  return rows.length
}

test('two replicas served alternately: no version is missed', async () => {
  await using world = await createWorld()
  const replicas = [await world.start(), await world.start()]
  let turn = 0
  const follower = wander(() => replicas[turn++ % 2]!.url, 40)
  await follower.live
  const load = startLoad({ targets: () => replicas, clients: 12, pauseMs: 2, cancelEvery: 3 })
  await load.next(1_500, ({ status }) => status === 202)
  await load.stop()
  expect(await sawAll(world, follower)).toBeGreaterThanOrEqual(1_500)
  await follower.stop()
  expect(follower.streams()).toBeGreaterThan(5)
  // The open orders of the first time alone: every other stream went on where the one before ended.
  expect(follower.anew()).toBeLessThanOrEqual(1)
})

test('SIGTERM moves a client to another replica without a gap, and the service ends cleanly', async () => {
  await using world = await createWorld()
  const first = await world.start({ env: { SHUTDOWN_DEADLINE_MS: '30000' } })
  const second = await world.start()
  let target = first
  const follower = wander(() => target.url)
  await follower.live
  const load = startLoad({ targets: () => [target], clients: 8, pauseMs: 2, cancelEvery: 3 })
  await load.next(300, ({ status }) => status === 202)
  target = second
  expect(await first.stop()).toBe(0)
  expect(first.noise()).toBe('')
  await load.next(300, ({ status }) => status === 202)
  await load.stop()
  await sawAll(world, follower)
  await follower.stop()
  expect(follower.anew()).toBeLessThanOrEqual(1)
})

const deaf = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.pause()
      socket.write('GET /orders/stream HTTP/1.1\r\nhost: localhost\r\n\r\n')
      resolve(socket)
    })
    socket.on('error', reject)
  })

test('a client that reads nothing is given up, and the others have everything', async () => {
  await using world = await createWorld({ env: { STREAM_BUFFER_MAX_BYTES: '65536' } })
  const service = await world.start()
  const follower = wander(() => service.url)
  await follower.live
  const socket = await deaf(service.port)
  await until(async () => (await service.metrics())['orders_streams_open'] === 2, { what: 'both follow' })
  const load = startLoad({ targets: () => [service], clients: 64, pauseMs: 0 })
  // What the kernel takes for it comes first: some MiB.
  await until(async () => (await service.metrics())['orders_stream_ends_total{reason="lagging"}'] === 1, {
    what: 'it lags',
  })
  await load.stop()
  await sawAll(world, follower)
  await follower.stop()
  let text = ''
  socket.on('data', (bytes) => (text = (text + bytes.toString()).slice(-2_000)))
  socket.resume()
  await until(() => text.includes('event: lagging\nid: '), { what: 'it reads why' }).finally(() => socket.destroy())
})

test('streams are limited, are on the port for everybody alone, and go over TLS', async () => {
  const authority = createAuthority('stream authority')
  const certificate = authority.issue('orders', { hosts: ['127.0.0.1'] })
  const files = writeCertificate(temporaryDir('stream'), 'server', certificate)
  const management = await freePort()
  await using world = await createWorld({
    env: {
      SERVER_TLS_CERT_FILE: files.cert,
      SERVER_TLS_KEY_FILE: files.key,
      STREAMS_MAX: '1',
      MANAGEMENT_PORT: String(management),
    },
  })
  const service = await world.start({ wait: 'nothing' })
  await service.logged('serving')
  const client = await streamOf(service)
  await client.seen(({ event }) => event === 'live', 'the snapshot is complete')
  const id = await placeOrder(service)
  await until(() => kindsOf(client, id).length === 1, { what: 'the placement is seen over TLS' })
  const refused = await service.http('/orders/stream')
  expect([refused.status, refused.json['code'], refused.headers.get('retry-after')]).toEqual([429, 'RATE_LIMITED', '5'])
  expect((await fetch(`http://127.0.0.1:${management}/orders/stream`)).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${management}/events`)).status).toBe(404)
  expect(await service.stop()).toBe(0)
  await client.ended
  expect(client.blocks.at(-1)).toMatchObject({ comment: 'the service stops: connect again' })
})
