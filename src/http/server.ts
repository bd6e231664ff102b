// The HTTP server: the routes, and the answers to requests that reach no route or fail outside one.

import type { BunRequest } from 'bun'
import { Elysia } from 'elysia'
import type { Log } from '../telemetry/log.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { blotterHandlers, type ReadPage } from './blotter/routes.ts'
import { docsHandlers, type ContractOptions } from './contract/docs.ts'
import { operations, type OperationId } from './contract/operations.ts'
import { exceptionHandlers } from './exceptions/routes.ts'
import {
  answering,
  type Answer,
  type Exchange,
  type ExchangeOptions,
  type Handler,
  type RequestObserver,
  type Visit,
} from './exchange/exchange.ts'
import { isServed, type Management, type Operation } from './exchange/operation.ts'
import { pathOf } from './exchange/path.ts'
import { problem, type Problem } from './exchange/problem.ts'
import { patienceWhileAnswering, silentSeconds } from './exchange/silence.ts'
import { createCors, preflightHeaders } from './gates/cors.ts'
import { guardGates, openGuard, type Guard } from './gates/guard.ts'
import { handbookHandlers } from './handbook/routes.ts'
import { actuatorHandlers } from './operators/actuator.ts'
import { healthHandlers, type HealthSource } from './operators/health.ts'
import { metricHandlers } from './operators/metrics.ts'
import type { RouteOptions } from './orders/options.ts'
import { orderHandlers } from './orders/routes.ts'
import { ruleHandlers } from './rules/routes.ts'
import { streamHandlers, type SetSilence, type StreamOptions } from './stream/routes.ts'

export type ServerOptions = RouteOptions &
  StreamOptions & {
    /** False while the service starts: calls that need the store are refused. */
    started: () => boolean
    /** True while the service stops: the port is about to close. */
    draining: () => boolean
    /** Pages of these origins may call from a browser. */
    corsOrigins: readonly string[]
    health: HealthSource
    /** The text of the metrics page. */
    metrics: () => string
    contracts: ContractOptions
    /** The files of the blotter's page; null: it is turned off. */
    blotter: ReadPage | null
    log: Log
    observe: RequestObserver
    tracing: Tracing
    now: () => Date
    /** How long a connection may be silent. */
    idleTimeoutMs: number
    /** The longest that an answer may take. */
    answerMaxMs: number
    /** Who may call, and how often. Default: everybody, without limits. */
    guard?: Guard
    /** Which routes: all of them (the default), all but those for operators, or only those. */
    management?: Management
  }

/** Like the router, it ignores one slash at the end. */
const trimmed = (path: string): string => path.replace(/(.)\/$/, '$1')

/** The methods of a path: those of its own routes, if there are any, or else of the routes with a parameter that it matches. */
const methodsOf = (app: Elysia, path: string): string[] => {
  const segments = trimmed(path).split('/')
  const matches = (route: string): boolean => {
    const parts = route.split('/')
    const isMatch = (part: string, i: number) => (part.startsWith(':') ? segments[i] !== '' : part === segments[i])
    return parts.length === segments.length && parts.every(isMatch)
  }
  const own = app.routes.filter((route) => route.path === trimmed(path))
  const routes = own.length > 0 ? own : app.routes.filter((route) => matches(route.path))
  const methods = routes.map((route) => route.method)
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))]
}

/** Answers a path and method without a handler: 404 if the path does not exist, otherwise its methods (204 to OPTIONS, 405 to others). */
const notFound = (app: Elysia, exchange: Exchange): Answer => {
  const { method } = exchange.request
  const methods = methodsOf(app, pathOf(exchange.request)).toSorted()
  // Of `/x/../orders` the request says `/orders`: no route was reached, whatever that path takes.
  if (methods.length === 0 || methods.includes(method)) return problem('NOT_FOUND', 'there is nothing at this path')
  const allow = [...methods, 'OPTIONS'].toSorted().join(', ')
  if (method !== 'OPTIONS') return problem('METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } })
  return new Response(null, { status: 204, headers: { allow, ...preflightHeaders(exchange, methods) } })
}

const starting = (): Problem =>
  problem('OVERLOADED', 'the service is starting: try again after the time in Retry-After')

/**
 * The paths of other routes that a route with a parameter would match too, since they have no such method: DELETE /orders/stream names no
 * order.
 */
const foreignPaths = ({ method, path }: Operation, served: readonly Operation[]): ReadonlySet<string> => {
  const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)
  const fixed = served.filter((other) => !other.path.includes('{') && pattern.test(other.path))
  const paths = new Set<string>(fixed.map((other) => other.path))
  for (const other of fixed) if (other.method === method) paths.delete(other.path)
  return paths
}

/** The handler of each operation; a missing one is a type error. */
const handlersOf = (options: ServerOptions, setSilence: SetSilence): Record<OperationId, Handler> => ({
  ...orderHandlers(options),
  ...streamHandlers(options, setSilence),
  ...exceptionHandlers(options),
  ...ruleHandlers(options),
  ...actuatorHandlers,
  ...healthHandlers(options.health),
  ...metricHandlers(options.metrics),
  ...docsHandlers(options),
  ...handbookHandlers,
  ...blotterHandlers(options.blotter),
})

/** Calls an operation past the router: for doors that find the operation in another way. */
export type CallOperation = (
  id: OperationId,
  call: { request: Request; params?: Record<string, string>; visit: Visit },
) => Promise<Response>

/** The routes with their gates, on no port yet. */
export const createApp = (options: ServerOptions): Elysia => createServer(options).app

/** Where requests came in, and how long their connections may be silent: of this server's port, or of the other door that they came through. */
const createVisits = (app: Elysia) => {
  const visits = new WeakMap<Request, Visit>()
  const setTimeout = (request: Request, seconds: number): void =>
    visits.has(request) ? undefined : app.server?.timeout(request, seconds)
  const setSilence: SetSilence = ({ request, visit }, ms) =>
    visit === null ? setTimeout(request, silentSeconds(ms)) : visit.onSilence?.(ms)
  return {
    enter: (request: Request, visit: Visit): void => void visits.set(request, visit),
    addressOf: (request: Request): string =>
      visits.get(request)?.address ?? app.server?.requestIP(request)?.address ?? '',
    setTimeout,
    setSilence,
  }
}

/** What every request goes through: the gates in their order, and who hears of its answer. */
const exchangeOptionsOf = (
  options: ServerOptions,
  { addressOf, setTimeout }: ReturnType<typeof createVisits>,
): ExchangeOptions => {
  const { log, tracing, now, started, draining, corsOrigins, guard = openGuard } = options
  const patience = patienceWhileAnswering({ ...options, setTimeout })
  const gates = [
    ...(patience === null ? [] : [patience.gate]),
    ...(corsOrigins.length === 0 ? [] : [createCors(corsOrigins)]),
    ...guardGates(guard, { addressOf, log }),
    (exchange: Exchange) => (!started() && exchange.operation?.needs === 'store' ? starting() : null),
  ]
  const observeAll: RequestObserver = (exchange, outcome) => {
    patience?.observe(exchange, outcome)
    options.observe(exchange, outcome)
  }
  const observe = patience === null ? options.observe : observeAll
  return { log, observe, tracing, draining, gates, now }
}

/** Answers what reached no route or failed outside one. */
const createStrays = (app: Elysia, options: ExchangeOptions) => {
  const answerNotFound = answering(null, (exchange) => notFound(app, exchange), options)
  const answerUnreadable = answering(null, () => problem('BAD_REQUEST', 'the request could not be read'), options)
  const answerBug = (error: unknown) =>
    answering(
      null,
      () => {
        throw error
      },
      options,
    )
  app.onError({ as: 'global' }, ({ code, error, request }) => {
    if (code === 'NOT_FOUND') return answerNotFound(request)
    return code === 'PARSE' || code === 'VALIDATION' ? answerUnreadable(request) : answerBug(error)(request)
  })
  return answerNotFound
}

/** Routes of Bun's own router, by path and method. */
type NativeRoutes = Record<string, Record<string, (request: BunRequest) => Promise<Response>>>

/**
 * Whether Bun's router, which takes paths as they were sent, found no route for a request of the port. Elysia's looks at the URL that Bun
 * makes of it, where `/x/../metrics` is `/metrics` and a short host is part of the path: a proxy that guards a path would be passed by.
 */
const isStray = (app: Elysia, request: Request): boolean => app.server !== null && !('params' in request)

/** The same, and its operations for other doors: through the same gates, so limits count a caller once, whichever door it takes. */
export const createServer = (options: ServerOptions): { app: Elysia; call: CallOperation } => {
  const slashed: NativeRoutes = {}
  const app: Elysia = new Elysia({ normalize: false, serve: { routes: slashed } })
  const visits = createVisits(app)
  const exchangeOptions = exchangeOptionsOf(options, visits)
  const answerNotFound = createStrays(app, exchangeOptions)
  const handlers = handlersOf(options, visits.setSilence)
  const answers = new Map<OperationId, ReturnType<typeof answering>>()
  for (const operation of Object.values(operations))
    answers.set(operation.id, answering(operation, handlers[operation.id], exchangeOptions))
  const served = Object.values(operations).filter((operation) => isServed(operation, options.management ?? 'here'))
  for (const operation of served) {
    const { method, path } = operation
    const answer = answers.get(operation.id)!
    const foreign = foreignPaths(operation, served)
    // `parse: 'none'`: the handlers read the bodies themselves, because they limit size and time and need the exact text of numbers.
    const route = path.replace(/\{(\w+)\}/g, ':$1')
    const handle = ({ request, params }: { request: Request; params: Record<string, string> }) =>
      isStray(app, request) || (foreign.size > 0 && foreign.has(trimmed(pathOf(request))))
        ? answerNotFound(request)
        : answer(request, params)
    app.route(method, route, handle, { parse: 'none' })
    // The path with a slash at its end. Elysia cuts one slash off before it gives the route to Bun.
    if (path !== '/') (slashed[`${route}//`] ??= {})[method] = (request) => handle({ request, params: request.params })
  }
  return {
    app,
    call(id, { request, params, visit }) {
      visits.enter(request, visit)
      return answers.get(id)!(request, params, visit)
    },
  }
}
