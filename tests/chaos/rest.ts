// Waits until nothing moves any more once the faults and the load have stopped, or says what still waits after the limit; and
// collects the evidence of that moment.

import type { Evidence, Rest } from './checker/evidence.ts'
import { partitions, topics } from './kafkaSide.ts'
import { persist } from './persist.ts'
import type { Replica } from './replica.ts'
import type { TopicRecord } from './topicLog.ts'
import type { World } from './world.ts'

/** Ends a run that never comes to rest; it measures nothing, and a busy machine is slow. */
const limitMs = 300_000
const quietMs = 1_500
const pollMs = 200

/** What a replica lacks to be ready and healthy, or null. */
const faultOf = async (replica: Replica): Promise<string | null> => {
  if (!(await replica.readiness())) return `${replica.name} is not ready`
  const health = await replica.health()
  if (health === null) return `${replica.name} does not answer for its health`
  return health.status === 'UP' ? null : `${replica.name} is ${health.status}: ${JSON.stringify(health.components)}`
}

const look = async ({ tables, side, replicas }: World): Promise<Rest> => {
  const [outbox, endings, lag] = await Promise.all([tables.outbox(), tables.endings(), side.lag()])
  const faults = await Promise.all(replicas.map(faultOf))
  const healths = await Promise.all(replicas.map((replica) => replica.health()))
  return {
    outbox,
    endings,
    lag,
    setAside: healths.reduce((sum, health) => sum + (health?.components.kafka.details.tickersSetAside ?? 0), 0),
    notReady: faults.filter((fault) => fault !== null),
  }
}

const isAtRest = ({ outbox, endings, lag, setAside, notReady }: Rest): boolean =>
  outbox === 0 && endings === 0 && lag === 0 && setAside === 0 && notReady.length === 0

/** The ends of what the engine reads and writes: while they move, it has not finished. */
const mark = async ({ side }: World): Promise<string> =>
  JSON.stringify(
    await Promise.all([
      side.logs.placed.ends(),
      side.logs.cancelled.ends(),
      side.logs.trades.ends(),
      side.logs.reports.ends(),
    ]),
  )

/** Waits until all is at rest for a while and the topics do not move, or until the limit. A look that fails counts as "not yet". */
export const comeToRest = async (world: World): Promise<{ rest: Rest; tookMs: number }> => {
  const startedAt = performance.now()
  let rest: Rest = { outbox: -1, endings: -1, lag: -1, setAside: -1, notReady: ['nothing could be looked at'] }
  let marked = ''
  let since = performance.now()
  while (performance.now() - startedAt < limitMs) {
    try {
      rest = await look(world)
      const now = await mark(world)
      if (!isAtRest(rest) || now !== marked) since = performance.now()
      marked = now
      if (performance.now() - since >= quietMs) return { rest, tookMs: since - startedAt }
    } catch {
      since = performance.now()
    }
    await Bun.sleep(pollMs)
  }
  return { rest, tookMs: performance.now() - startedAt }
}

const eventOf = ({ partition, offset, key, bytes, headers, appendedAt }: TopicRecord) => ({
  partition,
  offset,
  key,
  eventId: headers['eventId'] ?? null,
  value: bytes === null ? null : new TextDecoder().decode(bytes),
  appendedAt,
})

/** Reads the tables first: what is in them must be on the topics by then. */
export const gather = async (
  { tables, side }: Pick<World, 'tables' | 'side'>,
  logs: Pick<Evidence, 'log' | 'streams' | 'fix'>,
  rest: Rest,
): Promise<Evidence> => {
  const state = await persist(tables.read)
  const { placed, cancelled, trades, letters, reports, reportLetters } = side.logs
  for (const topic of [placed, cancelled, trades, letters, reports, reportLetters]) await persist(topic.readToEnd)
  return {
    ...state,
    ...logs,
    placed: placed.records.map(eventOf),
    cancelled: cancelled.records.map(eventOf),
    trades: trades.records,
    letters: letters.records,
    reports: reports.records,
    reportLetters: reportLetters.records,
    rest,
    tradeTopic: topics.trades,
    reportTopic: topics.reports,
    partitions,
  }
}
