// The trades consumer: Kafka → ledger. Every leg has its disposition in the database (or its dead letter) before the offset of
// its message is committed, so a crash anywhere only means that messages come again.

import { sleep } from '../../app/sleep.ts'
import type { TradeGap } from '../../store/gaps.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { createFetcher, createMember, type KafkaConfig, type RawConsumer } from '../client.ts'
import type { Fetcher, Member } from '../places.ts'
import type { HandleBatch } from './batch.ts'
import { createCommits } from './commits.ts'
import type { DeadLetters } from './deadLetters.ts'
import { createFeed, type Feed } from './feed.ts'
import { createHeadway, type Headway, type Stands } from './headway.ts'
import { createIntake, type Intake, type IntakeLimits } from './intake.ts'
import { runLanes } from './lanes.ts'
import { createProgress } from './progress.ts'

export type TradesOptions = {
  kafka: KafkaConfig
  group: string
  topic: string
  handleBatch: HandleBatch
  /** Writes the dead letters of a batch: see DeadLetters. */
  sendLetters: DeadLetters['send']
  /** Messages a batch. */
  batchMax: number
  limits: IntakeLimits
  /** Keeps a record of messages that the topic lost before they were read. Throws where it cannot now. */
  keepGap: (gap: TradeGap) => Promise<void>
  /** Why the fetched messages of a partition do not go on; null if no reason is known. */
  obstacle?: (partition: number) => string | null
  log: Log
}

/** `lag`: of the partitions that are assigned to this replica. `standing`, `still`: of all. `lost`: messages deleted unread. */
type TradesState = {
  connected: boolean
  queued: number
  committed: number
  rebuilds: number
  lost: number
  lag: ReturnType<Headway['lag']>
  standing: ReturnType<Headway['standing']>
  still: ReturnType<Headway['still']>
}
export type Trades = { run: (signal: AbortSignal) => Promise<void>; state: () => TradesState }

/** A member of the group and what fetches for it. */
export type Connection = {
  member: Member &
    Pick<RawConsumer, 'joinGroup' | 'lastHeartbeat'> & {
      topics: Tracked
      on: (event: 'error' | 'consumer:group:join', listener: (payload: never) => void) => unknown
      close: (force: boolean) => Promise<void>
    }
  fetcher: Fetcher & { topics: Tracked; close: (force: boolean) => Promise<void> }
}
/** The topics whose ids a client knows by name: brokers before 3.1 are asked by name. */
type Tracked = Pick<RawConsumer['topics'], 'track'>
export type Connect = (config: KafkaConfig, group: string) => Connection

/** What outlives a connection. */
type Running = {
  options: TradesOptions
  connect: Connect
  lastRead: { topicId: string | null }
  stands: Stands
  intake: Intake | null
  headway: Headway | null
  committed: number
  rebuilds: number
  lost: number
}

const rebuildPauseMs = 1_000

/** The library emits it once an assignment is complete. */
type Joined = { isLeader: boolean }

/** Becomes a member of the group; resolves when the partitions are dealt out. Each time they are, the feed goes to their places. */
const join = async (
  { member, fetcher }: Connection,
  topic: string,
  onJoined: (joined: Joined) => void,
): Promise<void> => {
  member.on('consumer:group:join', onJoined)
  for (const { topics } of [member, fetcher]) topics.track(topic)
  await member.joinGroup({})
}

const onGap =
  (running: Running) =>
  async (gap: TradeGap): Promise<void> => {
    const { keepGap, log } = running.options
    const { topic, partition, first, next } = gap
    await keepGap(gap)
    running.lost += Number(next - first)
    log.error('messages were deleted from the trade topic before they were read: their fills are lost here', {
      topic,
      partition,
      first: String(first),
      next: String(next),
    })
  }

/** Ends what consumes: `ending` is aborted when the process stops or at the first failure, which is kept. */
const createEnding = (signal: AbortSignal) => {
  const broken = new AbortController()
  let failure: unknown = null
  return {
    ending: AbortSignal.any([signal, broken.signal]),
    fail: (error: unknown): void => {
      failure ??= error
      broken.abort()
    },
    failure: () => failure,
  }
}
type Ending = ReturnType<typeof createEnding>

/** Builds the parts between a connection and the batches: see each. */
const assemble = ({ member, fetcher }: Connection, running: Running, { ending, fail }: Ending) => {
  const { options, lastRead, stands } = running
  const { topic, log } = options
  let isLeader = false
  const onCommitted = (messages: number): void => void (running.committed += messages)
  const commits = createCommits(member, { topic, onCommitted, log })
  const onAssigned = (): void => {
    progress.forget()
    intake.drop()
    commits.forget()
    // From here on it consumes. A group that lets somebody in and then refuses its questions is no connection.
    if (!ending.aborted) Object.assign(running, { intake, headway })
  }
  const feed: Feed = createFeed({ member, fetcher, topic, lastRead, log, onGap: onGap(running), onAssigned })
  const intake = createIntake(feed.tap, options.limits)
  const readAgain = (partition: number, from: bigint): void => {
    intake.drop(partition)
    feed.rewind(partition, from)
  }
  const progress = createProgress({ commits, readAgain, fail })
  const headway = createHeadway({
    member,
    fetcher,
    topic,
    stands,
    view: feed.view,
    intake,
    isIdle: (partition) => !intake.holds(partition) && progress.isDone(partition),
    commits,
    isLeader: () => isLeader,
    rejoin: async () => void (await member.joinGroup({})),
    obstacle: options.obstacle ?? (() => null),
    clock: () => performance.now(),
  })
  return {
    commits,
    onJoined: (joined: Joined): void => {
      isLeader = joined.isLeader
      feed.assign().catch(fail)
    },
    run: () =>
      Promise.all([
        feed.run(intake, ending).catch(fail),
        headway.run(ending).catch(fail),
        runLanes({ ...options, intake, progress, ending, fail }),
      ]),
  }
}

/** Consumes until something fails or `signal` is aborted. Messages that were fetched and not handled will be fetched again. */
const consume = async (connection: Connection, running: Running, signal: AbortSignal): Promise<void> => {
  const ending = createEnding(signal)
  const { commits, onJoined, run } = assemble(connection, running, ending)
  try {
    await join(connection, running.options.topic, onJoined)
    await run()
  } finally {
    running.intake = null
    running.headway = null
    await commits.settled()
  }
  if (!signal.aborted) throw ending.failure()
}

const consumeOnce = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { kafka, group, log } = running.options
  const connection = running.connect(kafka, group)
  connection.member.on('error', (error: Error) =>
    log.rarely('warn', 'consumer', 'the consumer of trades reports an error', describe(error)),
  )
  try {
    await consume(connection, running, signal)
  } finally {
    await Promise.all(
      [connection.fetcher, connection.member].map((client) => client.close(true).catch(() => undefined)),
    )
  }
}

/** On the real brokers. */
export const connectToKafka: Connect = (config, group) => ({
  member: createMember(config, group),
  fetcher: createFetcher(config, group),
})

/** `connect` is for the simulation (tests/sim), which has a consumer group of its own. */
export const createTrades = (options: TradesOptions, connect: Connect = connectToKafka): Trades => {
  const running: Running = {
    options,
    connect,
    lastRead: { topicId: null },
    stands: new Map(),
    intake: null,
    headway: null,
    committed: 0,
    rebuilds: 0,
    lost: 0,
  }
  return {
    state: () => ({
      connected: running.intake !== null,
      queued: running.intake?.queued() ?? 0,
      committed: running.committed,
      rebuilds: running.rebuilds,
      lost: running.lost,
      lag: running.headway?.lag() ?? [],
      standing: running.headway?.standing() ?? [],
      still: running.headway?.still() ?? [],
    }),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await consumeOnce(running, signal)
        } catch (error) {
          if (signal.aborted) return
          running.rebuilds++
          options.log.rarely('warn', 'trades', 'the consumer of trades is built again', describe(error))
          await sleep(rebuildPauseMs, signal)
        }
      }
    },
  }
}
