// Proves: each answer of the service means one thing to `orders watch`, and it finds its way back over every kind of broken stream.

import { describe, expect, test } from 'bun:test'
import { createBoard } from '../../src/watch/board.ts'
import { endingOf } from '../../src/watch/connection.ts'
import { follow, pauseMs, type ConnectionState } from '../../src/watch/follow.ts'
import type { News } from '../../src/watch/reading.ts'
import { until } from '../support/until.ts'

describe('an answer that is no stream', () => {
  const cases = [
    [401, { hasCursor: false, hasCredential: false }, 'refused', 'asks for a credential: set ORDERS_API_KEY'],
    [401, { hasCursor: true, hasCredential: true }, 'refused', 'does not accept this credential'],
    [403, { hasCursor: false, hasCredential: true }, 'refused', 'may not watch these orders'],
    [404, { hasCursor: false, hasCredential: false }, 'refused', 'no stream of orders at this address'],
    [400, { hasCursor: false, hasCredential: false }, 'refused', 'refuses these filters'],
    [400, { hasCursor: true, hasCredential: false }, 'forget', 'beginning anew'],
    [410, { hasCursor: true, hasCredential: false }, 'forget', 'beginning anew'],
    [429, { hasCursor: true, hasCredential: false }, 'lost', 'too many streams'],
    [503, { hasCursor: true, hasCredential: false }, 'lost', 'answers 503'],
    [301, { hasCursor: false, hasCredential: false }, 'refused', 'answers 301'],
  ] as const
  test.each(cases)('%d %j: %s', (status, request, kind, words) => {
    const ending = endingOf({ status, retryAfterMs: null, code: 'CODE', detail: 'because' }, request)
    expect(ending.kind).toBe(kind)
    expect(ending.reason).toContain(words)
    expect(ending.reason).toEndWith(': because')
    expect(ending.reason).not.toContain('\n')
  })

  test('429 waits as long as it says, else five seconds', () => {
    const at = (retryAfterMs: number | null) =>
      endingOf({ status: 429, retryAfterMs, code: '', detail: '' }, { hasCursor: false, hasCredential: false })
    expect(at(2_000)).toMatchObject({ afterMs: 2_000 })
    expect(at(null)).toMatchObject({ afterMs: 5_000 })
  })
})

test('pauses grow, to a limit, and differ', () => {
  expect([0, 1, 2, 3, 30].map((failures) => pauseMs(failures, 500, 1))).toEqual([500, 1_000, 2_000, 4_000, 15_000])
  expect(pauseMs(0, 500, 0)).toBe(250)
})

const frame = (id: string | null, name: string, data: object): string =>
  `${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
const order = (version: number) => ({ id: 'a', status: 'NEW', version })
const change = (version: number): string =>
  frame(`c${version}`, 'order', { event: { version, kind: 'FILLED' }, order: order(version) })
const begin = `retry: 1\n\n${frame(null, 'snapshot', { orders: [order(0)] })}${frame('c0', 'live', {})}`

type Script = string | (() => Response)

/** A server that gives each connection the next of `scripts`, then holds the last one open. */
const serve = (scripts: readonly Script[]) => {
  const cursors: (string | null)[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const script = scripts[Math.min(cursors.length, scripts.length - 1)]!
      const isLast = cursors.length >= scripts.length - 1
      cursors.push(request.headers.get('last-event-id'))
      if (typeof script === 'function') return script()
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(script))
          if (!isLast) controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { url: new URL(`http://127.0.0.1:${server.port}/orders/stream`), cursors, stop: () => server.stop(true) }
}

/** Follows until the news are enough, or, without a test of them, until it ends by itself. */
const run = async (scripts: readonly Script[], isDone?: (news: readonly News[]) => boolean) => {
  const server = serve(scripts)
  const stopping = new AbortController()
  const news: News[] = []
  const states: ConnectionState[] = []
  const done = follow({
    options: { url: server.url, headers: {}, ca: undefined },
    signal: stopping.signal,
    board: createBoard({ keepTexts: false }),
    async onNews(some) {
      news.push(...some)
    },
    onState: (state) => void states.push(state),
    random: () => 0,
    clock: () => 0,
  })
  if (isDone !== undefined) {
    await until(() => isDone(news), { what: 'the news came' })
    stopping.abort()
  }
  const refusal = await done
  await server.stop()
  return { news, states, cursors: server.cursors, refusal }
}
const versionsOf = (news: readonly News[]) =>
  news.flatMap((one) =>
    one.kind === 'event' ? [(JSON.parse(one.text) as { event: { version: number } }).event.version] : [],
  )

test('a stream that breaks off, a 503, a 429 and a cut message: each version once, from where it was', async () => {
  const scripts = [
    `${begin}${change(1)}${change(2)}`,
    () => new Response('', { status: 503 }),
    () => new Response('', { status: 429, headers: { 'retry-after': '0' } }),
    `${change(2)}${change(3)}${change(4).slice(0, 20)}`,
    frame('c3', 'lagging', {}),
    `${change(4)}${change(5)}`,
  ]
  const { news, cursors, states } = await run(scripts, (some) => versionsOf(some).includes(5))
  expect(versionsOf(news)).toEqual([1, 2, 3, 4, 5])
  expect(cursors).toEqual([null, 'c2', 'c2', 'c2', 'c3', 'c3'])
  expect(states.flatMap((state) => (state.kind === 'waiting' ? [state.reason] : []))).toEqual([
    'the service ended the stream',
    'the service answers 503',
    'too many streams or requests of this caller',
    'the service ended the stream',
    'the service ended the stream',
  ])
})

test('410: it begins anew without the cursor, and says so', async () => {
  const gone = () => new Response('{"code":"CURSOR_EXPIRED","detail":"24 h"}', { status: 410 })
  const { news, cursors } = await run(
    [begin, gone, begin],
    (some) => some.filter(({ kind }) => kind === 'live').length === 2,
  )
  expect(cursors).toEqual([null, 'c0', null])
  expect(news.map(({ kind }) => kind)).toEqual(['order', 'live', 'reset', 'order', 'live'])
})

test('a credential that is no longer accepted ends it with one sentence', async () => {
  const { refusal } = await run([begin, () => new Response('', { status: 401 })])
  expect(refusal).toContain('the service asks for a credential')
})

test('what is no stream of orders ends it', async () => {
  const { refusal } = await run([() => new Response('<html>', { headers: { 'content-type': 'text/html' } })])
  expect(refusal).toBe('the service answers 200')
})
