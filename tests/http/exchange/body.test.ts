// Proves: through a real socket: a body is bounded in bytes and in time, declared or chunked, and judged by its type first.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Listener } from '../../../src/http/listener.ts'
import { createApp } from '../../../src/http/server.ts'
import {
  bodyOf,
  callerOf,
  createTestLog,
  openHarness,
  orderText,
  refusal,
  serverOptions,
  startServer,
  type Harness,
} from '../harness.ts'
import { openSocket, parseRaw } from '../socket.ts'

let harness: Harness
let server: Listener
const { log, lines } = createTestLog()
const bytesMax = 65_536

beforeAll(async () => {
  harness = await openHarness()
  server = startServer(serverOptions({ service: harness.service, log }))
})
afterAll(async () => {
  await server.stop()
  await harness.close()
})

const head = (...headers: string[]) =>
  ['POST /orders HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const tooLarge = { status: 413, code: 'PAYLOAD_TOO_LARGE', pointers: [] }
/** An order of exactly `bytes` bytes. */
const orderOf = (bytes: number) => orderText().padEnd(bytes, ' ')

describe('the type', () => {
  const others = ['text/plain', 'application/xml', 'application/jsonp', 'application/+json', 'text/x+json', '', 'json']
  const twoTypes = ['application/json, text/plain', 'application/a+json, text/plain', 'application/a b+json']
  test.each([...others, ...twoTypes])('%p is refused with 415 before anything is read', async (type) => {
    const answer = await harness.call('POST', '/orders', { body: orderText(), headers: { 'content-type': type } })
    expect(refusal(answer)).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', pointers: [] })
    expect(answer.headers.get('accept')).toBe('application/json')
  })

  test.each(['application/problem+json', 'application/vnd.orders.v1+json; charset=utf-8', 'Application/X-a.b+JSON ;q'])(
    '%s is JSON',
    async (type) => {
      const answer = await harness.call('POST', '/orders', { body: orderText(), headers: { 'content-type': type } })
      expect(answer.status).toBe(202)
    },
  )

  test('a coding is refused before anything is read, and named', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const answer = await harness.call('POST', '/orders', { body: orderText(), headers })
    expect(refusal(answer)).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', pointers: [] })
    expect(answer.headers.get('accept-encoding')).toBe('identity')
  })

  test('none at all is refused the same', async () => {
    const raw = await openSocket(
      server.port,
      'POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}',
    ).answer()
    expect(refusal(await parseRaw(raw)).code).toBe('UNSUPPORTED_MEDIA_TYPE')
  })
})

describe('a declared length', () => {
  test('of exactly the limit is taken', async () => {
    const raw = await openSocket(server.port, head(`Content-Length: ${bytesMax}`) + orderOf(bytesMax)).answer()
    expect((await parseRaw(raw)).status).toBe(202)
  })

  test('of one byte more is 413, before the body is sent', async () => {
    const raw = await openSocket(server.port, head(`Content-Length: ${bytesMax + 1}`)).answer()
    expect(raw).toContain('Connection: close')
    const answer = await parseRaw(raw)
    expect(refusal(answer)).toEqual(tooLarge)
    expect(bodyOf(answer)['message']).toBe('the body must not be larger than 65536 bytes')
  })

  test('counts bytes, not characters', async () => {
    const text = orderText({ clientOrderId: '"ä"' }).padEnd(bytesMax - 1, ' ')
    const raw = await openSocket(server.port, head(`Content-Length: ${Buffer.byteLength(text)}`) + text).answer()
    expect((await parseRaw(raw)).status).toBe(400)
    const more = `${text} `
    const refused = await openSocket(server.port, head(`Content-Length: ${Buffer.byteLength(more)}`) + more).answer()
    expect((await parseRaw(refused)).status).toBe(413)
  })
})

describe('bytes that are no UTF-8', () => {
  // A note in Latin-1, as a shell of Windows sends it: ü and ö are one byte each.
  const latin1 = Buffer.from('{"resolvedBy":"J\xfcrgen","note":"St\xf6rung"}', 'latin1')
  const path = 'POST /exceptions/01a203dd-6736-765a-bbe4-8e63a038f62d/resolve HTTP/1.1'
  const headers = ['Host: localhost', 'Content-Type: application/json']
  const send = async (...rest: Buffer[]) => {
    const socket = openSocket(server.port, '')
    socket.send(Buffer.concat(rest))
    return parseRaw(await socket.answer())
  }
  const text = (...lines: string[]) => Buffer.from([...lines, '', ''].join('\r\n'))

  test.each(['declared', 'in chunks'])('%s are refused, and never mended', async (form) => {
    const answer =
      form === 'declared'
        ? await send(text(path, ...headers, `Content-Length: ${latin1.length}`), latin1)
        : await send(
            text(path, ...headers, 'Transfer-Encoding: chunked'),
            Buffer.from(`${latin1.length.toString(16)}\r\n`),
            latin1,
            Buffer.from('\r\n0\r\n\r\n'),
          )
    expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: [] })
    expect(bodyOf(answer)['message']).toBe('the body is not UTF-8: send it in that encoding')
  })

  test('are not the character that a decoder puts in their place', async () => {
    const sent = Buffer.from('{"resolvedBy":"J\ufffdrgen","note":"as it came"}')
    expect((await send(text(path, ...headers, `Content-Length: ${sent.length}`), sent)).status).toBe(404)
  })

  test('in a query are refused', async () => {
    const answer = await harness.call('DELETE', '/instruments?ticker=AAPL&by=J%FCrgen&note=over')
    expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: ['?by'] })
    expect(bodyOf(answer)['message']).toBe('by must be percent-encoded UTF-8')
  })
})

describe('a body in chunks', () => {
  const chunked = (text: string, size: number) => {
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size))
    return `${head('Transfer-Encoding: chunked')}${pieces.map(chunk).join('')}0\r\n\r\n`
  }

  test.each([1, 7, 40_000])('of %d bytes each is put together', async (size) => {
    const answer = await parseRaw(await openSocket(server.port, chunked(orderText(), size)).answer())
    expect(answer.status).toBe(202)
  })

  test.each(['at once', 'after the head'])(
    'with trailer fields, sent %s, is refused by the runtime, and so it is not stored',
    async (when) => {
      const before = await harness.count('orders')
      const body = `${chunk(orderText())}0\r\nX-Checksum: 1\r\n\r\n`
      const start = head('Transfer-Encoding: chunked')
      const socket = openSocket(server.port, when === 'at once' ? start + body : start)
      if (when !== 'at once') {
        await Bun.sleep(50)
        socket.send(body)
      }
      await socket.heard('400 Bad Request')
      // An order that comes later is stored later.
      const later = await parseRaw(await openSocket(server.port, chunked(orderText(), 7)).answer())
      expect(later.status).toBe(202)
      expect(await harness.count('orders')).toBe(before + 1)
      await socket.close()
    },
  )

  test('up to the limit is taken', async () => {
    expect((await parseRaw(await openSocket(server.port, chunked(orderOf(bytesMax), 16_384)).answer())).status).toBe(
      202,
    )
  })

  test('past the limit is 413, though it never ends', async () => {
    const endless = head('Transfer-Encoding: chunked') + chunk('x'.repeat(40_000)) + chunk('x'.repeat(40_000))
    expect(refusal(await parseRaw(await openSocket(server.port, endless).answer()))).toEqual(tooLarge)
  })

  test('without a socket is bounded just the same', async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(32)),
    })
    const app = createApp(serverOptions({ service: harness.service }))
    const headers = { 'content-type': 'application/json' }
    const response = await app.handle(new Request('http://localhost/orders', { method: 'POST', body: stream, headers }))
    expect(response.status).toBe(413)
  })
})

describe('a body that does not come', () => {
  test('within its time is refused, and the connection is closed', async () => {
    const hasty = startServer(serverOptions({ service: harness.service, bodyDeadlineMs: 200 }))
    const raw = await openSocket(hasty.port, `${head('Content-Length: 100')}{"user`).answer()
    expect(raw).toContain('Connection: close')
    const answer = await parseRaw(raw)
    expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: [] })
    expect(bodyOf(answer)['message']).toBe('the body did not arrive within 200 ms')
    await hasty.stop()
  })

  test('because the client hung up is no error of the service', async () => {
    const before = await harness.count('orders')
    for (const sent of [
      `${head('Content-Length: 100')}{"user`,
      `${head('Transfer-Encoding: chunked')}6\r\n{"user\r\n`,
    ]) {
      const socket = openSocket(server.port, sent)
      await Bun.sleep(50)
      await socket.close()
    }
    // The next request is answered after the server saw the two connections end.
    const raw = await openSocket(server.port, head('Content-Length: 2') + '{}').answer()
    expect((await parseRaw(raw)).status).toBe(400)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(await harness.count('orders')).toBe(before)
  })
})

test('the limit is the one that was configured', async () => {
  const call = callerOf(createApp(serverOptions({ service: harness.service, bodyMaxBytes: 1_024 })))
  const fits = await call('POST', '/orders', { body: orderOf(1_024) })
  expect(fits.status).toBe(202)
  const passes = await call('POST', '/orders', { body: orderOf(1_025) })
  expect(bodyOf(passes)['message']).toBe('the body must not be larger than 1024 bytes')
})
