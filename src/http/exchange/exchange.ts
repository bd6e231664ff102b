// One request while it is answered. Every route goes through `answering`: the request gets its id, the answer its common headers,
// whoever counts or logs sees both, and a handler that throws becomes a 500 that is in the log.

import { describe, type Log } from '../../telemetry/log.ts'
import { traceparentOf, type Span, type Tracing } from '../../telemetry/tracing.ts'
import type { Caller } from '../../app/caller.ts'
import { needsStore, operations, type OperationId } from '../contract/operations.ts'
import { problem } from './problem.ts'

export type Exchange = {
  /** Null where no operation was found: an unknown path, or a method that the path does not have. */
  readonly operation: OperationId | null
  readonly request: Request
  /** The parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** The caller's `X-Request-Id` where it sent one that can be passed on, else an id of our own. */
  readonly requestId: string
  /** The W3C trace context of what is done for it: our own span's where there is one, else the caller's, where it is valid. */
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
  tracing: Tracing
  /** True once the port is about to close. */
  draining: () => boolean
  /** In their order; the first answer counts. */
  gates: readonly Gate[]
}

/** What may be repeated in a header and in a line of the log. */
const passable = /^[A-Za-z0-9._:=+/-]{1,128}$/

type Opening = { operation: OperationId | null; request: Request; params: Record<string, string>; tracing: Tracing }

const open = ({ operation, request, params, tracing }: Opening): { exchange: Exchange; span: Span | null } => {
  const given = request.headers.get('x-request-id')
  const parent = traceparentOf(request.headers.get('traceparent'))
  const span = needsStore(operation)
    ? tracing.start({ name: `${request.method} ${operations[operation].path}`, kind: 'SERVER', parent })
    : null
  const exchange = {
    operation,
    request,
    params,
    requestId: given !== null && passable.test(given) ? given : Bun.randomUUIDv7(),
    traceparent: span?.traceparent ?? parent,
    caller: null,
    headers: {},
  }
  return { exchange, span }
}

/** By OpenTelemetry's names for HTTP. */
const endSpan = (span: Span, { operation, request, requestId }: Exchange, status: number): void =>
  span.end(
    {
      'http.request.method': request.method,
      'http.route': operations[operation!].path,
      'http.response.status_code': status,
      'http.request.header.x-request-id': [requestId],
    },
    status >= 500 ? 'failed' : undefined,
  )

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
  const fields = { ...traits(exchange), status, ms: Math.round(seconds * 1e5) / 100 }
  // A 500 is in the log with its cause; refusals come in floods.
  if (status > 500) log.rarely('warn', `${exchange.operation} ${status}`, 'a request was refused', fields)
  else log.debug('a request was answered', fields)
}

const failed = (exchange: Exchange, error: unknown, log: Log): Response => {
  log.error('a request failed', { ...traits(exchange), ...describe(error) })
  return problem('INTERNAL', 'the service failed on this request')
}

/** What nobody else may keep, and what no browser may run or frame; a handler that knows better says so itself. */
const setCommon = ({ headers }: Response, exchange: Exchange): void => {
  headers.set('x-request-id', exchange.requestId)
  headers.set('x-content-type-options', 'nosniff')
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', nothingAllowed)
  for (const name in exchange.headers) headers.set(name, exchange.headers[name]!)
}
const nothingAllowed = "default-src 'none'; frame-ancestors 'none'"

/** Makes of a handler what the router calls. On the path of every request: one asynchronous function, not one for each step. */
export const answering =
  (operation: OperationId | null, handler: Handler, { log, observe, tracing, draining, gates }: ExchangeOptions) =>
  async (request: Request, params: Record<string, string> = {}): Promise<Response> => {
    const startedAt = performance.now()
    const { exchange, span } = open({ operation, request, params, tracing })
    let response: Response | null = null
    try {
      for (const gate of gates) {
        const stopped = gate(exchange)
        response = stopped instanceof Promise ? await stopped : stopped
        if (response !== null) break
      }
      response ??= await handler(exchange)
    } catch (error) {
      response = failed(exchange, error, log)
    }
    setCommon(response, exchange)
    // The client leaves with this answer; otherwise its next request might meet the port as it closes, and get none.
    if (draining()) response.headers.set('connection', 'close')
    const seen = { status: response.status, seconds: (performance.now() - startedAt) / 1000 }
    observe(exchange, seen)
    if (span !== null) endSpan(span, exchange, seen.status)
    if (seen.status > 500 || log.debugging) logAnswer(exchange, log, seen)
    return response
  }
