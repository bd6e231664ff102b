// One request for each (seed, number), always the same one: any route, any method, lawful and hostile paths, queries, headers and
// bodies, and now and then bytes that are no HTTP at all.

import { randomStream, type Random } from '../support/random.ts'
import { brokenHttp } from './brokenHttp.ts'
import { mutateBytes, secret } from './mutate.ts'
import { batchBody, lawfulOrder, orderBody, resolutionBody, voidBody } from './orderBodies.ts'
import { wordsOf } from './words.ts'

type Header = readonly [name: string, value: string]

export type HttpRequest = {
  kind: 'request'
  method: string
  /** Path and query, bytes as Latin-1. */
  target: string
  headers: readonly Header[]
  body: Buffer | null
  /** How the body is announced. */
  framing: 'length' | 'chunked'
}

/** Raw bytes. `userId`: the user of a lawful order in them, which may be stored without an answer. */
export type RawBytes = {
  kind: 'raw'
  what: string
  bytes: Buffer
  /** Hang up without reading. */
  abandon: boolean
  userId: string | null
  /** Requests in it: that many answers at most. */
  requests: number
}

export type HttpCase = HttpRequest | RawBytes

/** Objects that exist before the first request, so that ids in paths can hit one. */
export type Pool = { orderIds: readonly string[]; exceptionIds: readonly string[] }

const nil = '00000000-0000-0000-0000-000000000000'
const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'] as const
const jsonTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'application/json;x="y"',
  'application/json ;a',
  'application/problem+json',
  'application/vnd.x-1.y+JSON; charset=utf-8',
] as const
const otherTypes = [
  'application/json, text/plain',
  'multipart/form-data; boundary=x',
  '',
  ';',
  ...wordsOf(
    `text/plain application/jsonp application/x-www-form-urlencoded application/+json text/x+json x/${secret}`,
  ),
]

const oddParts = [
  ...wordsOf(`
    %00 %zz % %ff%fe %C0%80 %ED%A0%80 ..%2f..%2fetc%2fpasswd __proto__ constructor :id * %3Cscript%3E
    ${encodeURIComponent(secret)} ${secret}
    ' %27%20or%201=1-- \u00ff\u00fe %25%30%30 0 null [object%20Object] ;x=y %20`),
  'a'.repeat(3_000),
]
const odd = (rng: Random): string => rng.pick(oddParts)

/** An id for a path: mostly one that exists, sometimes another form of it or something odd. */
const pathId = (rng: Random, ids: readonly string[]): string =>
  rng.weighted<() => string>([
    [6, () => (ids.length === 0 ? rng.uuid() : rng.pick(ids))],
    [1, () => (ids.length === 0 ? rng.uuid() : rng.pick(ids).toUpperCase())],
    [2, () => rng.uuid()],
    [2, () => odd(rng)],
    [
      1,
      () =>
        mutateBytes(rng, Buffer.from(rng.uuid()))
          .toString('latin1')
          .replaceAll(/[^!-~\u0080-\u00ff]|[?#]/g, 'x'),
    ], // oxlint-disable-line no-control-regex
  ])()

const params: Record<string, readonly string[]> = {
  userId: ['00000000-0000-4000-8000-000000000001', 'x'],
  ticker: ['AAPL', 'keys', 'BRK.B', 'TOOLONGTOOLONGTOO'],
  side: ['BUY', 'SELL', 'buy'],
  status: ['open', 'closed', 'NEW', 'CANCELED', 'new'],
  type: ['LIMIT', 'STOP', 'stop'],
  timeInForce: ['GTD', 'GTC', ''],
  triggered: ['true', 'false', '1'],
  expiresBefore: ['2026-01-02T03:04:05Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '1'],
  createdAfter: wordsOf(
    '0000-01-01T00:00:00Z 9999-12-31T23:59:59Z 2026-02-30T00:00:00Z 1 2026-01-02T03:04:05.678901234%2B01:00',
  ),
  createdBefore: ['2026-01-02T03:04Z', '1969-12-31T23:59:59Z', '2099-01-01T00:00:00-23:59'],
  clientOrderId: ['key-1', '%20', '%00', '%E2%80%A8'],
  limit: ['1', '500', '0', '501', '-1', '1e2', '01', '9'.repeat(400)],
  // The bare forms of 1.1, the tagged ones, and a fill that no order has.
  cursor: ['', 'AAAA', ...['fill-1', 'fill-9999999999', nil, `order-${nil}`, `exception-${nil}`].map(base64url)],
  orderId: ['00000000-0000-4000-8000-000000000001', '1'],
  tradeId: ['t-1', '%00', '%F0%9F%98%80', 'a'.repeat(65), '%ED%A0%80'],
  disposition: ['OVERFILL', 'MISMATCH', 'CONFLICT', 'APPLIED'],
  resolved: ['true', 'false', 'TRUE', ''],
}

const query = (rng: Random): string => {
  const count = rng.weighted([
    [4, 0],
    [4, 1],
    [3, 2],
    [1, 4],
    [0.1, 400],
  ] as const)
  if (count === 0) return rng.pick(['', '', '', '?', '?&&&', '??', '?='])
  const one = (): string => {
    const name = rng.chance(0.9)
      ? rng.pick(Object.keys(params))
      : rng.pick(['', '__proto__', 'toString', 'limit%00', 'limit[]', secret, odd(rng)])
    return `${name}=${rng.chance(0.8) && name in params ? rng.pick(params[name] ?? ['']) : odd(rng)}`
  }
  return `?${Array.from({ length: count }, one).join('&')}`.replaceAll(/[ #]/g, '+')
}

type Route = { method: string; path: string; body?: 'order' | 'batch' | 'void' | 'resolution' }

const plainPaths = wordsOf(
  '/actuator/health /actuator/health/liveness /actuator/health/readiness /actuator/info /metrics /actuator/prometheus',
)
const oddPaths = wordsOf(`
  / // /orders/ //orders /orders//fills /ORDERS /orders/../metrics
  /actuator /actuator/env /favicon.ico /orders;x /exceptions/x`)

const route = (rng: Random, pool: Pool): Route =>
  rng.weighted<() => Route>([
    [60, () => ({ method: 'POST', path: '/orders', body: 'order' })],
    [
      3,
      () => ({ method: rng.chance(0.95) ? 'POST' : rng.pick(['GET', 'DELETE']), path: '/orders/void', body: 'void' }),
    ],
    [8, () => ({ method: 'POST', path: `/orders/batch${rng.chance(0.97) ? '' : query(rng)}`, body: 'batch' })],
    [8, () => ({ method: 'POST', path: `/orders/validate${rng.chance(0.97) ? '' : query(rng)}`, body: 'order' })],
    [6, () => ({ method: 'GET', path: `/orders/${pathId(rng, pool.orderIds)}` })],
    [6, () => ({ method: 'GET', path: `/orders${query(rng)}` })],
    [4, () => ({ method: 'GET', path: `/orders/${pathId(rng, pool.orderIds)}/fills${query(rng)}` })],
    [4, () => ({ method: 'GET', path: `/orders/${pathId(rng, pool.orderIds)}/events${query(rng)}` })],
    [3, () => ({ method: 'POST', path: `/orders/${pathId(rng, pool.orderIds)}/cancel` })],
    [3, () => ({ method: 'DELETE', path: `/orders/${pathId(rng, pool.orderIds)}` })],
    [4, () => ({ method: 'GET', path: `/exceptions${query(rng)}` })],
    [6, () => ({ method: 'POST', path: `/exceptions/${pathId(rng, pool.exceptionIds)}/resolve`, body: 'resolution' })],
    [1, () => ({ method: 'GET', path: rng.pick(plainPaths) })],
    [
      3,
      () => ({
        method: 'GET',
        path: rng.chance(0.3)
          ? `/${odd(rng)}`
          : rng.chance(0.3)
            ? `/orders/${odd(rng)}/${odd(rng)}`
            : rng.pick(oddPaths),
      }),
    ],
  ])()

const keys = [
  '',
  ' ',
  'a b',
  'x, y',
  '"',
  '\u00e9',
  'k'.repeat(64),
  'k'.repeat(65),
  secret,
  'key-1',
  'key-2',
  '"key-1"',
  '"x, y"',
  '""',
  '"a\\"b"',
  '"a\\b"',
  '"a"b"',
  '"a"; b',
  `"${'k'.repeat(64)}"`,
  `"${'k'.repeat(65)}"`,
  '"\u00e9"',
] as const
const key = (rng: Random): Header[] =>
  rng.chance(0.93) ? [] : [[rng.pick(['Idempotency-Key', 'idempotency-key']), rng.pick(keys)]]

const others = (rng: Random): Header[] =>
  rng.chance(0.85)
    ? []
    : [
        rng.pick<Header>([
          ['X-Anything', secret],
          ['Content-Encoding', rng.pick(['gzip', 'br', 'identity'])],
          ['Accept', rng.pick(['text/html', '*/*;q=0', 'application/xml'])],
          [
            'traceparent',
            rng.pick(['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '00-0-0-0', secret, '\u00ff']),
          ],
          ['Cookie', `a=${'b'.repeat(3_000)}`],
          ['__proto__', 'x'],
          ['constructor', 'x'],
          ['X-Forwarded-For', '127.0.0.1'],
          ['X-HTTP-Method-Override', 'DELETE'],
          ['Authorization', `Bearer ${secret}`],
          ['Range', 'bytes=0-0'],
          ['If-None-Match', '*'],
          ['If-Match', rng.pick(['*', '"0"', '"1"', 'W/"0"', '"0", "1"', ',"7",', '0', '"', '*, "0"', ''])],
          ['Origin', 'null'],
        ]),
      ]

const huge = (rng: Random): Buffer =>
  Buffer.concat([
    Buffer.from('{"ticker":"'),
    Buffer.alloc(rng.chance(0.1) ? 10_000_000 : 65_500 + rng.below(100), 65),
    Buffer.from('"}'),
  ])

const bodyFor = (rng: Random, wanted: Route['body']): Buffer | null => {
  if (wanted === undefined) return rng.chance(0.95) ? null : orderBody(rng)
  if (rng.chance(0.004)) return huge(rng)
  if (wanted === 'batch') return batchBody(rng)
  return wanted === 'order' ? orderBody(rng) : wanted === 'void' ? voidBody(rng) : resolutionBody(rng)
}

const request = (rng: Random, pool: Pool): HttpRequest => {
  const { method, path, body: wanted } = route(rng, pool)
  const body = bodyFor(rng, wanted)
  const type = rng.chance(0.96) ? rng.pick(jsonTypes) : rng.pick(otherTypes)
  const typed: Header[] = body === null || rng.chance(0.01) ? [] : [['Content-Type', type]]
  const host: Header = [
    'Host',
    rng.chance(0.99) ? 'orders' : rng.pick(['', 'a b', 'x/y?z#', '[::1]', secret, '\u00ff', 'a'.repeat(300)]),
  ]
  return {
    kind: 'request',
    method: rng.chance(0.97) ? method : rng.pick(methods),
    target: path,
    headers: [host, ...typed, ...key(rng), ...others(rng)],
    body,
    framing: rng.chance(0.8) ? 'length' : 'chunked',
  }
}

export const caseOf = (seed: string, number: number, pool: Pool): HttpCase => {
  const rng = randomStream(`${seed}:http:${number}`)
  if (rng.chance(0.97)) return request(rng, pool)
  return brokenHttp(rng, lawfulOrder(rng))
}
