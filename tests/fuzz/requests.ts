// One request for each (seed, number), always the same one: any route, any method, lawful and hostile paths, queries, headers and
// bodies, and now and then bytes that are no HTTP at all.

import { randomStream, type Random } from '../support/random.ts'
import { brokenHttp } from './brokenHttp.ts'
import { scopeQuery, switchBody } from './manyRequests.ts'
import { mutateBytes, secret } from './mutate.ts'
import { batchBody, lawfulOrder, orderBody, resolutionBody, voidBody } from './orderBodies.ts'
import { odd, query } from './queries.ts'
import { instrumentBody, ruleTicker, tradingBody } from './ruleBodies.ts'
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

type Route = {
  method: string
  path: string
  body?: 'order' | 'batch' | 'void' | 'switch' | 'resolution' | 'instrument' | 'trading'
}

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
    [
      3,
      () => ({ method: 'DELETE', path: `/orders/${pathId(rng, pool.orderIds)}${rng.chance(0.9) ? '' : query(rng)}` }),
    ],
    [2, () => ({ method: 'DELETE', path: `/orders${scopeQuery(rng)}` })],
    [3, () => ({ method: 'POST', path: `/orders/cancel-after${rng.chance(0.97) ? '' : query(rng)}`, body: 'switch' })],
    [4, () => ({ method: 'GET', path: `/exceptions${query(rng)}` })],
    [3, () => ({ method: 'GET', path: `${rng.pick(['/instruments', '/trading', '/rules/changes'])}${query(rng)}` })],
    [4, () => ({ method: 'PUT', path: `/instruments${ruleTicker(rng)}`, body: 'instrument' })],
    [4, () => ({ method: 'PUT', path: `/trading${ruleTicker(rng)}`, body: 'trading' })],
    [2, () => ({ method: 'DELETE', path: `/instruments${ruleTicker(rng)}&by=${odd(rng)}&note=gone` })],
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
  if (wanted === 'switch') return switchBody(rng)
  if (wanted === 'instrument') return instrumentBody(rng)
  if (wanted === 'trading') return tradingBody(rng)
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
