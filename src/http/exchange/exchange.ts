// A request and its answer. Every route goes through `answering`: it gives the request its id and the answer its common headers, writes
// problems, shows both to the metrics and the log, and turns an error of a handler into a 500.

import type { Caller } from '../../app/caller.ts'
import type { Door } from '../../domain/door.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { traceparentOf, type Attributes, type Span, type Tracing } from '../../telemetry/tracing.ts'
import type { Operation } from './operation.ts'
import { pathOf, shownPath } from './path.ts'
import { problem, problemReply, type Problem } from './problem.ts'
import { Reply } from './reply.ts'

export type Exchange = {
  /** Null for an unknown path, and for a method that the path does not have. */
  readonly operation: Operation | null
  readonly request: Request
  /** The parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** The caller's `X-Request-Id` if it is safe to repeat, else a new id. */
  readonly requestId: string
  /** The W3C trace context for what this request causes: our own span's, else the caller's if it is valid, else null. */
  readonly traceparent: string | null
  /** Null until a gate has identified the caller, and on routes that need no credential. */
  caller: Caller | null
  /** How long the credential is good; null on routes whose answer does not outlive that look, and if callers need none. */
  credential: Credential | null
  /** Takes one more turn of the caller's limits, for a call that does the work of several; null if nobody is limited. See limits.ts. */
  takeTurn: (() => Problem | null) | null
  /** Where the request came in, if that was not this server's own port. */
  readonly visit: Visit | null
  /** Through which it came; absent: HTTP. */
  readonly door?: Door | undefined
  /** Headers that gates add to the answer. */
  readonly headers: Record<string, string>
}

/** A call that came in through another door, and goes through the same gates and handlers. */
export type Visit = {
  readonly door: Door
  /** As that door calls it, for the log and traces: `orders.v1.Orders/Place`. */
  readonly name: string
  /** What its span says. `code`: of the problem; null: there is none. */
  readonly attributes: (answer: { code: string | null; requestId: string }) => Attributes
  /** The address of the client. */
  readonly address: string
  /** How long its connection may take nothing from now on, in ms; said of streams. */
  readonly onSilence?: (ms: number) => void
  /** Why a stream ended; called before its last block. */
  readonly onStreamEnd?: (end: 'client' | 'lagging' | 'credential' | 'shutdown') => void
}

/** A credential for as long as an answer goes on. */
export type Credential = {
  /** In ms since 1970; Infinity: it does not expire. */
  readonly expiresAtMs: number
  /** Whether it is still accepted, and still lets the same caller make this call. Never rejects. */
  readonly isStillGood: () => boolean | Promise<boolean>
}

/** What a handler or a gate returns; `answering` writes problems and replies. A Response is for what is no text, or no JSON. */
export type Answer = Response | Reply | Problem

export type Handler = (exchange: Exchange) => Answer | Promise<Answer>

/** `seconds`: from the start of `answering` until the answer was ready. */
type Outcome = { status: number; seconds: number }

/** Called once for every answer. */
export type RequestObserver = (exchange: Exchange, outcome: Outcome) => void

/** Answers in place of the handler, or returns null to let the request pass. */
export type Gate = (exchange: Exchange) => Answer | null | Promise<Answer | null>

export type ExchangeOptions = {
  log: Log
  observe: RequestObserver
  tracing: Tracing
  /** True once the port is about to close. */
  draining: () => boolean
  /** Called in this order, until one answers. */
  gates: readonly Gate[]
  now: () => Date
}

/** A request id that is safe to repeat in a header and in the log. */
const safeId = /^[A-Za-z0-9._:=+/-]{1,128}$/

type Opening = {
  operation: Operation | null
  request: Request
  params: Record<string, string>
  visit: Visit | null
  tracing: Tracing
}

const openExchange = ({
  operation,
  request,
  params,
  visit,
  tracing,
}: Opening): { exchange: Exchange; span: Span | null } => {
  const sentId = request.headers.get('x-request-id')
  const parent = traceparentOf(request.headers.get('traceparent'))
  const span =
    operation?.needs === 'store'
      ? tracing.start({ name: visit?.name ?? `${request.method} ${operation.path}`, kind: 'SERVER', parent })
      : null
  const exchange = {
    operation,
    request,
    params,
    requestId: sentId !== null && safeId.test(sentId) ? sentId : Bun.randomUUIDv7(),
    traceparent: span?.traceparent ?? parent,
    caller: null,
    credential: null,
    takeTurn: null,
    visit,
    door: visit?.door,
    headers: {},
  }
  return { exchange, span }
}

/** The attributes have OpenTelemetry's names for HTTP. */
const httpAttributes = ({ operation, request, requestId }: Exchange, status: number): Attributes => ({
  'http.request.method': request.method,
  'http.route': operation!.path,
  'http.response.status_code': status,
  'http.request.header.x-request-id': [requestId],
})

/** `code`: of the problem; null: there is none. */
const endSpan = (span: Span, exchange: Exchange, { status, code }: { status: number; code: string | null }): void => {
  const { visit, requestId } = exchange
  const attributes = visit === null ? httpAttributes(exchange, status) : visit.attributes({ code, requestId })
  span.end(attributes, status >= 500 ? 'failed' : undefined)
}

/** The log fields of a request. */
const logFields = ({ request, requestId, traceparent, visit }: Exchange) => ({
  requestId,
  ...(visit === null ? { method: request.method, path: pathOf(request) } : { call: visit.name }),
  ...(traceparent === null ? {} : { traceparent }),
})

const logAnswer = (exchange: Exchange, log: Log, { status, seconds }: Outcome): void => {
  const fields = { ...logFields(exchange), status, ms: Math.round(seconds * 1e5) / 100 }
  // A 500 is in the log already, with its cause. Refusals come in floods, so only some are logged.
  if (status > 500) log.rarely('warn', `${exchange.operation?.id} ${status}`, 'a request was refused', fields)
  else log.debug('a request was answered', fields)
}

const internalProblem = (exchange: Exchange, error: unknown, log: Log): Problem => {
  log.error('a request failed', { ...logFields(exchange), ...describe(error) })
  return problem('INTERNAL', 'the service failed on this request')
}

/** Unless the handler sets these headers itself, no cache may store an answer and no browser may run or frame it. */
const usualHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** The headers of every answer, whatever its handler sets. */
const ownHeaders = ({ requestId, headers }: Exchange, isLast: boolean): Record<string, string> => ({
  'x-request-id': requestId,
  'x-content-type-options': 'nosniff',
  ...headers,
  // So the client sends no further request on this connection: such a request might get no answer when the port closes.
  ...(isLast ? { connection: 'close' } : {}),
})

const respond = ({ status, body, headers }: Reply, own: Record<string, string>): Response =>
  new Response(body, { status, headers: { ...usualHeaders, ...headers, ...own } })

const setHeaders = (response: Response, own: Record<string, string>): Response => {
  const { headers } = response
  for (const [name, value] of Object.entries(usualHeaders)) if (!headers.has(name)) headers.set(name, value)
  for (const name in own) headers.set(name, own[name]!)
  return response
}

const isProblem = (answer: Answer): answer is Problem => !(answer instanceof Reply || answer instanceof Response)

/** Wraps a handler into the function that the router calls. One asynchronous function for all steps is faster than one for each. */
export const answering =
  (operation: Operation | null, handler: Handler, { log, observe, tracing, draining, gates, now }: ExchangeOptions) =>
  async (request: Request, params: Record<string, string> = {}, visit: Visit | null = null): Promise<Response> => {
    const startedAt = performance.now()
    const { exchange, span } = openExchange({ operation, request, params, visit, tracing })
    let answer: Answer | null = null
    try {
      for (const gate of gates) {
        const verdict = gate(exchange)
        answer = verdict instanceof Promise ? await verdict : verdict
        if (answer !== null) break
      }
      answer ??= await handler(exchange)
    } catch (error) {
      answer = internalProblem(exchange, error, log)
    }
    const refusal = isProblem(answer) ? answer : null
    const reply = refusal === null ? answer : problemReply(refusal, { path: shownPath(request), at: now() })
    const own = ownHeaders(exchange, draining())
    const response = reply instanceof Reply ? respond(reply, own) : setHeaders(reply as Response, own)
    const outcome = { status: response.status, seconds: (performance.now() - startedAt) / 1000 }
    observe(exchange, outcome)
    if (span !== null) endSpan(span, exchange, { ...outcome, code: refusal?.code ?? null })
    if (outcome.status > 500 || log.debugging) logAnswer(exchange, log, outcome)
    return response
  }
