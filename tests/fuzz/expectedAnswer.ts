// Part of the independent oracle: for a well-formed request, the statuses that the contract allows, and the order that must be
// stored if it is taken.

import { expectSwitch, isScope } from './expectedMany.ts'
import {
  expectBatch,
  expectOrder,
  expectResolution,
  expectVoid,
  uuidShape,
  type Key,
  type Resolution,
  type Terms,
  type Verdict,
} from './expectedOrder.ts'
import { expectDelisting, expectInstrument, expectRead, expectTrading } from './expectedRules.ts'
import type { HttpRequest } from './requests.ts'

export type Expected = {
  statuses: readonly number[]
  terms: Terms | null
  /** Of a batch that is taken: what becomes of each order. */
  results: readonly Verdict<Terms>[] | null
  resolution: (Resolution & { id: string }) | null
  /** The key that is to be void. */
  voiding: Key | null
  /** What a problem says of the path; null where the path is written in an odd way. */
  path: string | null
  /** The server's own parser may refuse it, without a body. */
  bare: boolean
}

const fixed = [
  '/actuator',
  '/actuator/health',
  '/actuator/health/liveness',
  '/actuator/health/readiness',
  '/actuator/info',
  '/actuator/prometheus',
  '/metrics',
]
const listParams = [
  'userId',
  'ticker',
  'side',
  'status',
  'type',
  'timeInForce',
  'triggered',
  'expiresBefore',
  'createdAfter',
  'createdBefore',
  'clientOrderId',
  'limit',
  'cursor',
]
const exceptionParams = ['orderId', 'tradeId', 'disposition', 'resolved', 'limit', 'cursor']
/** If a path is written in an odd way (`//`, `..`, `%2f`), the contract does not say which route it means. */
const anyAnswer = [200, 204, 400, 404, 405, 413, 415]
/** Heads below this are always read. */
const headBytes = 8_192

const headerOf = (request: HttpRequest, name: string): string | null => {
  const values = request.headers
    .filter(([given]) => given.toLowerCase() === name)
    .map(([, value]) => value.replaceAll(/^[ \t]+|[ \t]+$/g, ''))
  return values.length === 0 ? null : values.join(', ')
}

type ByRoute = Omit<Expected, 'path' | 'bare'>

const only = (...statuses: number[]): ByRoute => ({
  statuses,
  terms: null,
  results: null,
  resolution: null,
  voiding: null,
})

const bodyOf = (request: HttpRequest) => ({
  contentType: headerOf(request, 'content-type'),
  coding: headerOf(request, 'content-encoding'),
  key: headerOf(request, 'idempotency-key'),
  body: request.body ?? Buffer.alloc(0),
})

const placing = (request: HttpRequest): ByRoute => {
  const verdict = expectOrder(bodyOf(request))
  if ('refused' in verdict) return only(verdict.refused)
  const { taken: terms } = verdict
  return { ...only(...(terms.clientOrderId === null ? [202] : [202, 409, 422])), terms }
}

/** Of routes that take no parameters. */
const isBare = (query: string): boolean => [...new URLSearchParams(query).keys()].length === 0

const voiding = (request: HttpRequest, query: string): ByRoute => {
  if (!isBare(query)) return only(400)
  const verdict = expectVoid(bodyOf(request))
  return 'refused' in verdict ? only(verdict.refused) : { ...only(200), voiding: verdict.taken }
}

const placingMany = (request: HttpRequest, query: string): ByRoute => {
  if (!isBare(query)) return only(400)
  const verdict = expectBatch(bodyOf(request))
  if (verdict === 'any') return only(200, 400)
  return 'refused' in verdict ? only(verdict.refused) : { ...only(200), results: verdict.taken }
}

const validating = (request: HttpRequest, query: string): ByRoute => {
  if (!isBare(query)) return only(400)
  const verdict = expectOrder(bodyOf(request))
  if ('refused' in verdict) return only(verdict.refused)
  return only(...(verdict.taken.clientOrderId === null ? [200] : [200, 409, 422]))
}

const resolving = (request: HttpRequest, id: string): ByRoute => {
  if (!uuidShape.test(id)) return only(400)
  const verdict = expectResolution(bodyOf(request))
  if ('refused' in verdict) return only(verdict.refused)
  return { ...only(200, 404, 409), resolution: { id: id.toLowerCase(), ...verdict.taken } }
}

const listing = (query: string, known: readonly string[], ...more: number[]): ByRoute => {
  const names = [...new URLSearchParams(query).keys()]
  return names.every((name) => known.includes(name)) ? only(200, 400, ...more) : only(400)
}

/** Tags of RFC 9110 in a list, or a star. */
const tags = /^(\*|((W\/)?"[!#-~\u0080-\u00ff]*")?([ \t]*,[ \t]*((W\/)?"[!#-~\u0080-\u00ff]*")?)*)$/

const canceling = (request: HttpRequest, isId: boolean): ByRoute => {
  const ifMatch = headerOf(request, 'if-match')
  if (!isId || (ifMatch !== null && !tags.test(ifMatch))) return only(400)
  return only(200, 404, 409, ...(ifMatch === null || ifMatch === '*' ? [] : [412]))
}

/** The methods of a path with what each may answer; null: nothing is there. */
const routesOf = (request: HttpRequest, path: string, query: string): Record<string, () => ByRoute> | null => {
  const [, top, id = '', action, ...more] = path.split('/')
  const isId = uuidShape.test(id)
  if (fixed.includes(path)) return { GET: () => only(200) }
  if (path === '/orders')
    return {
      GET: () => listing(query, listParams),
      POST: () => placing(request),
      DELETE: () => only(isScope(query) ? 200 : 400),
    }
  if (path === '/orders/cancel-after') return { POST: () => only(isBare(query) ? expectSwitch(bodyOf(request)) : 400) }
  if (path === '/orders/void') return { POST: () => voiding(request, query) }
  if (path === '/orders/batch') return { POST: () => placingMany(request, query) }
  if (path === '/orders/validate') return { POST: () => validating(request, query) }
  if (path === '/exceptions') return { GET: () => listing(query, exceptionParams) }
  if (path === '/instruments')
    return {
      GET: () => only(...expectRead(query, ['ticker', 'limit', 'cursor'], 404)),
      PUT: () => only(...expectInstrument(bodyOf(request), query)),
      DELETE: () => only(...expectDelisting(query)),
    }
  if (path === '/trading')
    return {
      GET: () => only(...expectRead(query, ['ticker'])),
      PUT: () => only(...expectTrading(bodyOf(request), query)),
    }
  if (path === '/rules/changes') return { GET: () => only(...expectRead(query, ['limit', 'cursor'])) }
  if (id === '' || more.length > 0) return null
  if (top === 'orders' && action === undefined)
    return {
      GET: () => (isId ? only(200, 404) : only(400)),
      DELETE: () => (isBare(query) ? canceling(request, isId) : only(400)),
    }
  if (top === 'orders' && (action === 'fills' || action === 'events'))
    return { GET: () => (isId ? listing(query, ['limit', 'cursor'], 404) : only(400)) }
  if (top === 'orders' && action === 'cancel') return { POST: () => canceling(request, isId) }
  if (top === 'exceptions' && action === 'resolve') return { POST: () => resolving(request, id) }
  return null
}

const plainPath = /^(\/[A-Za-z0-9_-]+)+$/

const expectByRoute = (request: HttpRequest, path: string, query: string): ByRoute => {
  if (!plainPath.test(path)) {
    // It may mean the page, which has a tag.
    return only(...anyAnswer, ...(headerOf(request, 'if-none-match') === null ? [] : [304]))
  }
  const routes = routesOf(request, path, query)
  if (routes === null) return only(404)
  if (request.method === 'OPTIONS') return only(204)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  return (Object.hasOwn(routes, method) ? routes[method] : undefined)?.() ?? only(405)
}

export const expectAnswer = (request: HttpRequest): Expected => {
  const head =
    request.target.length + request.headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  const oddHost = !/^[a-z]+$/.test(headerOf(request, 'host') ?? '')
  const [path = '', ...rest] = request.target.split('?')
  return {
    ...expectByRoute(request, path, rest.join('?')),
    path: plainPath.test(path) ? path.slice(0, 256) : null,
    bare: oddHost || head > headBytes,
  }
}
