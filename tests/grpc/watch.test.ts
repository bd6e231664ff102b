// Proves: a stream of gRPC asks for no more than its reader takes, ends with a status and the cursor from which to resume, and lets go of a
// reader that takes nothing.

import { describe, expect, test } from 'bun:test'
import { callerOf } from '../../src/app/caller.ts'
import { createStreams } from '../../src/app/streams.ts'
import type { Verdict } from '../../src/http/gates/auth/verdict.ts'
import type { ServerOptions } from '../../src/http/server.ts'
import type { StreamEnd } from '../../src/http/stream/eventStream.ts'
import { createOpenStreams } from '../../src/http/stream/openStreams.ts'
import { createFakeFollow, eventOf, order } from '../http/stream/fakeFollow.ts'
import { until } from '../support/until.ts'
import { detailsOf, endOf, metadataOfTrailers, openDeafStream, type Json } from './client.ts'
import { openDoor } from './harness.ts'

const open = async (server: Partial<ServerOptions> = {}, limits = { max: 1_000, perCallerMax: 100 }) => {
  const fake = createFakeFollow()
  const ends: StreamEnd[] = []
  const streams = createStreams({ follow: fake.follow, ...limits })
  const openStreams = createOpenStreams()
  const observeStream = {
    onEvents: () => undefined,
    onReset: () => undefined,
    onEnd: (end: StreamEnd) => ends.push(end),
  }
  const door = await openDoor({ server: { streams, openStreams, observeStream, ...server } })
  return { ...fake, ...door, streams, openStreams, ends }
}
const caller = callerOf({ subject: order.userId, scopes: ['orders:read'], credential: 'jwt' })!
type Opened = Awaited<ReturnType<typeof open>>

const followed = async ({ followers }: Opened, count = 1) => {
  await until(() => followers.length === count, { what: 'it follows' })
  return followers.at(-1)!
}
/** Resolves once nothing more is asked for. */
const untilStill = async (follower: Opened['followers'][number]): Promise<void> => {
  let asked = -1
  await until(
    () => {
      const isStill = follower.asked() === asked
      asked = follower.asked()
      return isStill && asked > 0
    },
    { what: 'nothing more is asked for' },
  )
}
const cursorOf = (trailer: Parameters<typeof detailsOf>[0]): unknown =>
  (detailsOf(trailer)['ErrorInfo']!['metadata'] as Json | undefined)?.['cursor']

describe('a stream', () => {
  test('has each step as a message, and the cursor where it moves on', async () => {
    const door = await open()
    const stream = door.client().watch({ ticker: 'aapl', cursor: 'c0' })
    const seen: Json[] = []
    stream.on('data', (message: Json) => seen.push(message))
    const ended = endOf(stream)
    const follower = await followed(door)
    expect([follower.filter, follower.cursor]).toEqual([{ ticker: 'AAPL' }, 'c0'])
    follower.give({ kind: 'reset', reason: 'CURSOR_TOO_OLD' })
    follower.give({ kind: 'snapshot', orders: [order, order] })
    follower.give({ kind: 'live', cursor: 'c1' })
    follower.give({ kind: 'events', events: [eventOf(2), eventOf(3)] })
    await until(() => seen.length === 5, { what: 'all messages' })
    expect(seen).toMatchObject([
      { reset: { reason: 'CURSOR_TOO_OLD' } },
      { snapshot: { orders: [{ id: order.id }, { id: order.id }] } },
      { cursor: 'c1', live: {} },
      { cursor: 'c2', order: { event: { kind: 'ACCEPTED', orderId: order.id }, order: { id: order.id } } },
      { cursor: 'c3', order: {} },
    ])
    follower.give({ kind: 'ended', cursor: 'c4' })
    const { code, metadata } = await ended
    expect(code).toBe(14)
    expect(detailsOf(metadata)['ErrorInfo']).toMatchObject({ reason: 'STOPPING', metadata: { cursor: 'c4' } })
    expect(door.ends).toEqual(['shutdown'])
  })

  test('says every now and then that it is there', async () => {
    const door = await open({ heartbeatMs: 200 })
    const stream = door.client().watch({ cursor: 'c0' })
    const seen: Json[] = []
    stream.on('data', (message: Json) => seen.push(message))
    stream.on('error', () => undefined)
    await until(() => seen.filter((message) => 'heartbeat' in message).length > 1, { what: 'two heartbeats' })
    stream.cancel()
    await until(() => door.ends.length === 1, { what: 'it is over' })
    expect(door.ends).toEqual(['client'])
  })

  test('ends with its client, however early, and with its deadline', async () => {
    const door = await open()
    const client = door.client()
    const streams = Array.from({ length: 50 }, () => client.watch({}))
    const ended = streams.map(endOf)
    for (const stream of streams) stream.cancel()
    await Promise.all(ended)
    const late = await client.call('List', {}, {}, { deadline: Date.now() + 1 })
    expect(late.code).toBe(4)
    const stream = client.watch({})
    stream.on('error', () => undefined)
    await until(() => door.streams.state().open === 1, { what: 'only the last one is open' })
    stream.cancel()
    await until(() => door.streams.state().open === 0, { what: 'none is open' })
    expect(door.followers.every((follower) => follower.isClosed())).toBeTrue()
    await until(() => door.seen.running.get('orders.v1.Orders/Watch') === 0, { what: 'every call is counted as over' })
  })

  test('keeps nothing open for a client that left while its credential was looked at', async () => {
    const looking = Promise.withResolvers<Verdict>()
    const tokens = { cached: () => null, check: () => looking.promise }
    const door = await open({ guard: { authentication: { tokens, keys: null, failures: null }, limits: null } })
    const stream = door.client().watch({}, { authorization: 'Bearer slow' })
    const ended = endOf(stream)
    await until(() => door.seen.running.get('orders.v1.Orders/Watch') === 1, { what: 'the call is under way' })
    stream.cancel()
    await ended
    await until(() => door.seen.running.get('orders.v1.Orders/Watch') === 0, { what: 'the call is over' })
    looking.resolve({ ok: true, caller, expiresAtMs: Infinity })
    await followed(door)
    await until(() => door.streams.state().open === 0, { what: 'none is open' })
    expect(door.ends).toEqual(['client'])
  })

  test('is refused as HTTP refuses it: too many of a caller, and a cursor that is none', async () => {
    const door = await open({}, { max: 1, perCallerMax: 1 })
    const client = door.client()
    const bad = await endOf(client.watch({ cursor: 'bad' }).resume())
    expect(bad.code).toBe(3)
    client.watch({}).on('error', () => undefined)
    await followed(door)
    const refused = await endOf(client.watch({}).resume())
    expect(refused.code).toBe(8)
    expect(detailsOf(refused.metadata)).toMatchObject({
      ErrorInfo: { reason: 'RATE_LIMITED' },
      RetryInfo: { retryDelay: { seconds: '5' } },
    })
  })
})

const steps = (count: number) =>
  Array.from({ length: count }, () => ({
    kind: 'events' as const,
    events: Array.from({ length: 16 }, (_, i) => eventOf(i, 65_536)),
  }))

describe('a reader that reads nothing', () => {
  test('makes nobody ask for more than its window takes, and holds up nobody', async () => {
    const door = await open()
    const deaf = openDeafStream(door.listener.port, { cursor: 'c0' })
    const follower = await followed(door)
    for (const step of steps(100)) follower.give(step)
    await untilStill(follower)
    // 64 KiB of a window, and one message that waits.
    expect(follower.asked()).toBe(1)
    const seen: Json[] = []
    const other = door.client().watch({ cursor: 'c0' })
    other.on('error', () => undefined).on('data', (message: Json) => seen.push(message))
    ;(await followed(door, 2)).give({ kind: 'events', events: [eventOf(1)] })
    await until(() => seen.length === 1, { what: 'the other one reads' })
    deaf.close()
    await until(() => door.ends.length === 1, { what: 'the server notices that it is gone' })
    expect(door.ends).toEqual(['client'])
  })

  test('is told that it lags, with the cursor of what it was sent', async () => {
    const door = await open()
    const deaf = openDeafStream(door.listener.port, { cursor: 'c0' })
    const follower = await followed(door)
    for (const step of steps(10)) follower.give(step)
    await untilStill(follower)
    follower.lag()
    expect(door.ends).toEqual(['lagging'])
    expect(follower.isClosed()).toBeTrue()
    const seen: Json[] = []
    deaf.read((message) => seen.push(message))
    const { trailers } = await deaf.ended
    expect(seen.at(-1)).toHaveProperty('lagging')
    const { ErrorInfo } = detailsOf(metadataOfTrailers(trailers))
    expect([trailers['grpc-status'], ErrorInfo!['reason']]).toEqual(['8', 'LAGGING'])
    const last = seen.findLast(({ order: event }) => event !== undefined)!
    expect((ErrorInfo!['metadata'] as Json)['cursor']).toBe(last['cursor'])
    deaf.close()
  })

  test('is let go after a while if it does not even take that, and its connection stays', async () => {
    const door = await open()
    const deaf = openDeafStream(door.listener.port, { cursor: 'c0' })
    const follower = await followed(door)
    for (const step of steps(10)) follower.give(step)
    await untilStill(follower)
    follower.lag()
    // NGHTTP2_CANCEL: nobody but the server ended it.
    expect((await deaf.ended).reset).toBe(8)
    await until(() => door.seen.running.get('orders.v1.Orders/Watch') === 0, { what: 'the call is over' })
    expect(door.seen.open).toBe(1)
    deaf.close()
  }, 30_000)

  test('is let go though the tail has nothing more for it', async () => {
    const door = await open({ heartbeatMs: 500 })
    const deaf = openDeafStream(door.listener.port, { cursor: 'c0' })
    ;(await followed(door)).give(steps(1)[0]!)
    expect((await deaf.ended).reset).toBe(8)
    await until(() => door.ends.length === 1, { what: 'its stream is over' })
    expect(door.ends).toEqual(['client'])
    deaf.close()
  }, 30_000)
})

test('the door closes though a reader takes nothing, and says to those who read from where to go on', async () => {
  const door = await open()
  const client = door.client()
  const deaf = openDeafStream(door.listener.port, { cursor: 'c0' })
  for (const step of steps(10)) (await followed(door)).give(step)
  const reading = client.watch({ cursor: 'c0' })
  const seen: Json[] = []
  reading.on('data', (message: Json) => seen.push(message))
  const ended = endOf(reading)
  ;(await followed(door, 2)).give({ kind: 'events', events: [eventOf(1)] })
  await until(() => seen.length === 1, { what: 'it reads' })
  const stopped = door.listener.stop(3_000)
  door.openStreams.end(100)
  expect(cursorOf((await ended).metadata)).toBe('c1')
  await stopped
  expect(door.ends).toEqual(['shutdown', 'shutdown'])
  deaf.close()
}, 30_000)
