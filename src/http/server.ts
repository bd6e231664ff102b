// The HTTP server: the routes, and one answer for whatever goes wrong around them.

import { Elysia } from 'elysia'
import { describe, type Log } from '../log.ts'
import { docsRoutes, type ContractOptions } from './docs.ts'
import { exceptionRoutes } from './exceptionRoutes.ts'
import { healthRoutes, type HealthSource } from './health.ts'
import { metricRoutes, type Metric } from './metrics.ts'
import { problem } from './problem.ts'
import { orderRoutes, type RouteOptions } from './routes.ts'

export type ServerOptions = RouteOptions & {
  health: HealthSource
  metrics: () => readonly Metric[]
  contracts: ContractOptions
  log: Log
}

export type Server = {
  port: number
  /** Takes no new connection, lets requests under way end. */
  stop: () => Promise<void>
}

/** Longer than the deadline of any request, so that the server never cuts one that is still allowed to answer. */
const idleTimeoutSeconds = 30
/** Bodies are bounded where they are read, with a problem as the answer; Bun's own bare 413 stays out of the way. */
const neverTooLarge = Number.MAX_SAFE_INTEGER

/** The methods of the routes that a path leads to. As the router has it, one slash at the end does not count. */
const methodsOf = (app: Elysia, path: string): string[] => {
  const segments = path.replace(/\/$/, '').split('/')
  const matches = (route: string): boolean => {
    const parts = route.split('/')
    const isMatch = (part: string, i: number) => (part.startsWith(':') ? segments[i] !== '' : part === segments[i])
    return parts.length === segments.length && parts.every(isMatch)
  }
  const methods = app.routes.filter((route) => matches(route.path)).map((route) => route.method)
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))]
}

/** Not by `new URL`: where the Host header is missing or no host name, a request's URL is its path alone. */
const pathOf = ({ url }: Request): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')

/** A path that exists with another method is a 405 that names those it has. */
const notFound = (app: Elysia, request: Request): Response => {
  const methods = methodsOf(app, pathOf(request))
  if (methods.length === 0) return problem('NOT_FOUND', 'there is nothing at this path')
  const allow = methods.toSorted().join(', ')
  return problem('METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } })
}

export const createApp = (options: ServerOptions) => {
  const app: Elysia = new Elysia({ normalize: false })
  const onError = ({ code, error, request }: { code: string | number; error: unknown; request: Request }): Response => {
    if (code === 'NOT_FOUND') return notFound(app, request)
    if (code === 'PARSE' || code === 'VALIDATION') return problem('BAD_REQUEST', 'the request could not be read')
    options.log.error('a request failed', { method: request.method, path: pathOf(request), ...describe(error) })
    return problem('INTERNAL', 'the service failed on this request')
  }
  app
    .onError({ as: 'global' }, onError)
    .use(healthRoutes(options.health))
    .use(metricRoutes(options.metrics))
    .use(orderRoutes(options))
    .use(exceptionRoutes(options))
    .use(docsRoutes(options))
  return app
}

/** Listens on `port` (0: any free one). Throws when it is taken. */
export const startServer = ({
  port,
  hostname,
  ...options
}: ServerOptions & { port: number; hostname: string }): Server => {
  const app = createApp(options)
  // Elysia lets several processes share a port unless it is told otherwise: a second one by mistake would take half the calls.
  const limits = { idleTimeout: idleTimeoutSeconds, maxRequestBodySize: neverTooLarge }
  app.listen({ port, hostname, reusePort: false, development: false, ...limits })
  const { server } = app
  if (server === null) throw new Error('the HTTP server did not start')
  return { port: server.port ?? port, stop: () => server.stop() }
}
