// One stream client: it follows, is cut off or leaves in the middle of anything, goes on from its cursor at the other replica, sometimes by
// polling, and now and then forgets all and begins anew. It judges nothing; it writes down what it saw.

import type { Random } from '../../support/random.ts'
import { get, type Connection, type End } from './connection.ts'
import { pickFilter, type Kind } from './picks.ts'
import { createSseReader } from './sseReader.ts'
import type { StreamLog } from './streamLog.ts'

export type Habits = { kind: Kind; form: 'stream' | 'poll' | 'both'; slow: boolean }

export type ClientOptions = {
  habits: Habits
  urls: readonly string[]
  /** The log of those who place and cancel. */
  ordersLog: string
  log: StreamLog
  rng: Random
}

export type StreamClient = {
  /** Stops leaving, reads until nothing comes any more, and writes that down. False: it did not come so far. */
  drain: (signal: AbortSignal) => Promise<boolean>
  goOn: () => void
  stop: () => Promise<void>
}

const headLimitMs = 10_000
/** If nothing came for so long while a connection stands, there is nothing more. */
const quietMs = 3_000
const tickMs = 50
/** How long a slow client reads between its pauses. */
const gulpMs = 100
/** How often a client that begins a new connection begins with nothing at all. */
const forgets: Record<Kind, number> = { any: 0.02, user: 0.06, ticker: 0.06, userAndTicker: 0.06, order: 0.4 }

/** The connection of the moment. `lastAt`: when its answer began or its last event came, by performance.now(); null: no answer yet. */
type Now = { connection: Connection; lastAt: number | null; place: () => string | null }

type Conversation = {
  slow: boolean
  headers: Readonly<Record<string, string>>
  /** The cursor of what was read. */
  place: () => string | null
  onBody: (bytes: Buffer, status: number) => void
}

export const startClient = ({ habits, urls, ordersLog, log, rng }: ClientOptions): StreamClient => {
  let mode: 'run' | 'drain' | 'rest' | 'stop' = 'run'
  let filter = null as ReturnType<typeof pickFilter>
  let cursor: string | null = null
  let form: 'stream' | 'poll' = 'stream'
  let turn = rng.below(urls.length)
  let now: Now | null = null
  let emptyPages = 0
  /** By performance.now(). A client that reads slowly may have left the rest lying until then. */
  let drainsSince = Infinity

  const baseUrl = (): string => urls[turn++ % urls.length]!
  const is = (wanted: typeof mode): boolean => mode === wanted

  const beginAnew = (): void => {
    filter = pickFilter(habits.kind, ordersLog, rng)
    cursor = null
    if (filter !== null) log.follow(filter)
  }
  const target = (path: string, more: Record<string, string>): URL =>
    new URL(`${path}?${new URLSearchParams({ ...filter, ...more }).toString()}`, baseUrl())

  /** Leaves after some time, or some bytes, or not at all; reads in gulps if it is slow. */
  const unsettle = ({ connection }: Now, slow: boolean): (() => void) => {
    const timers: Timer[] = []
    if (!is('run')) return () => undefined
    if (!slow && rng.chance(0.5)) timers.push(setTimeout(() => is('run') && connection.cut(), rng.int(100, 12_000)))
    const gulp = (): void => {
      if (!is('run')) return connection.goOn()
      connection.pause()
      timers.push(
        setTimeout(
          () => {
            connection.goOn()
            timers.push(setTimeout(gulp, gulpMs))
          },
          rng.int(1_000, 20_000),
        ),
      )
    }
    if (slow) gulp()
    return () => timers.forEach((timer) => clearTimeout(timer))
  }
  const converse = async (
    url: URL,
    { slow, headers, place, onBody }: Conversation,
  ): Promise<End & { status: number }> => {
    let status = 0
    const connection = get({
      url,
      headers,
      cutAfterBytes: is('run') && !slow && rng.chance(0.35) ? rng.int(1, 150_000) : Infinity,
      headLimitMs,
      onHead(head) {
        status = head.status
        if (now !== null) now.lastAt = performance.now()
      },
      onBody: (bytes) => onBody(bytes, status),
    })
    now = { connection, lastAt: null, place }
    const settle = unsettle(now, slow)
    const end = await connection.ended
    settle()
    now = null
    if (end.how === 'nonsense') log.nonsense(end.why)
    return { ...end, status }
  }
  const refuse = (status: number, text: string): void => {
    const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? null
    log.refused(status, code)
    if (status === 410) cursor = null
  }

  const stream = async (): Promise<void> => {
    const url = target('/orders/stream', {})
    const slow = habits.slow && is('run')
    log.connect({ form: 'stream', cursor, slow, url: url.origin })
    const reader = createSseReader(cursor, ({ event, data }) => {
      if (now !== null) now.lastAt = performance.now()
      log.event(event, data)
    })
    let problem = ''
    const { how, status } = await converse(url, {
      slow,
      place: reader.lastEventId,
      headers: { accept: 'text/event-stream', ...(cursor === null ? {} : { 'last-event-id': cursor }) },
      onBody(bytes, answered) {
        if (answered === 200) reader.feed(bytes)
        else problem += bytes.toString()
      },
    })
    cursor = reader.lastEventId()
    if (status !== 200 && status !== 0 && how === 'complete') refuse(status, problem)
  }
  const poll = async (): Promise<void> => {
    const limit = String(rng.pick([1, 7, 100, 1_000]))
    const url = target('/events', { limit: is('run') ? limit : '1000', ...(cursor === null ? {} : { cursor }) })
    log.connect({ form: 'poll', cursor, slow: false, url: url.origin })
    let text = ''
    const decoder = new TextDecoder()
    const { how, status } = await converse(url, {
      slow: false,
      place: () => cursor,
      headers: { accept: 'application/json' },
      onBody: (bytes) => void (text += decoder.decode(bytes, { stream: true })),
    })
    if (how !== 'complete') return
    if (status !== 200) return refuse(status, text)
    log.page(text)
    const next = /"cursor":"([^"]+)"\}$/.exec(text)?.[1]
    cursor = next ?? cursor
    emptyPages = text.startsWith('{"events":[]') ? emptyPages + 1 : 0
  }

  const round = async (): Promise<void> => {
    if (filter === null || (is('run') && form === 'stream' && rng.chance(forgets[habits.kind]))) beginAnew()
    if (filter === null) return Bun.sleep(rng.int(100, 1_000))
    if (habits.form === 'both') form = rng.chance(0.8) ? form : rng.pick(['stream', 'poll'])
    else form = habits.form
    await (form === 'poll' ? poll() : stream())
    await Bun.sleep(is('run') ? rng.int(10, form === 'poll' ? 300 : 800) : 100)
  }
  let rounding: Promise<void> = Promise.resolve()
  const run = async (): Promise<void> => {
    while (!is('stop')) {
      rounding = is('rest') ? Bun.sleep(tickMs) : round()
      await rounding
    }
  }
  const running = run()

  /** Asks by polling whether anything comes after the place of the stream: on a busy machine, silence alone does not say so. */
  const isAtEnd = async (): Promise<boolean> => {
    const place = now?.place() ?? null
    if (form === 'poll') return true
    if (place === null) return false
    const answer = await fetch(target('/events', { limit: '1', cursor: place }), {
      keepalive: false,
      signal: AbortSignal.timeout(headLimitMs),
    })
      .then((response) => response.text())
      .catch(() => '')
    return answer.startsWith('{"events":[]')
  }
  const isQuiet = (): boolean => {
    if (form === 'poll') return emptyPages >= 2
    return performance.now() - Math.max(now?.lastAt ?? Infinity, drainsSince) >= quietMs
  }
  return {
    async drain(signal) {
      mode = 'drain'
      emptyPages = 0
      drainsSince = performance.now()
      now?.connection.goOn()
      let isDrained = false
      while (!isDrained && !signal.aborted) {
        await Bun.sleep(tickMs)
        isDrained = isQuiet() && (await isAtEnd()) && isQuiet()
      }
      mode = 'rest'
      now?.connection.cut()
      // Whatever it still writes down stands before the line that says it has seen all.
      await rounding
      if (isDrained) log.drained()
      log.flush()
      return isDrained
    },
    goOn: () => void (mode = 'run'),
    async stop() {
      mode = 'stop'
      now?.connection.cut()
      await running
      log.flush()
    },
  }
}
