// The open loop: requests at a steady rate, each at its own time even if earlier ones still wait. Latency counts from that time, so
// that a stall of the service counts for every request that had to wait. A process of its own: what `openLoop` starts is this file.

import { randomStream, type Random } from '../../support/random.ts'
import { drawBody, withKey } from '../mix/orderMix.ts'
import { runCommand } from './command.ts'
import { openConnections, type Connections } from './connections.ts'
import { createHistogram, type Histogram, type SparseCounts } from './histogram.ts'
import type { Answer } from './responseReader.ts'

type Kind = 'post' | 'get' | 'cancel'

export type OpenLoopPlan = {
  port: number
  perSecond: number
  seconds: number
  /** Load at the same rate before the measurement: its answers are not measured, but its orders count in the recount. */
  warmupSeconds: number
  /** Parts of all requests. */
  mix: Record<Kind, number>
  /** Latencies are also kept by windows of so many seconds. */
  windowSeconds: number
  /** Gets the acknowledged ids, one a line. */
  ackedFile: string
  /** Requests beyond so many wait in the generator, at the cost of their latency. */
  connections?: number
  /** So much of all orders is in one ticker. */
  hot?: { ticker: string; share: number }
}

export type OpenLoopResult = {
  /** Answers by kind and status, warm-up included; `lost` where none came. */
  answers: Record<string, number>
  /** Requests still without an answer at the end. */
  unanswered: number
  /** Latencies of the answers below 500, in microseconds, by kind and window. */
  latencies: Record<Kind, SparseCounts[]>
  /** When the measured time began, in milliseconds since 1970. */
  beganAt: number
  /** How late requests left the generator, in ms: latency of the generator itself. */
  lateP99Ms: number
  cpuSeconds: number
}

const usualConnections = 256
const tickMs = 1
const answerLimitMs = 20_000
/** Reads and cancels are of orders that were acknowledged lately; all others are only in the file. */
const recentMax = 50_000

const host = 'Host: 127.0.0.1\r\n'
const postRequest = (body: string): string =>
  `POST /orders HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const getRequest = (id: string): string => `GET /orders/${id} HTTP/1.1\r\n${host}\r\n`
const cancelRequest = (id: string): string => `POST /orders/${id}/cancel HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`

type Generator = {
  plan: OpenLoopPlan
  rng: Random
  lines: Connections
  recent: string[]
  acked: { count: number; file: Bun.FileSink }
  answers: Record<string, number>
  latencies: Record<Kind, Histogram[]>
  late: Histogram
  keyPrefix: string
}

const requestOf = ({ rng, recent, keyPrefix, plan: { hot } }: Generator, kind: Kind, n: number): string => {
  const ticker = hot !== undefined && rng.chance(hot.share) ? hot.ticker : undefined
  if (kind === 'post') return postRequest(withKey(drawBody(rng, ticker), `${keyPrefix}-${n}`))
  const id = rng.pick(recent)
  return kind === 'get' ? getRequest(id) : cancelRequest(id)
}

const drawKind = ({ rng, recent, plan: { mix } }: Generator): Kind => {
  const drawn = rng.next() * (mix.post + mix.get + mix.cancel)
  if (drawn < mix.post || recent.length === 0) return 'post'
  return drawn < mix.post + mix.get ? 'get' : 'cancel'
}

const rememberId = ({ recent, acked }: Generator, id: string): void => {
  recent[acked.count++ % recentMax] = id
  void acked.file.write(`${id}\n`)
}

/** `dueMs` and `now` on the clock of performance.now(); `sinceMs` is the measured time that has passed when it is due. */
const sendOne = (generator: Generator, n: number, { dueMs, sinceMs }: { dueMs: number; sinceMs: number }): void => {
  const { plan, answers, latencies, late, lines } = generator
  const kind = drawKind(generator)
  const measured = sinceMs >= 0
  if (measured) late.record((performance.now() - dueMs) * 1000)
  const onAnswer = (answer: Answer | null): void => {
    const name = `${kind} ${answer?.status ?? 'lost'}`
    answers[name] = (answers[name] ?? 0) + 1
    if (answer === null) return
    if (kind === 'post' && answer.status === 202) rememberId(generator, answer.location!.slice('/orders/'.length))
    if (!measured || answer.status >= 500) return
    const window = Math.floor(sinceMs / 1000 / plan.windowSeconds)
    ;(latencies[kind][window] ??= createHistogram()).record((performance.now() - dueMs) * 1000)
  }
  lines.send({ request: requestOf(generator, kind, n), onAnswer })
}

/** Returns when the measured time began. */
const generate = async (generator: Generator): Promise<number> => {
  const { perSecond, seconds, warmupSeconds } = generator.plan
  const startedAt = performance.now()
  const beganAt = Date.now() + warmupSeconds * 1000
  const total = perSecond * (seconds + warmupSeconds)
  for (let n = 0; n < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1)
    for (; n < due; n++) {
      const atMs = (n / perSecond) * 1000
      sendOne(generator, n, { dueMs: startedAt + atMs, sinceMs: atMs - warmupSeconds * 1000 })
    }
    await Bun.sleep(tickMs)
  }
  const limit = performance.now() + answerLimitMs
  while (generator.lines.open() > 0 && performance.now() < limit) await Bun.sleep(10)
  return beganAt
}

const runGenerator = async (plan: OpenLoopPlan): Promise<void> => {
  const generator: Generator = {
    plan,
    rng: randomStream('open loop', plan.perSecond),
    lines: await openConnections(plan.port, plan.connections ?? usualConnections),
    recent: [],
    acked: { count: 0, file: Bun.file(plan.ackedFile).writer() },
    answers: {},
    latencies: { post: [], get: [], cancel: [] },
    late: createHistogram(),
    keyPrefix: crypto.randomUUID().slice(0, 8),
  }
  const beganAt = await generate(generator)
  const sparse = (windows: readonly (Histogram | undefined)[]): SparseCounts[] =>
    Array.from(windows, (window) => window?.sparse() ?? [])
  const { answers, latencies, late, lines, acked } = generator
  const result: Omit<OpenLoopResult, 'cpuSeconds'> = {
    beganAt,
    answers,
    unanswered: lines.open(),
    latencies: { post: sparse(latencies.post), get: sparse(latencies.get), cancel: sparse(latencies.cancel) },
    lateP99Ms: late.percentileMs(0.99),
  }
  lines.close()
  await acked.file.end()
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

export const openLoop = async (plan: OpenLoopPlan): Promise<OpenLoopResult> => {
  const { output, cpuSeconds } = await runCommand([process.execPath, import.meta.path, JSON.stringify(plan)])
  return { ...(JSON.parse(output) as OpenLoopResult), cpuSeconds }
}

if (import.meta.main) await runGenerator(JSON.parse(process.argv[2]!) as OpenLoopPlan)
