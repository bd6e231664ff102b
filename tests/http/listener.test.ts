// Proves: TLS 1.2 and newer or nothing, a certificate renewed while requests are served, and a port that no second process can
// share.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Elysia } from 'elysia'
import { openPort, type Listener } from '../../src/http/listener.ts'
import { createAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'

const authority = createAuthority('http authority')
const first = authority.issue('first')
const second = authority.issue('second')

/** Of the request that is under way: when it has come in, and what lets it go on. */
let slow = { entered: Promise.withResolvers<void>(), gate: Promise.withResolvers<void>() }
beforeEach(() => {
  slow = { entered: Promise.withResolvers(), gate: Promise.withResolvers() }
})
const answerSlowly = async (): Promise<string> => {
  slow.entered.resolve()
  await slow.gate.promise
  return 'slow'
}

const listeners: Listener[] = []
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.stop())))

const open = (tls = first, port = 0): Listener => {
  const app = new Elysia().get('/', () => 'hello').get('/slow', answerSlowly)
  const listener = openPort(app as unknown as Elysia, { port, hostname: '127.0.0.1', tls, idleTimeoutMs: 120_000 })
  listeners.push(listener)
  return listener
}

/** On a connection of its own, verified. */
const get = async ({ port }: Listener, path = '/', ca = authority.cert): Promise<string> => {
  const response = await fetch(`https://127.0.0.1:${port}${path}`, { tls: { ca }, headers: { connection: 'close' } })
  return response.text()
}

const handshake = ({ port }: Listener, maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
  new Promise<{ name: string; version: string | null }>((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: authority.cert, maxVersion }, () => {
      resolve({ name: String(socket.getPeerCertificate().subject.CN), version: socket.getProtocol() })
      socket.end()
    })
    socket.on('error', reject)
  })

test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken, with the certificate given', async (version) => {
  expect(await handshake(open(), version)).toEqual({ name: 'first', version })
})

test('a client verifies it', async () => {
  const listener = open()
  expect(await get(listener)).toBe('hello')
  expect(get(listener, '/', createAuthority('another').cert)).rejects.toThrow(/certificate/i)
})

test.each([
  ['TLS 1.1', 2],
  ['TLS 1.0', 1],
])('%s is refused with the alert "protocol version"', async (_, minor) => {
  const { port } = open()
  const suites = [0xc0, 0x09, 0xc0, 0x0a, 0x00, 0x2f, 0x00, 0x35]
  const curves = [0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, 0x00, 0x0b, 0x00, 0x02, 0x01, 0x00]
  const rest = [0, 0, suites.length, ...suites, 1, 0, 0, curves.length, ...curves]
  const body = [3, minor, ...crypto.getRandomValues(new Uint8Array(32)), ...rest]
  const hello = [0x16, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body]
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(Buffer.from(hello)))
    socket.once('data', (data) => resolve(Buffer.from(data as Buffer))).once('error', reject)
    socket.once('close', () => reject(new Error('closed without an alert')))
  })
  const [type, fatal, protocolVersion] = [0x15, 2, 70]
  expect([answer[0], answer[5], answer[6]]).toEqual([type, fatal, protocolVersion])
})

test('a request in the clear is not answered', async () => {
  expect(fetch(`http://127.0.0.1:${open().port}/`)).rejects.toThrow()
})

test('a renewed certificate is what new connections see; no request is cut, and whoever comes at that instant gets in at once', async () => {
  const listener = open()
  const ended = new AbortController()
  let [answered, renewals, resets] = [0, 0, 0]
  const callers = Array.from({ length: 8 }, async () => {
    while (!ended.signal.aborted)
      try {
        expect(await get(listener)).toBe('hello')
        answered++
      } catch (error) {
        // One that waits to be accepted while the socket changes is reset: at most once a change, for the next one is there already.
        if (++resets > 8 * renewals) throw error
      }
  })
  const slowly = get(listener, '/slow')
  await slow.entered.promise
  for (let n = 0; n < 6; n++) {
    const before = answered
    renewals++
    listener.renew(n % 2 === 0 ? second : first)
    await until(() => answered >= before + 10, { what: 'callers are answered after a renewal' })
  }
  renewals++
  listener.renew(second)
  expect((await handshake(listener, 'TLSv1.3')).name).toBe('second')
  slow.gate.resolve()
  expect(await slowly).toBe('slow')
  ended.abort()
  await Promise.all(callers)
})

test('a certificate that cannot be used throws, and the one before stays', async () => {
  const listener = open()
  expect(() => listener.renew({ cert: 'none', key: 'none' })).toThrow()
  expect(await get(listener)).toBe('hello')
  expect((await handshake(listener, 'TLSv1.3')).name).toBe('first')
})

test('nobody else can listen there, also after a renewal, and stopping waits for what a retired certificate serves', async () => {
  const listener = open()
  expect(() => open(second, listener.port)).toThrow()
  const slowly = get(listener, '/slow')
  await slow.entered.promise
  listener.renew(second)
  expect(() => open(first, listener.port)).toThrow()
  let stopped = false
  const stopping = listener.stop().then(() => (stopped = true))
  await Bun.sleep(300)
  expect(stopped).toBe(false)
  slow.gate.resolve()
  expect(await slowly).toBe('slow')
  await stopping
  expect(get(listener)).rejects.toThrow()
})
