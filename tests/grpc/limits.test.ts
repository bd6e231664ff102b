// Proves: the limits of the gRPC door hold: connections, calls of one, bytes of a message, silence, idleness and age; and its metrics say so.

import { describe, expect, test } from 'bun:test'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { Service } from '../../src/app/service.ts'
import { createAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import { endOf } from './client.ts'
import { openDoor } from './harness.ts'

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))
const id = '0193e5a0-0000-7000-8000-0000000000ff'

describe('connections', () => {
  test('are as many as may be; one more is closed at once, and room is there again when one leaves', async () => {
    const { listener, seen, client } = await openDoor({ limits: { connectionsMax: 2 } })
    const [first, second] = [client(), client()]
    expect((await first.checkHealth()).code).toBe(0)
    expect((await second.checkHealth()).code).toBe(0)
    const third = connect(listener.port, '127.0.0.1').resume()
    await closed(third)
    expect([seen.open, seen.refused]).toEqual([2, 1])
    first.close()
    await until(() => seen.open === 1, { what: 'the first one left' })
    expect((await client().checkHealth()).code).toBe(0)
  })

  test('whose peer does not answer are closed, and those whose peer does stay', async () => {
    const { listener, seen, client } = await openDoor({ limits: { keepaliveMs: 200, keepaliveTimeoutMs: 300 } })
    const living = client()
    const stream = living.watchHealth()
    stream.on('error', () => undefined).resume()
    // It opens a connection of HTTP/2, and says nothing more: not even to a PING.
    const mute = connect(listener.port, '127.0.0.1')
    mute.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    mute.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    mute.resume()
    await closed(mute)
    await until(() => seen.open === 1, { what: 'one is left' })
    expect((await living.checkHealth()).code).toBe(0)
    expect(seen.running.get('grpc.health.v1.Health/Watch')).toBe(1)
    stream.cancel()
  })

  test('on which nothing was said do not hold up the stop', async () => {
    const { listener, seen } = await openDoor()
    const mute = connect(listener.port, '127.0.0.1').resume()
    await until(() => seen.open === 1, { what: 'it is open' })
    await Promise.all([closed(mute), listener.stop(60_000)])
  })

  test.each([
    ['nothing', ''],
    ['half a greeting', '16030102000100'],
  ])(
    'whose peer says %s where TLS begins are closed',
    async (_, greeting) => {
      const tls = createAuthority('gRPC').issue('orders')
      const { listener, seen } = await openDoor({ limits: { handshakeMs: 500 }, tls })
      const mute = connect(listener.port, '127.0.0.1').resume()
      mute.on('error', () => undefined).write(Buffer.from(greeting, 'hex'))
      await until(() => seen.open === 1, { what: 'it is open' })
      await closed(mute)
      await until(() => seen.open === 0, { what: 'there is room again' })
    },
    30_000,
  )

  test('without a call are closed after a while; their client opens another', async () => {
    const { seen, client } = await openDoor({ limits: { idleMs: 300 } })
    const one = client()
    expect((await one.checkHealth()).code).toBe(0)
    await until(() => seen.open === 0, { what: 'it is closed' })
    expect((await one.checkHealth()).code).toBe(0)
    const stream = one.watchHealth()
    stream.on('error', () => undefined).resume()
    const idle = client()
    expect((await idle.checkHealth()).code).toBe(0)
    expect(seen.open).toBe(2)
    await until(() => seen.open === 1, { what: 'the younger one, without a call, is closed' })
    expect(seen.running.get('grpc.health.v1.Health/Watch')).toBe(1)
    stream.cancel()
  })

  test('take no new call once they are old; what is under way goes on', async () => {
    const { seen, client } = await openDoor({ limits: { ageMs: 300 } })
    const one = client()
    const stream = one.watchHealth()
    let isOver = false
    stream
      .on('error', () => undefined)
      .on('close', () => (isOver = true))
      .resume()
    await until(async () => (await one.checkHealth()).code === 0 && seen.open === 2, {
      what: 'new calls go through another connection',
    })
    expect(isOver).toBeFalse()
    stream.cancel()
  })
})

describe('calls', () => {
  test('of one connection are as many as may be; its client keeps back the others', async () => {
    const { seen, client } = await openDoor({ limits: { callsMax: 2 } })
    const one = client()
    const streams = Array.from({ length: 3 }, () => one.watchHealth())
    const first = streams.map((stream) => new Promise((resolve) => stream.once('data', resolve)))
    for (const stream of streams) stream.on('error', () => undefined)
    await Promise.all(first.slice(0, 2))
    expect(seen.running.get('grpc.health.v1.Health/Watch')).toBe(2)
    streams[0]!.cancel()
    await first[2]
    for (const stream of streams) stream.cancel()
  })

  test('whose answer their client does not take are reset, and its connection stays', async () => {
    const { listener, seen } = await openDoor({ limits: { untakenMs: 300 } })
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`, { settings: { initialWindowSize: 0 } })
    session.on('error', () => undefined)
    await new Promise((resolve) => session.once('localSettings', resolve))
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.on('error', () => undefined).end(Buffer.alloc(5))
    await new Promise((resolve) => stream.once('close', resolve))
    expect(stream.rstCode).toBe(8)
    expect([seen.open, session.closed]).toEqual([1, false])
    session.destroy()
  })

  test('of a client that keeps to no limit are refused by HTTP/2', async () => {
    const { listener, seen, client } = await openDoor({ limits: { callsMax: 5 } })
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`, { settings: { enablePush: false } })
    session.on('error', () => undefined)
    const path = '/grpc.health.v1.Health/Watch'
    // Before the server's limit has arrived a client cannot know it.
    const resets = Array.from({ length: 50 }, () => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      stream.on('error', () => undefined)
      stream.end(Buffer.alloc(5))
      return new Promise<number | undefined>((resolve) => stream.once('close', () => resolve(stream.rstCode)))
    })
    await until(() => seen.running.get('grpc.health.v1.Health/Watch') === 5, { what: 'five watch' })
    session.destroy()
    await Promise.all(resets)
    await until(() => seen.running.get('grpc.health.v1.Health/Watch') === 0, { what: 'none does' })
    expect((await client().checkHealth()).code).toBe(0)
  })

  test('who watch health are bounded all together, and so are those who ask reflection', async () => {
    const { client } = await openDoor()
    const one = client({ channel: { 'grpc.max_concurrent_streams': 2_000 } })
    const streams = Array.from({ length: 999 }, () => one.watchHealth())
    for (const stream of streams) stream.on('error', () => undefined).resume()
    const two = client()
    const last = two.watchHealth()
    last.on('error', () => undefined)
    await new Promise((resolve) => last.once('data', resolve))
    expect((await endOf(two.watchHealth().resume())).code).toBe(8)
    for (const stream of streams) stream.cancel()
    await until(
      async () => {
        const again = two.watchHealth()
        again.on('error', () => undefined)
        const answered = await Promise.race([
          new Promise((resolve) => again.once('data', () => resolve(true))),
          endOf(again).then(() => false),
        ])
        again.cancel()
        return answered === true
      },
      { what: 'there is room again' },
    )
  })
})

describe('a message', () => {
  const calls = (service: Partial<Service> = {}) => ({ server: { service: service as Service } })

  test('may have so many bytes; a larger one is refused before it is read', async () => {
    const { client, seen } = await openDoor({ limits: { messageMaxBytes: 2_048 } })
    const one = client()
    const large = await one.call('Get', { id: 'x'.repeat(4_096) })
    expect(large.code).toBe(8)
    expect((await one.call('Get', { id: 'x'.repeat(1_024) })).code).toBe(3)
    await until(() => seen.calls.length === 2, { what: 'both are counted' })
    expect(seen.calls.map(({ method, status }) => [method, status])).toEqual([
      ['orders.v1.Orders/Get', 'RESOURCE_EXHAUSTED'],
      ['orders.v1.Orders/Get', 'INVALID_ARGUMENT'],
    ])
  })

  test('keeps the bytes of a body over HTTP too', async () => {
    const { client } = await openDoor(calls({ turnAway: () => null }))
    const answer = await client().call('Place', { clientOrderId: 'x'.repeat(70_000) })
    expect([answer.code, answer.detail]).toEqual([8, 'the body must not be larger than 65536 bytes'])
  })

  test('that its client gave up waiting for is counted as late', async () => {
    const never = { find: () => new Promise<never>(() => undefined) } as unknown as Service
    const { client, seen } = await openDoor(calls(never))
    const answer = await client().call('Get', { id }, {}, { deadline: Date.now() + 300 })
    expect(answer.code).toBe(4)
    await until(() => seen.calls.length === 1, { what: 'it is counted' })
    expect(['DEADLINE_EXCEEDED', 'CANCELLED']).toContain(seen.calls[0]!.status)
    expect(seen.running.get('orders.v1.Orders/Get')).toBe(0)
  })
})
