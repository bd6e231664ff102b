// The consumer of an inbound topic: Kafka → Postgres. Everything in a message has its disposition in the database (or its dead letter)
// before the offset of the message is committed, so a crash at any point only means that messages come again.

import { sleep } from '../../app/sleep.ts'
import type { Gap } from '../../store/gaps.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { createFetcher, createMember, type KafkaConfig, type RawConsumer } from '../client.ts'
import type { Fetcher, KeptPlaces, Member } from '../places.ts'
import { createCommits } from './commits.ts'
import type { DeadLetters } from './deadLetters.ts'
import { createEnding, type Ending } from './ending.ts'
import { createFeed, type Feed } from './feed.ts'
import type { HandleBatch } from './handle.ts'
import { createHeadway, type Headway, type Positions } from './headway.ts'
import { createIntake, type Intake, type IntakeLimits } from './intake.ts'
import { createKeeper } from './keeper.ts'
import { runLanes } from './lanes.ts'
import { createMarks, type Tape } from './marks.ts'
import { createProgress } from './progress.ts'
import { subjects, type Subject } from './subjects.ts'

export type ConsumerOptions = {
  subject: Subject
  kafka: KafkaConfig
  group: string
  topic: string
  handleBatch: HandleBatch
  /** Writes the dead letters of a batch: see DeadLetters. */
  sendLetters: DeadLetters['send']
  /** Messages a batch. */
  batchMax: number
  limits: IntakeLimits
  /** Stores a record of messages that the topic lost before they were read. Throws if it cannot store it now. */
  keepGap: (gap: Gap) => Promise<void>
  /** How far the topic was handled, for a time when the group has lost its offsets. */
  kept: KeptPlaces
  /** Why the fetched messages of a partition are not applied; null if no reason is known. */
  obstacle?: (partition: number) => string | null
  /** Who waits for the marks of this topic, and where they are kept; absent: nobody ever does. */
  tape?: Tape
  log: Log
}

/** `lag`: of the partitions assigned to this replica. `standing`, `stalled`: of all partitions. `lost`: messages deleted unread. */
type ConsumerState = {
  connected: boolean
  queued: number
  committed: number
  rebuilds: number
  lost: number
  lag: ReturnType<Headway['lag']>
  standing: ReturnType<Headway['standing']>
  stalled: ReturnType<Headway['stalled']>
}
export type Consumer = { run: (signal: AbortSignal) => Promise<void>; state: () => ConsumerState }

/** A member of the group, and the client that fetches for it. */
export type Connection = {
  member: Member &
    Pick<RawConsumer, 'joinGroup' | 'lastHeartbeat' | 'currentMetadata'> & {
      topics: TopicTracker
      on: (event: 'error' | 'consumer:group:join', listener: (payload: never) => void) => unknown
      close: (force: boolean) => Promise<void>
    }
  fetcher: Fetcher & { topics: TopicTracker; close: (force: boolean) => Promise<void> }
}
/** Registers the topics whose names a client knows: brokers before 3.1 are asked by name. */
type TopicTracker = Pick<RawConsumer['topics'], 'track'>
export type Connect = (config: KafkaConfig, group: string) => Connection

/** The state of the consumer, which outlives its connections. */
type State = {
  options: ConsumerOptions
  connect: Connect
  lastRead: { topicId: string | null }
  positions: Positions
  intake: Intake | null
  headway: Headway | null
  committed: number
  rebuilds: number
  lost: number
}

const rebuildPauseMs = 1_000

/** The event that the library emits once an assignment is complete. */
type GroupJoin = { isLeader: boolean }

/** Joins the group; resolves when the partitions are assigned. `onJoined` is called for this and every later assignment. */
const join = async (
  { member, fetcher }: Connection,
  topic: string,
  onJoined: (event: GroupJoin) => void,
): Promise<void> => {
  member.on('consumer:group:join', onJoined)
  for (const { topics } of [member, fetcher]) topics.track(topic)
  await member.joinGroup({})
}

const onGap =
  (state: State) =>
  async (gap: Gap): Promise<void> => {
    const { keepGap, log, subject } = state.options
    const { topic, partition, first, next } = gap
    await keepGap(gap)
    state.lost += Number(next - first)
    log.error(subjects[subject].lost, { topic, partition, first: String(first), next: String(next) })
  }

/** Creates the parts between a connection and the batches, and connects them to each other. */
const assemble = ({ member, fetcher }: Connection, state: State, { ending, fail }: Ending) => {
  const { options, lastRead, positions } = state
  const { topic, log, subject, kept, kafka } = options
  let dealt: number | null = null
  const onCommitted = (messages: number): void => void (state.committed += messages)
  const commits = createCommits(member, { topic, onCommitted, log })
  const onAssigned = (): void => {
    progress.forget()
    intake.drop()
    commits.forget()
    // Only now the consumer counts as connected: a group may let a member in and then refuse its requests.
    if (!ending.aborted) Object.assign(state, { intake, headway })
  }
  const reader = { member, fetcher, topic, subject, lastRead, kept, requestTimeoutMs: kafka.requestTimeoutMs, log }
  const feed: Feed = createFeed({ ...reader, onGap: onGap(state), onAssigned })
  const intake = createIntake(feed.tap, options.limits)
  const readAgain = (partition: number, from: bigint): void => {
    intake.drop(partition)
    feed.rewind(partition, from)
  }
  const progress = createProgress({ commits, readAgain, fail })
  const isIdle = (partition: number): boolean => !intake.holds(partition) && progress.isDone(partition)
  const handledTo = (partition: number): bigint | null => {
    const place = feed.view().get(partition)
    if (place === undefined) return null
    return isIdle(partition) ? place.next : progress.finishedTo(partition)
  }
  const marks = options.tape && createMarks({ member, topic, lastRead, handledTo, tape: options.tape, log })
  const keeper = createKeeper({ topic, lastRead, partitions: () => feed.view().keys(), handledTo, kept, log })
  const headway = createHeadway({
    member,
    fetcher,
    topic,
    positions,
    view: feed.view,
    intake,
    isIdle,
    commits,
    dealt: () => dealt,
    rejoin: async () => void (await member.joinGroup({})),
    obstacle: options.obstacle ?? (() => null),
    clock: () => performance.now(),
  })
  return {
    commits,
    keeper,
    onJoined: (event: GroupJoin): void => {
      // The library deals out what its client knows at this moment.
      dealt = event.isLeader ? (member.currentMetadata?.topics.get(topic)?.partitionsCount ?? 0) : null
      feed.assign().catch(fail)
    },
    run: () =>
      Promise.all([
        feed.run(intake, ending).catch(fail),
        headway.run(ending).catch(fail),
        marks?.run(ending),
        keeper.run(ending),
        runLanes({ ...options, crashPoint: subjects[subject].crashPoint, intake, progress, ending, fail }),
      ]),
  }
}

/** Consumes until a part fails or `signal` is aborted. Messages that were fetched and not handled will be fetched again. */
const consume = async (connection: Connection, state: State, signal: AbortSignal): Promise<void> => {
  const ending = createEnding(signal)
  // The library reports a member that could not join again. It sends no heartbeat any more, so only a new one helps.
  connection.member.on('error', ending.fail)
  const { commits, keeper, onJoined, run } = assemble(connection, state, ending)
  try {
    await join(connection, state.options.topic, onJoined)
    await run()
  } finally {
    state.intake = null
    state.headway = null
    await commits.whenIdle()
    await keeper.last()
  }
  if (!signal.aborted) throw ending.failure()
}

const consumeOnce = async (state: State, signal: AbortSignal): Promise<void> => {
  const { kafka, group } = state.options
  const connection = state.connect(kafka, group)
  try {
    await consume(connection, state, signal)
  } finally {
    await Promise.all(
      [connection.fetcher, connection.member].map((client) => client.close(true).catch(() => undefined)),
    )
  }
}

/** Connects to real brokers. */
export const connectToKafka: Connect = (config, group) => ({
  member: createMember(config, group),
  fetcher: createFetcher(config, group),
})

/** `connect`: the simulation (tests/sim) passes its own consumer group. */
export const createConsumer = (options: ConsumerOptions, connect: Connect = connectToKafka): Consumer => {
  const state: State = {
    options,
    connect,
    lastRead: { topicId: null },
    positions: new Map(),
    intake: null,
    headway: null,
    committed: 0,
    rebuilds: 0,
    lost: 0,
  }
  return {
    state: () => ({
      connected: state.intake !== null,
      queued: state.intake?.queued() ?? 0,
      committed: state.committed,
      rebuilds: state.rebuilds,
      lost: state.lost,
      lag: state.headway?.lag() ?? [],
      standing: state.headway?.standing() ?? [],
      stalled: state.headway?.stalled() ?? [],
    }),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await consumeOnce(state, signal)
        } catch (error) {
          if (signal.aborted) return
          state.rebuilds++
          const { subject, log } = options
          log.rarely('warn', `${subject} rebuild`, `the consumer of ${subject} is built again`, describe(error))
          await sleep(rebuildPauseMs, signal)
        }
      }
    },
  }
}
