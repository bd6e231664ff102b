// One connection to the stream: from the request to the reason why it ended.

import { accessRefusal, failureOf, problemOf, retryAfterOf } from '../client/failure.ts'
import { createSseReader, StreamTooLong, type SseMessage } from '../wire/sse.ts'
import type { WatchOptions } from './options.ts'

/**
 * Why a connection ended. `lost`: try again, at the earliest after `afterMs` if the service said so. `forget`: try again without the
 * cursor, which the service does not take. `refused`: it will not get better by itself; the sentence is for a person.
 */
export type Ending =
  | { kind: 'lost'; reason: string; afterMs: number | null }
  | { kind: 'forget'; reason: string }
  | { kind: 'refused'; reason: string }

export type Connection = {
  options: Pick<WatchOptions, 'url' | 'headers' | 'ca'>
  cursor: string | null
  signal: AbortSignal
  onOpen: () => void
  /** Called with the messages of each chunk; the next chunk is read once it resolves. `retryMs`: see SseReader. */
  onMessages: (messages: readonly SseMessage[], retryMs: number | null) => Promise<void>
}

/** How long an answer may take, and how long an open stream may be silent: it sends something every 15 s. */
const answerMaxMs = 15_000
const silenceMaxMs = 45_000
const problemCharactersMax = 65_536

/** What an answer that is no stream means. `hasCursor`: whether the request had one. */
export const endingOf = (
  { status, retryAfterMs, code, detail }: { status: number; retryAfterMs: number | null; code: string; detail: string },
  request: { hasCursor: boolean; hasCredential: boolean },
): Ending => {
  const said = detail === '' ? '' : `: ${detail}`
  switch (status) {
    case 401:
    case 403:
      return {
        kind: 'refused',
        reason: `${accessRefusal(status, 'watch these orders', request.hasCredential)}${said}`,
      }
    case 404:
    case 405:
      return { kind: 'refused', reason: `there is no stream of orders at this address: look at --url${said}` }
    case 410:
      return { kind: 'forget', reason: `too much happened since: beginning anew${said}` }
    case 400:
      return request.hasCursor
        ? { kind: 'forget', reason: `the service does not know this place in its log: beginning anew${said}` }
        : { kind: 'refused', reason: `the service refuses these filters${said}` }
    case 429:
      return {
        kind: 'lost',
        reason: `too many streams or requests of this caller${said}`,
        afterMs: retryAfterMs ?? 5_000,
      }
    default:
      if (status >= 500) return { kind: 'lost', reason: `the service answers ${status}${said}`, afterMs: retryAfterMs }
      return { kind: 'refused', reason: `the service answers ${status}${code === '' ? '' : ` ${code}`}${said}` }
  }
}

const lostBy = (error: unknown): Ending => {
  if (error instanceof StreamTooLong)
    return { kind: 'refused', reason: `this is no stream of orders: ${error.message}` }
  const { kind, reason } = failureOf(error)
  return kind === 'certificate' ? { kind: 'refused', reason } : { kind: 'lost', reason, afterMs: null }
}

/** Aborts after `ms` without `again`. */
const createPatience = (outer: AbortSignal) => {
  const own = new AbortController()
  let timer: Timer | undefined
  const again = (ms: number, what: string): void => {
    clearTimeout(timer)
    timer = setTimeout(() => own.abort(new Error(what)), ms)
  }
  return { signal: AbortSignal.any([outer, own.signal]), again, end: () => clearTimeout(timer) }
}

/** Follows the stream until it ends. An error of `onMessages` is thrown: the output is gone. */
export const connect = async ({ options, cursor, signal, onOpen, onMessages }: Connection): Promise<Ending> => {
  const patience = createPatience(signal)
  const { url, headers, ca } = options
  let body: ReadableStreamDefaultReader<Uint8Array> | undefined
  try {
    patience.again(answerMaxMs, `no answer within ${answerMaxMs / 1000} s`)
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...headers, ...(cursor !== null && { 'last-event-id': cursor }) },
      redirect: 'manual',
      signal: patience.signal,
      ...(ca !== undefined && { tls: { ca } }),
    })
    if (response.status !== 200 || !(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
      const found = {
        status: response.status,
        retryAfterMs: retryAfterOf(response.headers),
        ...problemOf((await response.text().catch(() => '')).slice(0, problemCharactersMax)),
      }
      return endingOf(found, { hasCursor: cursor !== null, hasCredential: Object.keys(headers).length > 0 })
    }
    onOpen()
    const reader = createSseReader(cursor)
    body = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
    for (;;) {
      patience.again(silenceMaxMs, `the stream was silent for ${silenceMaxMs / 1000} s`)
      const { value } = await body.read()
      if (value === undefined) return { kind: 'lost', reason: 'the service ended the stream', afterMs: null }
      patience.end()
      const messages = reader.take(value)
      // Whoever reads the output slowly makes this wait, and then the service says that we lag.
      await onMessages(messages, reader.retryMs()).catch((error: unknown) => {
        throw new OutputGone('nobody reads the output', { cause: error })
      })
    }
  } catch (error) {
    if (error instanceof OutputGone) throw error
    return lostBy(error)
  } finally {
    patience.end()
    await body?.cancel().catch(() => undefined)
  }
}

/** The reader of standard output closed it. */
export class OutputGone extends Error {
  override name = 'OutputGone'
}
