// Proves: a stream says what the tail says, in the form of server-sent events; a slow client waits for itself alone and is given up when
// too much waits for it; a stream ends with its client, its credential or the service, and never more are open than may be.

import { afterEach, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { createStreams } from '../../../src/app/streams.ts'
import type { Listener } from '../../../src/http/listener.ts'
import type { ServerOptions } from '../../../src/http/server.ts'
import type { StreamEnd } from '../../../src/http/stream/eventStream.ts'
import { createOpenStreams } from '../../../src/http/stream/openStreams.ts'
import { orderJson } from '../../../src/wire/order.ts'
import { openEventStream } from '../../support/eventStream.ts'
import { until } from '../../support/until.ts'
import { refusal, readAnswer, serverOptions, startServer } from '../harness.ts'
import { createFakeFollow, eventOf, order } from './fakeFollow.ts'

const listeners: Listener[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()))
})

const open = (changed: Partial<ServerOptions> = {}, limits = { max: 1_000, perCallerMax: 100 }) => {
  const fake = createFakeFollow()
  const ends: StreamEnd[] = []
  const counts = { events: 0, resets: 0 }
  const streams = createStreams({ follow: fake.follow, ...limits })
  const openStreams = createOpenStreams()
  const options = serverOptions({
    streams,
    openStreams,
    observeStream: {
      onEvents: (count) => (counts.events += count),
      onReset: () => counts.resets++,
      onEnd: (end) => ends.push(end),
    },
    ...changed,
  })
  const listener = startServer(options)
  listeners.push(listener)
  const url = `http://127.0.0.1:${listener.port}`
  return { ...fake, listener, streams, openStreams, ends, counts, url }
}

/** A client that reads nothing until it is told to. */
const connectDeaf = (port: number, path = '/orders/stream'): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.pause()
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      resolve(socket)
    })
    sockets.push(socket)
    socket.on('error', reject)
  })

describe('a stream', () => {
  test('begins with the open orders, then has every change with the cursor after it', async () => {
    const { url, followers, counts } = open({ random: () => 0.5 })
    const client = await openEventStream(`${url}/orders/stream`)
    expect(client.status).toBe(200)
    expect(client.headers.get('content-type')).toBe('text/event-stream')
    // What compresses on the way would keep the events back until its window is full.
    expect(client.headers.get('cache-control')).toBe('no-store, no-transform')
    expect(client.headers.get('x-accel-buffering')).toBe('no')
    const [follower] = followers
    follower!.give({ kind: 'snapshot', orders: [order] })
    follower!.give({ kind: 'snapshot', orders: [order, order] })
    follower!.give({ kind: 'live', cursor: 'c0' })
    follower!.give({ kind: 'events', events: [eventOf(1), eventOf(2)] })
    await client.seen(({ id }) => id === 'c2', 'the second event')
    const asJson = JSON.parse(orderJson(order)) as object
    expect(client.blocks).toEqual([
      { retry: 2_000 },
      { event: 'snapshot', data: { orders: [asJson] } },
      { event: 'snapshot', data: { orders: [asJson, asJson] } },
      { event: 'live', id: 'c0', data: {} },
      { event: 'order', id: 'c1', data: JSON.parse(eventOf(1).event.text) as object },
      { event: 'order', id: 'c2', data: JSON.parse(eventOf(2).event.text) as object },
    ])
    expect(counts.events).toBe(2)
    client.close()
    await until(() => follower!.isClosed(), { what: 'the follower is closed' })
  })

  test('has no line that the line readers of common clients refuse, however many orders are open', async () => {
    const { url, followers } = open()
    const ids = Array.from({ length: 500 }, () => crypto.randomUUID())
    const response = await fetch(`${url}/orders/stream`)
    followers[0]!.give({ kind: 'snapshot', orders: ids.map((id) => ({ ...order, id })) })
    followers[0]!.give({ kind: 'live', cursor: 'c0' })
    followers[0]!.give({ kind: 'ended', cursor: 'c0' })
    const lines = (await response.text()).split('\n')
    // Go's bufio.Scanner gives up at 64 KiB, and its caller begins again with the same snapshot.
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(65_536)
    const pages = lines.flatMap((line) => (line.startsWith('data: {"orders"') ? [line.slice(6)] : []))
    const sent = pages.flatMap((page) => (JSON.parse(page) as { orders: { id: string }[] }).orders)
    expect(sent.map(({ id }) => id)).toEqual(ids)
    expect(pages.every((page) => page !== '{"orders":[]}')).toBe(true)
  })

  test('hands on its filters and its cursor; the last id counts more than the address', async () => {
    const { url, followers } = open()
    const userId = 'B0B00000-0000-4000-8000-000000000002'
    const one = await openEventStream(`${url}/orders/stream?userId=${userId}&ticker=brk.b&cursor=first`)
    const two = await openEventStream(`${url}/orders/stream?orderId=${userId}&cursor=first`, {
      headers: { 'last-event-id': 'second' },
    })
    expect(followers.map(({ filter, cursor }) => ({ filter, cursor }))).toEqual([
      { filter: { userId: userId.toLowerCase(), ticker: 'BRK.B' }, cursor: 'first' },
      { filter: { orderId: userId.toLowerCase() }, cursor: 'second' },
    ])
    one.close()
    two.close()
  })

  test.each([
    ['?page=1', {}, '?page'],
    ['?userId=x', {}, '?userId'],
    ['?ticker=A&ticker=B', {}, '?ticker'],
    ['?limit=1', {}, '?limit'],
    ['?cursor=%20', {}, '?cursor'],
    ['?cursor=bad', {}, '?cursor'],
    ['', { 'last-event-id': 'a b' }, 'header:Last-Event-ID'],
    ['', { 'last-event-id': 'bad' }, 'header:Last-Event-ID'],
  ])('is refused with %s %j', async (query, headers, pointer) => {
    const { url, streams } = open()
    const answer = await readAnswer(await fetch(`${url}/orders/stream${query}`, { headers }))
    expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: [pointer] })
    expect(streams.state().open).toBe(0)
  })

  test('with a filter that is misspelt is refused, also for old clients: without it everything would come', async () => {
    const { url, streams } = open({ unknownFields: 'ignore' })
    for (const [path, pointer] of [
      ['/orders/stream?userid=x', '?userid'],
      ['/events?tickr=IBM', '?tickr'],
    ] as const) {
      const answer = await readAnswer(await fetch(url + path, { signal: AbortSignal.timeout(5_000) }))
      expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: [pointer] })
    }
    expect(streams.state().open).toBe(0)
  })

  test('that begins anew says why', async () => {
    const { url, followers, counts } = open()
    const client = await openEventStream(`${url}/orders/stream?cursor=old`)
    followers[0]!.give({ kind: 'reset', reason: 'TOO_FAR_BEHIND' })
    followers[0]!.give({ kind: 'snapshot', orders: [] })
    const reset = await client.seen(({ event }) => event === 'reset', 'the reset')
    expect(reset.data).toEqual({ reason: 'TOO_FAR_BEHIND' })
    await client.seen(({ event }) => event === 'snapshot', 'a snapshot')
    expect(counts.resets).toBe(1)
    client.close()
  })

  test('of a client for whom nothing happens beats, and moves its cursor without an event', async () => {
    const { url, followers } = open({ heartbeatMs: 50 })
    const client = await openEventStream(`${url}/orders/stream?cursor=c0`)
    await client.seen(({ comment }) => comment === '', 'a heartbeat')
    followers[0]!.give({ kind: 'idle', cursor: 'c7' })
    await until(() => client.lastId() === 'c7', { what: 'the cursor moves' })
    expect(client.events()).toEqual([])
    client.close()
  })

  test('answers HEAD with its headers, and keeps nothing open', async () => {
    const { url, streams, followers } = open()
    const response = await fetch(`${url}/orders/stream`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect(streams.state().open).toBe(0)
    expect(followers[0]!.isClosed()).toBeTrue()
  })
})

describe('a client that reads nothing', () => {
  const megabyte = () => Array.from({ length: 16 }, (_, i) => eventOf(i, 65_536))

  test('makes nobody ask for more than its socket takes', async () => {
    const { listener, followers } = open()
    await connectDeaf(listener.port)
    await until(() => followers.length === 1, { what: 'it follows' })
    const [follower] = followers
    for (let i = 0; i < 100; i++) follower!.give({ kind: 'events', events: megabyte() })
    let asked = -1
    await until(
      () => {
        const isStill = follower!.asked() === asked
        asked = follower!.asked()
        return isStill && asked > 0
      },
      { what: 'nothing more is asked for' },
    )
    // Its socket and the kernel's buffers take some; never all.
    expect(asked).toBeLessThan(20)
  })

  test('is told that it lags, with the cursor of what it was sent, and disconnected', async () => {
    const { listener, followers, ends, streams } = open()
    const socket = await connectDeaf(listener.port)
    await until(() => followers.length === 1, { what: 'it follows' })
    const [follower] = followers
    for (let i = 0; i < 100; i++) follower!.give({ kind: 'events', events: megabyte() })
    await until(() => follower!.asked() > 1, { what: 'the socket is full' })
    follower!.lag()
    expect(ends).toEqual(['lagging'])
    expect(streams.state().open).toBe(0)
    expect(follower!.isClosed()).toBeTrue()
    let text = ''
    socket.on('data', (bytes) => (text = (text + bytes.toString()).slice(-400)))
    socket.resume()
    await until(() => text.includes('event: lagging\nid: c'), { what: 'it reads that it lags' })
    expect(text).toEndWith('0\r\n\r\n')
  })

  test('is cut off after a while if it does not even take that', async () => {
    const { listener, followers } = open()
    const socket = await connectDeaf(listener.port)
    await until(() => followers.length === 1, { what: 'it follows' })
    for (let i = 0; i < 100; i++) followers[0]!.give({ kind: 'events', events: megabyte() })
    await until(() => followers[0]!.asked() > 1, { what: 'the socket is full' })
    followers[0]!.lag()
    // Not by the test: the server alone lets go, though the client takes nothing.
    await listener.stop()
    expect(socket.destroyed).toBeFalse()
  }, 30_000)

  test('is cut off though the tail has nothing more for it', async () => {
    const { listener, followers, ends } = open({ heartbeatMs: 500 })
    await connectDeaf(listener.port)
    await until(() => followers.length === 1, { what: 'it follows' })
    followers[0]!.give({ kind: 'events', events: Array.from({ length: 200 }, (_, i) => eventOf(i, 65_536)) })
    await until(() => ends.length === 1, { what: 'the server lets go' })
    expect(ends).toEqual(['client'])
  }, 30_000)
})

describe('a stream ends', () => {
  test('when its client leaves, however early', async () => {
    const { listener, followers, streams, ends } = open()
    const early = await Promise.all(Array.from({ length: 50 }, () => connectDeaf(listener.port)))
    for (const socket of early) socket.destroy()
    const client = await openEventStream(`http://127.0.0.1:${listener.port}/orders/stream`)
    client.close()
    await until(() => streams.state().open === 0 && followers.length > 0, { what: 'all are gone' })
    expect(followers.every((follower) => follower.isClosed())).toBeTrue()
    expect(new Set(ends)).toEqual(new Set(['client']))
  })

  test('when the service stops: the rest goes out, then the end with the cursor', async () => {
    const { url, listener, followers, ends } = open()
    const client = await openEventStream(`${url}/orders/stream?cursor=c0`)
    followers[0]!.give({ kind: 'events', events: [eventOf(1)] })
    followers[0]!.give({ kind: 'ended', cursor: 'c2' })
    await client.ended
    expect(client.events().map(({ id }) => id)).toEqual(['c1'])
    expect(client.lastId()).toBe('c2')
    expect(ends).toEqual(['shutdown'])
    await listener.stop()
  })

  test('when the service stops and the tail says nothing: the port closes all the same', async () => {
    const { url, listener, followers, openStreams, ends } = open()
    const reading = await openEventStream(`${url}/orders/stream?cursor=c0`)
    await connectDeaf(listener.port)
    await until(() => followers.length === 2, { what: 'both follow' })
    const deaf = followers[1]!
    for (let i = 0; i < 20; i++)
      deaf.give({ kind: 'events', events: Array.from({ length: 16 }, (_, n) => eventOf(n, 65_536)) })
    followers[0]!.give({ kind: 'events', events: [eventOf(1)] })
    await reading.seen(({ id }) => id === 'c1', 'the event')
    const stopped = listener.stop()
    openStreams.end(100)
    await stopped
    await reading.ended
    expect(ends).toEqual(['shutdown', 'shutdown'])
    expect(reading.lastId()).toBe('c1')
  }, 30_000)
})

test('a client that takes its end too slowly is cut off when the port has to close', async () => {
  const { listener, followers } = open()
  await connectDeaf(listener.port)
  await until(() => followers.length === 1, { what: 'it follows' })
  followers[0]!.give({ kind: 'events', events: Array.from({ length: 200 }, (_, i) => eventOf(i, 65_536)) })
  await until(() => followers[0]!.asked() >= 1, { what: 'it is given something' })
  const startedAt = performance.now()
  await listener.stop(500)
  // By itself it would have had half a minute.
  expect(performance.now() - startedAt).toBeLessThan(25_000)
}, 40_000)

describe('streams', () => {
  test('are limited in all; who comes too late is told when to come again', async () => {
    const { url, streams } = open({}, { max: 2, perCallerMax: 1 })
    const clients = [await openEventStream(`${url}/orders/stream`), await openEventStream(`${url}/orders/stream`)]
    const refused = await readAnswer(await fetch(`${url}/orders/stream`))
    expect(refusal(refused)).toEqual({ status: 429, code: 'RATE_LIMITED', pointers: [] })
    expect(refused.headers.get('retry-after')).toBe('5')
    clients[0]!.close()
    await until(() => streams.state().open === 1, { what: 'one is gone' })
    const next = await openEventStream(`${url}/orders/stream`)
    expect(next.status).toBe(200)
    for (const client of [clients[1]!, next]) client.close()
  })
})

describe('polling', () => {
  test('answers events with the cursor to go on from', async () => {
    const { url, pages, answerPages } = open()
    answerPages({ ok: true, events: [eventOf(1).event, eventOf(2).event], cursor: 'c2' })
    const answer = await readAnswer(await fetch(`${url}/events?cursor=c0&limit=2&ticker=aapl`))
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({
      events: [1, 2].map((n) => JSON.parse(eventOf(n).event.text) as object),
      cursor: 'c2',
    })
    expect(pages).toEqual([{ filter: { ticker: 'AAPL' }, cursor: 'c0', limit: 2 }])
  })

  test('begins now, a hundred at a time', async () => {
    const { url, pages } = open()
    const answer = await readAnswer(await fetch(`${url}/events`))
    expect(JSON.parse(answer.text)).toEqual({ events: [], cursor: 'c0' })
    expect(pages).toEqual([{ filter: {}, cursor: null, limit: 100 }])
  })

  test.each([
    ['?cursor=bad', ['?cursor']],
    ['?cursor=a%20b', ['?cursor']],
    ['?limit=0', ['?limit']],
    ['?limit=51', ['?limit']],
    ['?side=BUY&orderId=x', ['?side', '?orderId']],
  ])('is refused with %s', async (query, pointers) => {
    const { url } = open({ eventsPageMax: 50 })
    const answer = await readAnswer(await fetch(`${url}/events${query}`))
    expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers })
  })

  test.each(['CURSOR_TOO_OLD', 'TOO_FAR_BEHIND', 'OTHER_DATABASE'] as const)(
    'of a cursor that cannot be resumed is a 410: %s',
    async (reason) => {
      const { url, answerPages } = open()
      answerPages({ ok: false, code: 'CURSOR_EXPIRED', reason })
      const answer = await readAnswer(await fetch(`${url}/events?cursor=c0`))
      expect(answer.status).toBe(410)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'CURSOR_EXPIRED', reason })
    },
  )

  test.each(['OVERLOADED', 'UNAVAILABLE'] as const)('that cannot be served now is to be repeated: %s', async (code) => {
    const { url, answerPages } = open()
    answerPages({ ok: false, code })
    const answer = await readAnswer(await fetch(`${url}/events?cursor=c0`))
    expect(refusal(answer)).toEqual({ status: 503, code: 'OVERLOADED', pointers: [] })
  })
})
