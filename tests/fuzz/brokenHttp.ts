// Bytes that break HTTP, or use parts of it that hardly anybody uses: the parser's side of the door. Most contain a lawful order,
// so that a parser that forgives too much shows in the database.

import type { Random } from '../support/random.ts'
import type { RawBytes } from './requests.ts'
import { lines } from './words.ts'

type Order = { userId: string; body: Buffer }
type BrokenRequest = { what: string; bytes: Buffer; abandon?: boolean; holdsOrder?: boolean; requests?: number }

const post = 'POST /orders HTTP/1.1\r\nHost: orders\r\nContent-Type: application/json\r\n'
const lawfulLines = post.slice(post.indexOf('\r\n'))
const get = 'GET /orders/x HTTP/1.1\r\nHost: orders\r\n\r\n'
const chunk = (body: Buffer): string => `${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`

/** A request with these lines in its head and the order as its body. */
const withHead = (what: string, lines: string, { body }: Order): BrokenRequest => ({
  what,
  bytes: Buffer.concat([Buffer.from(`${post}${lines}\r\n\r\n`, 'latin1'), body]),
  holdsOrder: true,
})

const lengths = ['-1', '+5', '1e3', '0x10', '5, 5', ' ', '99999999999999999999999', '1.0', '\u00b2'] as const

const encodings = ['gzip', 'chunked, chunked', 'xchunked', '', 'chunked;q=1', 'identity'] as const
const chunkSizes = ['zz', '-1', 'ffffffffffffffffffff', '5;', '', '0x5'] as const
const protocols = ['websocket', 'h2c', 'TLS/1.0'] as const
const requestLines = [
  ...lines(`
    POST  /orders HTTP/1.1
    POST /orders HTTP/9.9
    POST /orders
    /orders HTTP/1.1
    post /orders HTTP/1.1
    POST orders HTTP/1.1
    POST http://x/orders HTTP/1.1
    POST /orders HTTP/1.0`),
  'POST\t/orders\tHTTP/1.1',
  '\u0000 / HTTP/1.1',
]

const kinds: readonly ((rng: Random, order: Order) => BrokenRequest)[] = [
  (rng, order) => withHead('content-length', `Content-Length: ${rng.pick(lengths)}`, order),
  (rng, order) =>
    withHead('two lengths', `Content-Length: ${rng.below(9)}\r\nContent-Length: ${order.body.length}`, order),
  (rng, order) => withHead('length too small', `Content-Length: ${rng.below(order.body.length)}`, order),
  (rng, order) => ({
    ...withHead('length too large', `Content-Length: ${order.body.length + 1 + rng.below(99)}`, order),
    abandon: rng.chance(0.8),
  }),
  (_, { body }) => ({
    what: 'length and chunks',
    bytes: Buffer.from(`${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(body)}`),
    holdsOrder: true,
  }),
  (rng, { body }) => ({
    what: 'transfer-encoding',
    bytes: Buffer.from(`${post}Transfer-Encoding: ${rng.pick(encodings)}\r\n\r\n${chunk(body)}`),
    holdsOrder: true,
  }),
  (rng) => ({
    what: 'bad chunk',
    bytes: Buffer.from(`${post}Transfer-Encoding: chunked\r\n\r\n${rng.pick(chunkSizes)}\r\nhello\r\n0\r\n\r\n`),
  }),
  (rng) => ({
    what: 'chunks without an end',
    bytes: Buffer.from(`${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`),
    abandon: rng.chance(0.9),
  }),
  (rng, order) => ({
    ...withHead(
      'control in a header',
      `X: a${rng.pick(['\0', '\r', '\x01', '\x7f'])}b\r\nContent-Length: ${order.body.length}`,
      order,
    ),
  }),
  (rng, order) =>
    withHead(
      'folded or nameless header',
      `${rng.pick(['X: a\r\n b', ': x', ' X: y', 'X Y: z', 'X'])}\r\nContent-Length: ${order.body.length}`,
      order,
    ),
  (rng, order) =>
    withHead(
      'header too large',
      `X: ${'x'.repeat(rng.pick([8_000, 20_000, 200_000]))}\r\nContent-Length: ${order.body.length}`,
      order,
    ),
  (rng, order) =>
    withHead(
      'too many headers',
      `${'X: y\r\n'.repeat(rng.pick([90, 300, 5_000]))}Content-Length: ${order.body.length}`,
      order,
    ),
  (_, order) => withHead('expects to go on', `Expect: 100-continue\r\nContent-Length: ${order.body.length}`, order),
  (rng, order) =>
    withHead(
      'upgrade',
      `Connection: Upgrade\r\nUpgrade: ${rng.pick(protocols)}\r\nContent-Length: ${order.body.length}`,
      order,
    ),
  (_, order) => ({ ...withHead('hangs up', `Content-Length: ${order.body.length}`, order), abandon: true }),
  (rng, { body }) => ({
    what: 'request line',
    bytes: Buffer.from(
      `${rng.pick(requestLines)}${lawfulLines}Content-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`,
      'latin1',
    ),
    holdsOrder: true,
  }),
  (rng) => ({
    what: 'long target',
    bytes: Buffer.from(`GET /orders?${'a'.repeat(rng.pick([10_000, 100_000, 1_000_000]))} HTTP/1.1\r\nHost: a\r\n\r\n`),
  }),
  (rng) => ({
    what: 'bare line ends',
    bytes: Buffer.from(
      rng.pick(['GET /orders HTTP/1.1\nHost: a\n\n', 'GET /orders HTTP/1.1\rHost: a\r\r', '\r\n\r\n\r\n', '\n']),
    ),
    abandon: true,
  }),
  (rng) => ({
    what: 'half a head',
    bytes: Buffer.from('POST /orders HTTP/1.1\r\nHost: orders\r\nContent-'.slice(0, 1 + rng.below(45))),
    abandon: true,
  }),
  (rng) => ({
    what: 'no HTTP',
    bytes: Buffer.from(Array.from({ length: 1 + rng.below(300) }, () => rng.below(256))),
    abandon: rng.chance(0.9),
  }),
  () => ({ what: 'TLS', bytes: Buffer.from('16030100c8010000c40303', 'hex'), abandon: true }),
  (rng) => ({
    what: 'PROXY, PRI, SSH',
    bytes: Buffer.from(
      rng.pick(['PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'SSH-2.0-x\r\n']),
    ),
    abandon: true,
  }),
  (rng) => ({
    what: 'no host',
    bytes: Buffer.from(
      rng.pick([
        'GET /orders HTTP/1.1\r\n\r\n',
        'GET /orders HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        'GET /orders HTTP/1.0\r\n\r\n',
      ]),
    ),
  }),
  (rng) => ({ what: 'pipelined', bytes: Buffer.from(get.repeat(2 + rng.below(20))), requests: 22 }),
]

export const brokenHttp = (rng: Random, order: Order): RawBytes => {
  const { what, bytes, abandon = false, holdsOrder = false, requests = 2 } = rng.pick(kinds)(rng, order)
  return { kind: 'raw', what, bytes, abandon, userId: holdsOrder ? order.userId : null, requests }
}
