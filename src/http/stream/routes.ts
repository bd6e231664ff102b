// The routes that follow the log: a stream of server-sent events, and polling.

import type { ResetReason } from '../../app/follow.ts'
import type { StreamUseCases, TooManyStreams } from '../../app/streams.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { json, searchOf } from '../exchange/reply.ts'
import { pollPageJson } from './answers.ts'
import { createEventStream, type EventStream, type StreamObserver } from './eventStream.ts'
import type { OpenStreams } from './openStreams.ts'
import { cursorRule, decodeFollowQuery, eventsDecoder, type FollowQuery } from './query.ts'

export type StreamOptions = {
  streams: StreamUseCases
  openStreams: OpenStreams
  observeStream: StreamObserver
  /** How many events a page of polling may have. */
  eventsPageMax: number
  /** How often a silent stream says that it is alive. */
  heartbeatMs: number
  now: () => Date
  /** From 0 to 1. */
  random: () => number
}

/** Sets how long the connection of a request may be silent. */
export type SetSilence = (exchange: Pick<Exchange, 'request' | 'visit'>, ms: number) => void

/** When a stream ends, its client waits this long before it connects again: spread, because all of them may end at once. */
const retryMs = { least: 1_000, most: 3_000 }
/** A client whose socket took nothing for so many heartbeats is gone. */
const heartbeatsMissedMax = 2
/** How long a client may take nothing before it is cut off, after its stream ended. */
const closingMs = 2_000

const notCursor = ({ pointer }: FollowQuery): Problem => invalid('Invalid cursor', [{ pointer, detail: cursorRule }])

const tooManyRetrySeconds = '5'
export const tooManyStreams = (whose: TooManyStreams['whose']): Problem =>
  problem(
    'RATE_LIMITED',
    `too many streams ${whose === 'all' ? 'in all' : 'of yours'}: close one, or try again later`,
    {
      title: 'Too many streams',
      headers: { 'retry-after': tooManyRetrySeconds },
    },
  )

const expiryReasons = {
  CURSOR_TOO_OLD: 'the cursor is too old',
  TOO_FAR_BEHIND: 'too many events passed since the cursor',
  OTHER_DATABASE: 'the cursor is of another database',
} as const satisfies Record<ResetReason, string>

export const cursorExpired = (reason: ResetReason): Problem =>
  problem('CURSOR_EXPIRED', `${expiryReasons[reason]}: read the orders anew, then begin without a cursor`, {
    members: { reason: JSON.stringify(reason) },
  })

/** Proxies must not keep the events back: nginx by its own header, whoever compresses what passes by `no-transform`. */
const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

const streamOrders = (exchange: Exchange, options: StreamOptions, setSilence: SetSilence): Answer => {
  const { request, credential } = exchange
  const { streams, openStreams, observeStream, heartbeatMs, now, random } = options
  const query = decodeFollowQuery(searchOf(request), request.headers.get('last-event-id'))
  if (!query.ok) return invalid('Invalid query', query.faults)
  let stream: EventStream
  const opened = streams.follow(exchange, query.value, () => stream.lag())
  if (!opened.ok) return opened.code === 'BAD_CURSOR' ? notCursor(query.value) : tooManyStreams(opened.whose)
  const { following } = opened
  if (request.method === 'HEAD') {
    following.close()
    return new Response(null, { headers: streamHeaders })
  }
  stream = createEventStream(following, {
    retryMs: Math.round(retryMs.least + random() * (retryMs.most - retryMs.least)),
    heartbeatMs,
    expiresAtMs: credential?.expiresAtMs ?? Infinity,
    nowMs: () => now().getTime(),
    isStillAllowed: () => credential?.isStillGood() ?? true,
    onClosing: () => setSilence(exchange, closingMs),
    observe: {
      ...observeStream,
      onEnd(end) {
        exchange.visit?.onStreamEnd?.(end)
        openStreams.remove(stream)
        observeStream.onEnd(end)
      },
    },
  })
  openStreams.add(stream)
  setSilence(exchange, heartbeatsMissedMax * heartbeatMs)
  return new Response(stream.body, { headers: streamHeaders })
}

const pollEvents = async (
  exchange: Exchange,
  { streams }: StreamOptions,
  decode: ReturnType<typeof eventsDecoder>,
): Promise<Answer> => {
  const query = decode(searchOf(exchange.request))
  if (!query.ok) return invalid('Invalid query', query.faults)
  const page = await streams.events(exchange, query.value)
  if (page.ok) return json(200, pollPageJson(page.events, page.cursor))
  switch (page.code) {
    case 'BAD_CURSOR':
      return notCursor(query.value)
    case 'CURSOR_EXPIRED':
      return cursorExpired(page.reason)
    case 'OVERLOADED':
    case 'UNAVAILABLE':
      return refused('OVERLOADED')
  }
}

export const streamHandlers = (options: StreamOptions, setSilence: SetSilence) => {
  const decode = eventsDecoder(options.eventsPageMax)
  return {
    streamOrders: (exchange) => streamOrders(exchange, options, setSilence),
    pollEvents: (exchange) => pollEvents(exchange, options, decode),
  } satisfies Record<string, Handler>
}
