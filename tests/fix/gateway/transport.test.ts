// Proves: the port of the FIX door: sessions over real sockets, what a client leaves unread and what it sends too fast, how many may come, TLS with
// and without certificates of clients, and its end.

import { afterEach, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { openFix, type FixListener, type TransportOptions } from '../../../src/fix/gateway/transport.ts'
import type { FixTls } from '../../../src/fix/gateway/transport.ts'
import { valueOf } from '../../../src/fix/protocol/codec.ts'
import { createAuthority } from '../../support/certificates.ts'
import { quietLog } from '../../support/quietLog.ts'
import { until } from '../../support/until.ts'
import { openFixClient, type FixClientOptions } from './fixClient.ts'
import { createStandIn, type StandInOptions } from './standIn.ts'

const usual = { connections: 100, connectionsPerAddress: 50, unsentBytes: 4_194_304 }

type Opening = StandInOptions & { tls?: FixTls } & Partial<Pick<TransportOptions, 'limits' | 'times' | 'ready'>>

const open: FixListener[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.stop(0)))
})

const start = ({ onMessage, tls, ...changes }: Opening = {}) => {
  const standIn = createStandIn(onMessage === undefined ? {} : { onMessage })
  const [ends, counts] = [[] as string[], new Map<string, number>()]
  const observer = {
    onMessage: (direction: string, type: string) =>
      void counts.set(`${direction} ${type}`, (counts.get(`${direction} ${type}`) ?? 0) + 1),
    onGarbled: () => void counts.set('garbled', (counts.get('garbled') ?? 0) + 1),
    onEnd: (reason: string) => void ends.push(reason),
  }
  const { log, lines } = quietLog()
  const options = {
    gateway: standIn.gateway,
    ready: () => true,
    limits: usual,
    observer,
    log,
    now: Date.now,
    ...changes,
  }
  const listener = openFix(options, { hostname: '127.0.0.1', port: 0, tls: tls ?? null })
  open.push(listener)
  const client = (more: Partial<FixClientOptions> = {}) => openFixClient({ port: listener.port, ...more })
  return { ...standIn, listener, client, ends, counts, lines }
}

/** Whether the port takes a connection. */
const takesConnections = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

/** Bytes in which a lost, doubled or moved one is seen. */
const patternOf = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) % 251)

describe('a session', () => {
  test('logs on, answers a test request, hears a heartbeat, and logs out', async () => {
    const { client, ends, counts, events } = start()
    using one = await client()
    expect(valueOf((await one.logon([], 1)).fields, 108)).toBe('1')
    one.send('1', [[112, 'PING']])
    expect(valueOf((await one.next('0')).fields, 112)).toBe('PING')
    expect(valueOf((await one.next('0', 1)).fields, 112)).toBeUndefined()
    one.send('5')
    await one.next('5')
    await one.closed()
    expect(ends).toEqual(['LOGOUT'])
    expect(events.filter((event) => event === 'closed')).toHaveLength(1)
    expect(Object.fromEntries(counts)).toMatchObject({ 'in A': 1, 'out A': 1, 'in 1': 1, 'in 5': 1, 'out 5': 1 })
  })

  test('whoever sends no FIX is not answered', async () => {
    const { client, ends, counts } = start()
    using one = await client()
    one.socket.write('GET / HTTP/1.1\r\nHost: orders\r\n\r\n')
    await one.closed()
    expect([ends, one.bytes(), counts.get('garbled')]).toEqual([['LOGON_INVALID'], 0, 1])
  })

  test('a conversation that fails ends its connection and no other', async () => {
    const { client, ends, lines } = start({
      onMessage() {
        throw new Error('it went wrong')
      },
    })
    using other = await client()
    using one = await client()
    one.send('0')
    await one.closed()
    expect([ends, other.isClosed()]).toEqual([['BUG'], false])
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', error: 'it went wrong' }))
  })
})

describe('what a client leaves unread', () => {
  test('is kept and goes out in order once it reads', async () => {
    const bytes = patternOf(16_000_000)
    const { client, peers, events } = start({ limits: { ...usual, unsentBytes: bytes.length } })
    using one = await client()
    one.socket.pause()
    const got: Buffer[] = []
    one.socket.on('data', (chunk: Buffer) => got.push(chunk))
    one.socket.pause()
    const peer = await until(() => peers[0], { what: 'it is there' })
    for (let at = 0; at < bytes.length; at += 10_007) peer.write(bytes.subarray(at, at + 10_007))
    await until(() => peer.unsent() > 0 && peer.unsent() < bytes.length, { what: 'the socket took a part' })
    expect(events).toEqual([])
    one.socket.resume()
    await until(() => one.bytes() === bytes.length, { what: 'all of it came' })
    expect(Buffer.concat(got).equals(bytes)).toBe(true)
    expect([peer.unsent(), events.includes('drained')]).toEqual([0, true])
  })

  test('is bounded: beyond, it is cut off', async () => {
    const { client, peers, ends, events, listener } = start({ limits: { ...usual, unsentBytes: 1_000_000 } })
    using one = await client()
    one.socket.pause()
    const peer = await until(() => peers[0], { what: 'it is there' })
    for (let i = 0; i < 1_000 && ends.length === 0; i++) {
      peer.write(new Uint8Array(50_000))
      expect(peer.unsent()).toBeLessThanOrEqual(1_050_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(ends).toEqual(['UNREAD'])
    await until(() => listener.state().connections === 0, { what: 'it is gone' })
    peer.write(new Uint8Array(10))
    expect(events.filter((event) => event === 'closed')).toHaveLength(1)
  })

  test('may not lie there for ever, however little it is', async () => {
    const times = { unreadMs: 300, lingerMs: 2_000 }
    const { client, peers, ends } = start({ times, limits: { ...usual, unsentBytes: 100_000_000 } })
    using one = await client()
    one.socket.pause()
    const peer = await until(() => peers[0], { what: 'it is there' })
    peer.write(new Uint8Array(20_000_000))
    await until(() => ends.length > 0, { what: 'it is cut off' })
    expect(ends).toEqual(['UNREAD'])
  })
})

describe('a client that sends faster than it is served', () => {
  test('is not read meanwhile, and loses nothing', async () => {
    const seen: string[] = []
    const count = 200_000
    const { client, peers } = start({
      onMessage(peer, number) {
        seen.push('')
        if (number % 10_000 === 0) peer.pause()
      },
    })
    using one = await client()
    const batch = Buffer.concat(Array.from({ length: 1_000 }, () => one.bytesOf('0')))
    for (let i = 0; i < count / 1_000; i++) one.socket.write(batch)
    await until(() => seen.length === 10_000, { what: 'the first ones are taken' })
    await Bun.sleep(100)
    // What it could not send is still with the client: nobody else keeps it.
    expect([seen.length, one.socket.writableLength > 4_000_000]).toEqual([10_000, true])
    while (seen.length < count) {
      const before = seen.length
      peers[0]!.resume()
      await until(() => seen.length === before + 10_000, { what: 'more are taken' })
    }
    peers[0]!.resume()
    one.send('0')
    await until(() => seen.length === count + 1, { what: 'the last one is taken' })
  })

  test('still reads our last words when it is closed, however late', async () => {
    const last = patternOf(100_000)
    const { client, ends, listener } = start({
      onMessage(peer) {
        peer.pause()
        peer.write(last)
        peer.close('ENOUGH')
        peer.write(new Uint8Array(5))
      },
    })
    using one = await client()
    const got: Buffer[] = []
    one.socket.on('data', (chunk: Buffer) => got.push(chunk))
    one.socket.pause()
    one.socket.write(Buffer.concat(Array.from({ length: 50_000 }, () => one.bytesOf('0'))))
    await until(() => ends.length > 0, { what: 'it is closed' })
    // What the client has not read yet is lost if the socket is reset.
    expect(listener.state().connections).toBe(1)
    one.socket.resume()
    await one.closed()
    expect([ends, Buffer.concat(got).equals(last)]).toEqual([['ENOUGH'], true])
  })

  test('and does not close when it is told to is cut off', async () => {
    const { client, listener, ends, events } = start({
      times: { unreadMs: 30_000, lingerMs: 400 },
      onMessage: (peer) => peer.close('ENOUGH'),
    })
    using one = await client()
    one.socket.allowHalfOpen = true
    one.send('0')
    await until(() => events.includes('closed'), { what: 'it is over for the conversation' })
    expect(listener.state().connections).toBe(1)
    await until(() => listener.state().connections === 0, { what: 'it is cut off' })
    expect(ends).toEqual(['ENOUGH'])
  })
})

describe('how many may come', () => {
  test('from one address, and in all', async () => {
    const { client, ends, listener } = start({ limits: { ...usual, connections: 3, connectionsPerAddress: 2 } })
    using first = await client()
    using second = await client()
    using tooMany = await client()
    await tooMany.closed()
    using elsewhere = await client({ from: '127.0.0.2' })
    using beyond = await client({ from: '127.0.0.3' })
    await beyond.closed()
    expect([first, second, elsewhere].map((one) => one.isClosed())).toEqual([false, false, false])
    expect([ends, listener.state().connections]).toEqual([['TOO_MANY', 'TOO_MANY'], 3])
    first.socket.destroy()
    await until(() => listener.state().connections === 2, { what: 'it left' })
    using next = await client()
    await next.logon()
  })

  test('none before the service is ready', async () => {
    let isReady = false
    const { client, ends, peers } = start({ ready: () => isReady })
    using early = await client()
    await early.closed()
    expect([ends, peers]).toEqual([['NOT_READY'], []])
    isReady = true
    using one = await client()
    await one.logon()
  })
})

describe('TLS', () => {
  const [authority, stranger] = [createAuthority('ours'), createAuthority('theirs')]
  const server = authority.issue('orders')
  const withCa: FixTls = { ...server, clientCa: authority.cert }

  test('a session goes over it, and a client without a certificate has no name', async () => {
    for (const tls of [{ ...server, clientCa: null }, withCa]) {
      const { client, peers } = start({ tls })
      using one = await client({ ca: authority.cert })
      await one.logon()
      expect(peers[0]).toMatchObject({ certificate: null, address: '127.0.0.1' })
    }
  })

  test('the name of a verified certificate reaches the conversation', async () => {
    const { client, peers } = start({ tls: withCa })
    using one = await client({ ca: authority.cert, certificate: authority.issue('broker one') })
    await one.logon()
    expect(peers.map(({ certificate }) => certificate)).toEqual(['broker one'])
  })

  test.each([
    ['of another authority', stranger.issue('broker one')],
    ['that has expired', authority.issue('broker one', { days: -1 })],
  ])('a certificate %s is refused', async (_, certificate) => {
    const { client, peers, ends } = start({ tls: withCa })
    using one = await client({ ca: authority.cert, certificate })
    await one.closed()
    expect([peers, ends]).toEqual([[], ['CERTIFICATE']])
  })

  test('a certificate means nothing where no authority is named', async () => {
    const { client, peers } = start({ tls: { ...server, clientCa: null } })
    using one = await client({ ca: authority.cert, certificate: authority.issue('broker one') })
    await one.logon()
    expect(peers[0]!.certificate).toBeNull()
  })

  test('whoever speaks without it is not let in', async () => {
    const { client, peers, ends } = start({ tls: withCa })
    using one = await client()
    one.socket.write(one.bytesOf('A', [[98, '0']]))
    await one.closed()
    expect([peers, ends]).toEqual([[], ['HANDSHAKE']])
  })

  test('16 MB that a client leaves unread go out in order', async () => {
    const bytes = patternOf(16_000_000)
    const { client, peers } = start({ tls: withCa, limits: { ...usual, unsentBytes: bytes.length } })
    using one = await client({ ca: authority.cert })
    const got: Buffer[] = []
    one.socket.on('data', (chunk: Buffer) => got.push(chunk))
    one.socket.pause()
    const peer = await until(() => peers[0], { what: 'it is there' })
    peer.write(bytes)
    await until(() => peer.unsent() > 0 && peer.unsent() < bytes.length, { what: 'the socket took a part' })
    one.socket.resume()
    await until(() => one.bytes() === bytes.length, { what: 'all of it came' })
    expect(Buffer.concat(got).equals(bytes)).toBe(true)
  })

  test('a renewed certificate is shown to new connections; those of before go on', async () => {
    const { client, listener } = start({ tls: withCa })
    using before = await client({ ca: authority.cert })
    await before.logon()
    listener.renew(stranger.issue('orders'))
    using refused = await client({ ca: authority.cert })
    await refused.closed()
    using after = await client({ ca: stranger.cert, certificate: authority.issue('broker one') })
    await after.logon()
    before.send('1', [[112, 'STILL']])
    expect(valueOf((await before.next('0')).fields, 112)).toBe('STILL')
    expect(() => listener.renew({ cert: 'none', key: 'none' })).toThrow()
    using same = await client({ ca: stranger.cert })
    await same.logon()
  })
})

describe('the port', () => {
  test('is nobody else’s', () => {
    for (const tls of [undefined, { ...createAuthority('a').issue('orders'), clientCa: null }]) {
      const { listener, gateway } = start(tls === undefined ? {} : { tls })
      const { log } = quietLog()
      const observer = { onMessage: () => undefined, onGarbled: () => undefined, onEnd: () => undefined }
      const options = { gateway, ready: () => true, limits: usual, observer, log, now: Date.now }
      expect(() => openFix(options, { hostname: '127.0.0.1', port: listener.port, tls: null })).toThrow()
    }
  })

  test('closes with a logout to each client, at once for whoever is in no session', async () => {
    const { client, listener, ends } = start()
    using one = await client()
    await one.logon()
    using silent = await client()
    const stopped = listener.stop(10_000)
    expect(one.textOf(await one.next('5'))).toBe('the service stops')
    expect(await takesConnections(listener.port)).toBe(false)
    one.send('5')
    await Promise.all([one.closed(), silent.closed(), stopped])
    expect(ends.toSorted()).toEqual(['LOGOUT', 'SHUTDOWN'])
    expect(listener.state()).toEqual({ connections: 0, unsentBytes: 0 })
  })

  test('waits for nobody for ever', async () => {
    const { client, listener, ends } = start()
    using one = await client()
    await one.logon()
    await listener.stop(300)
    expect(ends).toEqual(['SHUTDOWN'])
  })
})
