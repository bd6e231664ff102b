// One request while it is answered. Every route goes through `answering`: the request gets its id, the answer its common headers,
// whoever counts or logs sees both, and a handler that throws becomes a 500 that is in the log.

import { traceparentPattern } from '../app/shapes.ts'
import { describe, type Log } from '../log.ts'
import type { Caller } from './auth/caller.ts'
import type { OperationId } from './operations.ts'
import { problem } from './problem.ts'

export type Exchange = {
  /** Null where no operation was found: an unknown path, or a method that the path does not have. */
  readonly operation: OperationId | null
  readonly request: Request
  /** The parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** The caller's `X-Request-Id` where it sent one that can be passed on, else an id of our own. */
  readonly requestId: string
  /** The caller's W3C trace context, where it is valid. */
  readonly traceparent: string | null
  /** Who calls, once a gate has found out; null where nobody has to say, and until then. */
  caller: Caller | null
  /** Headers that the answer will have beside those of its handler. */
  readonly headers: Record<string, string>
}

export type Handler = (exchange: Exchange) => Response | Promise<Response>

/** Told of every answer, once. `seconds`: from the first look at the request to the last look at the answer. */
export type RequestObserver = (exchange: Exchange, seen: { status: number; seconds: number }) => void

/** Answers in place of the handler, or not at all. */
export type Gate = (exchange: Exchange) => Response | null | Promise<Response | null>

export type ExchangeOptions = {
  log: Log
  observe: RequestObserver
  /** In their order; the first answer counts. */
  gates: readonly Gate[]
}

const traceContext = new RegExp(traceparentPattern)
/** What may be repeated in a header and in a line of the log. */
const passable = /^[A-Za-z0-9._:=+/-]{1,128}$/

const open = (request: Request, operation: OperationId | null, params: Record<string, string>): Exchange => {
  const given = request.headers.get('x-request-id')
  const trace = request.headers.get('traceparent')
  return {
    operation,
    request,
    params,
    requestId: given !== null && passable.test(given) ? given : Bun.randomUUIDv7(),
    traceparent: trace !== null && traceContext.test(trace) ? trace : null,
    caller: null,
    headers: {},
  }
}

/** Not by `new URL`: where the Host header is missing or no host name, a request's URL is its path alone. */
export const pathOf = ({ url }: Request): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')

/** What a line of the log says of a request. */
const traits = ({ request, requestId, traceparent }: Exchange) => ({
  requestId,
  method: request.method,
  path: pathOf(request),
  ...(traceparent === null ? {} : { traceparent }),
})

const logAnswer = (exchange: Exchange, log: Log, seen: { status: number; seconds: number }): void => {
  const { status, seconds } = seen
  const fields = () => ({ ...traits(exchange), status, ms: Math.round(seconds * 1e5) / 100 })
  // A 500 is in the log with its cause; refusals come in floods.
  if (status > 500) log.rarely('warn', `${exchange.operation} ${status}`, 'a request was refused', fields())
  else if (log.debugging) log.debug('a request was answered', fields())
}

const run = async (exchange: Exchange, handler: Handler, { gates, log }: ExchangeOptions): Promise<Response> => {
  try {
    for (const gate of gates) {
      const stopped = gate(exchange)
      const response = stopped instanceof Promise ? await stopped : stopped
      if (response !== null) return response
    }
    return await handler(exchange)
  } catch (error) {
    log.error('a request failed', { ...traits(exchange), ...describe(error) })
    return problem('INTERNAL', 'the service failed on this request')
  }
}

/** What nobody else may keep, and what no browser may run or frame; a handler that knows better says so itself. */
const unlessSet = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
] as const

/** Makes of a handler what the router calls. */
export const answering =
  (operation: OperationId | null, handler: Handler, options: ExchangeOptions) =>
  async (request: Request, params: Record<string, string> = {}): Promise<Response> => {
    const startedAt = performance.now()
    const exchange = open(request, operation, params)
    const response = await run(exchange, handler, options)
    const { headers, status } = response
    headers.set('x-request-id', exchange.requestId)
    headers.set('x-content-type-options', 'nosniff')
    for (const [name, value] of unlessSet) if (!headers.has(name)) headers.set(name, value)
    for (const name in exchange.headers) headers.set(name, exchange.headers[name]!)
    const seen = { status, seconds: (performance.now() - startedAt) / 1000 }
    options.observe(exchange, seen)
    logAnswer(exchange, options.log, seen)
    return response
  }
