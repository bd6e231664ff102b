// Proves: the feed resumes where it was and says so, begins anew where the service says so, asks no service for ever that refused it, and
// serves all tabs of one credential from one stream.

import { describe, expect, test } from 'bun:test'
import { createFeed } from '../../src/blotter/feed/feed.ts'
import { pauseMs } from '../../src/blotter/feed/follow.ts'
import { createHub, type HubOptions } from '../../src/blotter/feed/hub.ts'
import type { FromFeed, Line, ToFeed } from '../../src/blotter/feed/protocol.ts'
import { createService } from '../../src/blotter/service/service.ts'
import { until as untilIn } from '../support/until.ts'
import { orderJson } from './orders.ts'

const until = (holds: () => boolean) => untilIn(holds, { what: String(holds) })

/** A service whose streams a test writes by hand. */
const createFakeService = () => {
  const requests: Record<string, string>[] = []
  const streams: { write: (text: string) => void; end: () => void; isOpen: () => boolean }[] = []
  const refusals: Response[] = []
  const fetch = (_: string, init: RequestInit): Promise<Response> => {
    requests.push(init.headers as Record<string, string>)
    const refusal = refusals.shift()
    if (refusal !== undefined) return Promise.resolve(refusal)
    let open = true
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.push({
          write: (text) => controller.enqueue(new TextEncoder().encode(text)),
          end: () => controller.close(),
          isOpen: () => open,
        })
        init.signal?.addEventListener('abort', () => {
          open = false
          controller.error(new Error('aborted'))
        })
      },
    })
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
  }
  return { fetch, requests, streams, refusals }
}

const snapshot = (...orders: string[]) => `event: snapshot\ndata: {"orders":[${orders.join(',')}]}\n\n`
const live = (cursor: string) => `event: live\nid: ${cursor}\ndata: {}\n\n`
const event = (cursor: string, order: string, kind = 'FILLED') =>
  `event: order\nid: ${cursor}\ndata: {"event":{"kind":"${kind}"},"order":${order}}\n\n`

/** A hub whose pauses end when the test says so, and a way to open tabs. */
const openHub = (changed: Partial<HubOptions> = {}) => {
  const service = createFakeService()
  const pauses: { ms: number; end: () => void }[] = []
  const freed = new Map<string, () => void>()
  const hub = createHub({
    fetch: service.fetch,
    random: () => 1,
    nowMs: () => 1_000_000,
    pause: (ms, signal) =>
      new Promise((resolve) => {
        pauses.push({ ms, end: resolve })
        signal.addEventListener('abort', () => resolve())
      }),
    later: (_, callback) => queueMicrotask(callback),
    whenFree: (lock, callback) => void freed.set(lock, callback),
    ...changed,
  })
  const openTab = (headers: Record<string, string> = {}) => {
    const said: FromFeed[] = []
    let toFeed: (message: ToFeed) => void = () => undefined
    hub.connect({ send: (message) => said.push(message), onMessage: (take) => void (toFeed = take) })
    const tab = {
      said,
      send: (message: ToFeed) => toFeed(message),
      states: () => said.flatMap((one) => (one.kind === 'state' ? [one.state.kind] : [])),
      orders: () =>
        said.flatMap((one) => (one.kind === 'changes' ? one.changes.map(({ order }) => order.version) : [])),
    }
    tab.send({ kind: 'join', headers })
    return tab
  }
  return { hub, openTab, pauses, freed, ...service }
}

describe('a stream', () => {
  test('brings the open orders, then each change', async () => {
    const { openTab, streams } = openHub()
    const tab = openTab()
    await until(() => streams.length === 1)
    streams[0]!.write(snapshot(orderJson(1), orderJson(2)) + live('c1') + event('c2', orderJson(1, { version: '1' })))
    await until(() => tab.orders().length === 3)
    expect(tab.states().at(-1)).toBe('live')
    expect(tab.orders()).toEqual([0, 0, 1])
  })

  test('that was lost goes on from its cursor, and says so', async () => {
    const { openTab, streams, requests, pauses } = openHub()
    const tab = openTab()
    await until(() => streams.length === 1)
    streams[0]!.write(snapshot(orderJson(1)) + live('c1') + event('c2', orderJson(1, { version: '1' })))
    await until(() => tab.orders().length === 2)
    streams[0]!.end()
    await until(() => pauses.length === 1)
    expect(tab.said.at(-1)).toEqual({
      kind: 'state',
      state: { kind: 'waiting', reason: 'the service ended the stream', untilMs: 1_000_000 + pauses[0]!.ms },
    })
    pauses[0]!.end()
    await until(() => streams.length === 2)
    expect(requests.map((headers) => headers['last-event-id'])).toEqual([undefined, 'c2'])
    expect(tab.said.slice(-2)).toEqual([{ kind: 'resumed' }, { kind: 'state', state: { kind: 'live' } }])
  })

  test('that was lost during its snapshot begins it anew: what came of it is forgotten', async () => {
    const { openTab, streams, requests, pauses } = openHub()
    const tab = openTab()
    await until(() => streams.length === 1)
    streams[0]!.write(snapshot(orderJson(1)))
    await until(() => tab.orders().length === 1)
    streams[0]!.end()
    await until(() => pauses.length === 1)
    tab.send({ kind: 'retry' })
    await until(() => streams.length === 2)
    expect(requests[1]).not.toHaveProperty('last-event-id')
    expect(tab.said.filter(({ kind }) => kind === 'resumed')).toEqual([])
    await until(() => tab.states().at(-1) === 'snapshot')
    expect(tab.said.slice(-2)).toEqual([
      { kind: 'reset', reason: 'SNAPSHOT_CUT_OFF' },
      { kind: 'state', state: { kind: 'snapshot' } },
    ])
    // The first order has ended meanwhile.
    streams[1]!.write(snapshot(orderJson(2)) + live('c1'))
    await until(() => tab.states().at(-1) === 'live')
    expect(openTab().orders()).toHaveLength(1)
  })

  test('whose cursor is not taken begins anew: what was known is forgotten first', async () => {
    const { openTab, streams, refusals, requests, pauses } = openHub()
    const tab = openTab()
    await until(() => streams.length === 1)
    streams[0]!.write(snapshot(orderJson(1)) + live('c1'))
    await until(() => tab.states().at(-1) === 'live')
    refusals.push(Response.json({ detail: 'too old' }, { status: 410 }))
    streams[0]!.end()
    await until(() => pauses.length === 1)
    pauses[0]!.end()
    await until(() => streams.length === 2)
    expect(tab.said).toContainEqual({ kind: 'reset', reason: 'CURSOR_NOT_TAKEN' })
    expect(requests.map((headers) => headers['last-event-id'])).toEqual([undefined, 'c1', undefined])
    streams[1]!.write(snapshot(orderJson(2)) + live('c9'))
    await until(() => tab.orders().length === 2)
    // A tab that comes now knows nothing of before.
    expect(openTab().orders()).toHaveLength(1)
  })

  test('that says reset is read anew over the same connection', async () => {
    const { openTab, streams, requests, pauses } = openHub()
    const tab = openTab()
    await until(() => streams.length === 1)
    streams[0]!.write(
      `${snapshot(orderJson(1))}${live('c1')}event: reset\ndata: {"reason":"TOO_FAR_BEHIND"}\n\n${snapshot(orderJson(2))}`,
    )
    await until(() => tab.said.some(({ kind }) => kind === 'reset'))
    expect(tab.said).toContainEqual({ kind: 'reset', reason: 'TOO_FAR_BEHIND' })
    // Lost before the new snapshot is complete: the cursor of before the reset is worth nothing.
    streams[0]!.end()
    await until(() => pauses.length === 1)
    pauses[0]!.end()
    await until(() => streams.length === 2)
    expect(requests[1]).not.toHaveProperty('last-event-id')
  })

  test.each([401, 403, 404])('that is refused with %d is not asked again', async (status) => {
    const { openTab, refusals, requests, pauses } = openHub()
    refusals.push(Response.json({ detail: 'no' }, { status }))
    const tab = openTab()
    await until(() => tab.states().at(-1) === 'refused')
    expect(tab.said.at(-1)).toEqual({ kind: 'state', state: { kind: 'refused', reason: 'no', status } })
    expect([requests.length, pauses.length]).toEqual([1, 0])
  })

  test('waits as long as the service asks for', async () => {
    const { openTab, refusals, pauses } = openHub()
    refusals.push(new Response('{}', { status: 429, headers: { 'retry-after': '9' } }))
    openTab()
    await until(() => pauses.length === 1)
    expect(pauses[0]!.ms).toBe(9_000)
  })

  test('waits longer after each failure, up to a bound', () => {
    expect([0, 1, 2, 9].map((failures) => pauseMs(failures, 1_000, 1))).toEqual([1_000, 2_000, 4_000, 15_000])
    expect(pauseMs(0, 1_000, 0)).toBe(500)
  })
})

describe('tabs', () => {
  test('of one credential share a stream, and a later one begins with what is known', async () => {
    const { hub, openTab, streams, requests } = openHub()
    const first = openTab({ authorization: 'Bearer a' })
    await until(() => streams.length === 1)
    streams[0]!.write(snapshot(orderJson(1)) + live('c1') + event('c2', orderJson(1, { version: '1' })))
    await until(() => first.orders().length === 2)
    const second = openTab({ authorization: 'Bearer a' })
    expect(second.orders()).toEqual([1])
    expect(second.states()).toEqual(['live'])
    streams[0]!.write(event('c3', orderJson(1, { version: '2' })))
    await until(() => second.orders().length === 2)
    expect(first.orders()).toEqual([0, 1, 2])
    expect([hub.counts(), requests.length]).toEqual([{ streams: 1, tabs: 2 }, 1])
  })

  test('of two credentials share nothing', async () => {
    const { openTab, streams, requests } = openHub()
    const first = openTab({ authorization: 'Bearer a' })
    const second = openTab({ authorization: 'Bearer b' })
    await until(() => streams.length === 2)
    streams[0]!.write(snapshot(orderJson(1)) + live('c1'))
    await until(() => first.orders().length === 1)
    expect(second.orders()).toEqual([])
    expect(requests.map(({ authorization }) => authorization)).toEqual(['Bearer a', 'Bearer b'])
  })

  test('end the stream with the last of them, also where one goes without a word', async () => {
    const { hub, openTab, streams, freed } = openHub()
    const [first, second] = [openTab(), openTab()]
    second.send({ kind: 'hold', lock: 'tab-2' })
    await until(() => streams.length === 1)
    first.send({ kind: 'leave' })
    expect(streams[0]!.isOpen()).toBeTrue()
    freed.get('tab-2')!()
    expect([streams[0]!.isOpen(), hub.counts()]).toEqual([false, { streams: 0, tabs: 0 }])
  })

  test('that come after a refusal try anew, for those before them too', async () => {
    const { openTab, refusals, streams } = openHub()
    refusals.push(new Response('{}', { status: 403 }))
    const first = openTab()
    await until(() => first.states().at(-1) === 'refused')
    openTab()
    await until(() => streams.length === 1)
    await until(() => first.states().at(-1) === 'snapshot')
  })
})

describe('a tab', () => {
  const openFeed = (list: () => Response) => {
    const asked: string[] = []
    const service = createService((path) => {
      asked.push(path)
      return Promise.resolve(list())
    })
    const sent: ToFeed[] = []
    let say: (message: FromFeed) => void = () => undefined
    const line: Line<ToFeed, FromFeed> = {
      send: (message) => sent.push(message),
      onMessage: (take) => void (say = take),
    }
    const feed = createFeed(service, line)
    return { feed, service, asked, sent, say: (message: FromFeed) => say(message) }
  }
  const listOf = (...orders: string[]) =>
    new Response(`{"orders":[${orders.join(',')}],"nextCursor":null}`, {
      headers: { 'content-type': 'application/json' },
    })

  test('reads the newest orders once it is live, ended ones among them', async () => {
    const { feed, asked, say } = openFeed(() => listOf(orderJson(1, { status: '"FILLED"', version: '3' })))
    say({ kind: 'state', state: { kind: 'live' } })
    say({ kind: 'state', state: { kind: 'live' } })
    await until(() => feed.book.counts().all === 1)
    expect(asked).toEqual(['/orders?limit=500'])
  })

  test('forgets what it knows at a reset, says so, and reads again', async () => {
    const { feed, asked, say } = openFeed(() => listOf(orderJson(1)))
    say({ kind: 'state', state: { kind: 'live' } })
    await until(() => feed.book.counts().all === 1)
    say({ kind: 'reset', reason: 'CURSOR_TOO_OLD' })
    expect([feed.book.counts().all, feed.notice()?.kind]).toEqual([0, 'reset'])
    say({ kind: 'state', state: { kind: 'live' } })
    await until(() => asked.length === 2)
  })

  test('says that it resumed, until it is disconnected again', () => {
    const { feed, say } = openFeed(() => listOf())
    say({ kind: 'resumed' })
    expect(feed.notice()).toEqual({ kind: 'resumed', text: 'Connected again; nothing was missed' })
    say({ kind: 'state', state: { kind: 'waiting', reason: 'x', untilMs: 0 } })
    expect(feed.notice()).toBeNull()
  })

  test('joins with the credential that it has now', () => {
    const { feed, service, sent } = openFeed(() => listOf())
    feed.join()
    service.setCredential('ok_1_secret')
    feed.join()
    expect(sent).toEqual([
      { kind: 'join', headers: {} },
      { kind: 'join', headers: { authorization: 'Bearer ok_1_secret' } },
    ])
  })
})
