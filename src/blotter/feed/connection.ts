// One connection to the stream of orders: from the request to the reason why it ended. It is read with `fetch`, because an EventSource
// cannot send a credential.

import { createSseReader, type SseMessage } from '../../wire/sse.ts'

/** `lost`: try again. `forget`: try again without the cursor. `refused`: it will not get better by itself. */
export type Ending =
  | { readonly kind: 'lost'; readonly reason: string; readonly afterMs: number | null }
  | { readonly kind: 'forget'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly status: number }

export type Connection = {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>
  readonly headers: Readonly<Record<string, string>>
  readonly cursor: string | null
  readonly signal: AbortSignal
  readonly onOpen: () => void
  /** `retryMs`: the service's wish for the time before a new connection; null: it said none. */
  readonly onMessages: (messages: readonly SseMessage[], retryMs: number | null) => void
}

/** The service says something every 15 s. */
const silenceMaxMs = 45_000

const detailOf = (text: string): string => {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    return typeof detail === 'string' ? detail : ''
  } catch {
    return ''
  }
}

/** What an answer means that is no stream. */
const endingOf = async (response: Response, hasCursor: boolean): Promise<Ending> => {
  const { status, headers } = response
  const detail = detailOf(await response.text().catch(() => ''))
  const said = detail === '' ? '' : `: ${detail}`
  const seconds = Number(headers.get('retry-after') ?? 'none')
  const afterMs = Number.isFinite(seconds) ? seconds * 1_000 : null
  if (hasCursor && (status === 410 || status === 400))
    return { kind: 'forget', reason: 'the place in the log is no longer kept' }
  if (status === 429) return { kind: 'lost', reason: `too many streams or requests${said}`, afterMs: afterMs ?? 5_000 }
  if (status >= 500) return { kind: 'lost', reason: `the service answers ${status}${said}`, afterMs }
  return { kind: 'refused', reason: detail || `the service answers ${status}`, status }
}

const read = async (response: Response, { cursor, onMessages }: Connection, stillHere: () => void): Promise<Ending> => {
  const reader = createSseReader(cursor)
  const body = response.body!.getReader()
  try {
    for (;;) {
      stillHere()
      const { value } = await body.read()
      if (value === undefined) return { kind: 'lost', reason: 'the service ended the stream', afterMs: null }
      const messages = reader.take(value)
      if (messages.length > 0) onMessages(messages, reader.retryMs())
    }
  } finally {
    await body.cancel().catch(() => undefined)
  }
}

/** Follows the stream until it ends. Never rejects. */
export const connect = async (connection: Connection): Promise<Ending> => {
  const { fetch, headers, cursor, signal, onOpen } = connection
  const silence = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const stillHere = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), silenceMaxMs)
  }
  try {
    stillHere()
    const response = await fetch('/orders/stream', {
      headers: { accept: 'text/event-stream', ...headers, ...(cursor !== null && { 'last-event-id': cursor }) },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (response.status !== 200 || !isStream) return await endingOf(response, cursor !== null)
    onOpen()
    return await read(response, connection, stillHere)
  } catch {
    const reason = silence.signal.aborted ? 'the service was silent' : 'the service cannot be reached'
    return { kind: 'lost', reason, afterMs: null }
  } finally {
    clearTimeout(timer)
  }
}
