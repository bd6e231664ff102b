// Proves: a stream client that leaves in the middle of anything and goes on elsewhere, by stream or by polling, writes down every event once
// it is drained, as it came; and the checker's reader gives back what it wrote.

import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '../../support/random.ts'
import type { JsonNumber } from '../checker/amounts.ts'
import type { StreamLine } from '../checker/evidence.ts'
import { startClient, type Habits } from './client.ts'
import { openStreamLog, readStreamLogs } from './streamLog.ts'

const events = 400
const everyMs = 10
const drainLimitMs = 30_000
const bodyOf = (n: number): string =>
  `{"event":{"orderId":"o","version":${n}},"order":{"padding":"${'ü'.repeat(200)}"}}`
const sse = (name: string, data: string, id?: number): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`

const bornAt = performance.now()
/** How many events there are by now. */
const present = (): number => Math.min(events, Math.floor((performance.now() - bornAt) / everyMs))

const streamFrom = (cursor: string | null): Response => {
  let next = cursor === null ? present() : Number(cursor)
  let opening = cursor === null ? `${sse('snapshot', '{"orders":[]}')}${sse('live', '{}', next)}` : ''
  const body = new ReadableStream<string>({
    async pull(controller) {
      if (opening !== '') {
        controller.enqueue(opening)
        opening = ''
        return
      }
      while (next >= present()) await Bun.sleep(everyMs)
      controller.enqueue(sse('order', bodyOf(next), ++next))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
const pageFrom = (query: URLSearchParams): Response => {
  const from = Number(query.get('cursor') ?? present())
  const to = query.has('cursor') ? Math.min(present(), from + Number(query.get('limit'))) : from
  const texts = Array.from({ length: to - from }, (_, i) => bodyOf(from + i))
  return new Response(`{"events":[${texts.join(',')}],"cursor":"${to}"}`)
}
const serve = () =>
  Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      if (Math.random() < 0.05) return new Response('{"code":"UNAVAILABLE"}', { status: 503 })
      return pathname === '/events' ? pageFrom(searchParams) : streamFrom(request.headers.get('last-event-id'))
    },
  })

const servers = [serve(), serve()]
const dir = mkdtempSync(join(tmpdir(), 'stream-clients-'))
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop(true)))
  rmSync(dir, { recursive: true, force: true })
})

const versionsIn = (line: StreamLine): number[] => {
  const documents = 'page' in line ? (line.page as { events: unknown[] }).events : 'event' in line ? [line.data] : []
  return documents.flatMap((document) => {
    const { event } = document as { event?: { version: JsonNumber } }
    return event === undefined ? [] : [Number(event.version.source)]
  })
}

const habits: Habits[] = [
  { kind: 'any', form: 'stream', slow: false },
  { kind: 'any', form: 'poll', slow: false },
  { kind: 'any', form: 'both', slow: false },
  { kind: 'any', form: 'stream', slow: true },
]

test('clients that are cut off everywhere miss nothing', async () => {
  const clients = habits.map((each, index) => {
    const log = openStreamLog(dir, String(index))
    const urls = servers.map(({ url }) => url.origin)
    return startClient({ habits: each, urls, ordersLog: join(dir, 'none'), log, rng: createRandom(index) })
  })
  while (present() < events) await Bun.sleep(everyMs)
  const signal = AbortSignal.timeout(drainLimitMs)
  expect(await Promise.all(clients.map((client) => client.drain(signal)))).toEqual(habits.map(() => true))
  await Promise.all(clients.map((client) => client.stop()))
  let connections = 0
  for (const { client, lines } of readStreamLogs(dir)) {
    const all = [...lines]
    const last = all.findLastIndex((line) => 'connect' in line && line.cursor === null)
    const versions = all.slice(last).flatMap(versionsIn)
    expect(versions, `client ${client}`).toEqual(
      Array.from({ length: versions.length }, (_, i) => events - versions.length + i),
    )
    expect(versions.length, `client ${client}`).toBeGreaterThan(0)
    expect(all.at(-1)).toEqual({ drained: true })
    connections += all.filter((line) => 'connect' in line).length
  }
  expect(connections).toBeGreaterThan(2 * habits.length)
}, 60_000)
