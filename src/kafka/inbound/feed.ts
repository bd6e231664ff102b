// Fetches the messages of the partitions that the group assigned to this replica, from the group's committed offsets on. Each partition
// has a place of its own, so a fault of one partition does not hold up the others.

import { createBell, sleep } from '../../app/sleep.ts'
import type { Gap } from '../../store/gaps.ts'
import { describe } from '../../telemetry/log.ts'
import { faults, fetchFrom, type Answer, type Place } from '../fetching.ts'
import { protocolErrorsCodesById } from '../library.ts'
import { describeTopic, partitionsOf, placesOf, TopicRecreated, unknownEpoch, type GroupReader } from '../places.ts'
import { isUnknownTopic } from '../topics.ts'
import type { Intake, Tap } from './intake.ts'
import { moveToStart, readAnew } from './lostPlace.ts'

/** `next`, `epoch`: see Place. `stable`, `end`: see Answer; -1 before the first answer. `trouble`: why no messages come. */
export type PartitionView = { next: bigint; epoch: number; stable: bigint; end: bigint; trouble: string | null }

export type FeedOptions = GroupReader & {
  /** What the messages are, for the log. */
  subject: string
  /** Called for messages that were deleted unread, before any message behind them is fetched. Throws if the record cannot be stored. */
  onGap: (gap: Gap) => Promise<void>
  /** Called for every assignment, before its first message. Messages of the assignment before will come again. */
  onAssigned: () => void
  /** How long a broker may take for an answer. */
  requestTimeoutMs: number
}

export type Feed = {
  tap: Tap
  /** Call it when the group has assigned its partitions anew: finds the place of each of ours. Throws the brokers' error. */
  assign: () => Promise<void>
  /** Fetches into `intake` until `signal` is aborted. Throws if only a new consumer helps. */
  run: (intake: Intake, signal: AbortSignal) => Promise<void>
  /** Fetches a partition again from this offset, at which it has been before. */
  rewind: (partition: number, offset: bigint) => void
  view: () => ReadonlyMap<number, PartitionView>
}

/**
 * How long a broker may wait for the first message. It answers as soon as there is one. But places that change meanwhile (an assignment,
 * a rewind) are fetched only after the answer, so the wait is short until nothing has happened for a while.
 */
const waitMs = { first: 500, quiet: 2_000 }
const quietAfterMs = 10_000
const idleMs = 2_000
const errorPauseMs = 250
/** Attempts to find the places of a new assignment, before the consumer is given up. */
const triesMax = 10
/** If no broker answers for this long, a new consumer is built. */
const silenceMaxMs = 30_000

type State = {
  options: FeedOptions
  places: Map<number, PartitionView>
  /** Counts assignments, so that an older one that is still finding its places is dropped. */
  assignment: number
  /** Brokers with a fetch under way. */
  fetching: Set<number>
  paused: boolean
  bell: ReturnType<typeof createBell>
  lastAnswerAt: number
  /** When there was a message, or a place changed. */
  lastChangeAt: number
}

/** Tries again, because the coordinator may be moving between brokers, and a new consumer would have to find it as well. */
const findPlaces = async (state: State, own: number): Promise<Place[]> => {
  const { member, topic } = state.options
  for (let tries = 1; ; tries++) {
    try {
      return await placesOf(state.options, partitionsOf(member, topic))
    } catch (error) {
      if (own !== state.assignment) return []
      if (tries === triesMax) throw error
      await sleep(errorPauseMs)
    }
  }
}

const assign = async (state: State): Promise<void> => {
  const { onAssigned } = state.options
  const own = ++state.assignment
  state.places = new Map()
  state.lastChangeAt = performance.now()
  const starts = await findPlaces(state, own)
  if (own !== state.assignment) return
  onAssigned()
  for (const { partition, next, epoch } of starts)
    state.places.set(partition, { next, epoch, stable: -1n, end: -1n, trouble: null })
  state.bell.ring()
}

const staleLeader: ReadonlySet<number> = new Set([
  faults.leaderNotAvailable,
  faults.notLeader,
  faults.fencedLeaderEpoch,
  faults.unknownLeaderEpoch,
])
const staleTopic: ReadonlySet<number> = new Set([
  faults.unknownTopic,
  faults.unknownTopicId,
  faults.inconsistentTopicId,
])

const take = async (state: State, intake: Intake, from: bigint, answer: Answer): Promise<void> => {
  const view = state.places.get(answer.partition)
  // The partition was taken away, or rewound, while the answer was on its way.
  if (view === undefined || view.next !== from) return
  const { fault } = answer
  if (fault === faults.offsetOutOfRange) return moveToStart(state.options, view, answer.partition)
  if (fault !== 0) {
    view.trouble = `the broker answers ${protocolErrorsCodesById[fault] ?? fault}`
    if (staleLeader.has(fault) || staleTopic.has(fault)) state.options.fetcher.clearMetadata()
    return
  }
  if (answer.diverged) {
    // Until what was read of the lost end is taken: two messages of one batch must not have the same coordinates.
    if (intake.holds(answer.partition)) view.trouble = 'it was cut off, and what was read before waits'
    else await readAnew(state.options, view, answer.partition)
    return
  }
  view.trouble = null
  if (answer.end >= 0n) Object.assign(view, { stable: answer.stable, end: answer.end })
  Object.assign(view, { next: answer.next, epoch: answer.epoch })
  for (const message of answer.messages) intake.put(message)
  if (answer.next === from) return
  state.lastChangeAt = performance.now()
  // A broker fills its answer in the order of the request, and only its first batch may be of any size: whoever got something is last now.
  state.places.delete(answer.partition)
  state.places.set(answer.partition, view)
}

const waitOf = ({ lastChangeAt, options: { requestTimeoutMs } }: State): number =>
  Math.min(
    performance.now() - lastChangeAt < quietAfterMs ? waitMs.first : waitMs.quiet,
    Math.floor(requestTimeoutMs / 2),
  )

const clearTrouble = ({ places }: State, partition: number): void => {
  const view = places.get(partition)
  if (view !== undefined) view.trouble = null
}

/** Fetches once from one broker. A failure becomes the trouble of each of its partitions. */
const fetchOnce = async (state: State, intake: Intake, node: number, places: readonly Place[]): Promise<void> => {
  const { fetcher, topic, subject, lastRead } = state.options
  try {
    const answers = await fetchFrom({ fetcher, topic, topicId: lastRead.topicId!, node, waitMs: waitOf(state) }, places)
    state.lastAnswerAt = performance.now()
    const next = new Map(places.map((place) => [place.partition, place.next]))
    // A partition that the answer leaves out has nothing new and no fault.
    for (const { partition } of places)
      if (!answers.some((answer) => answer.partition === partition)) clearTrouble(state, partition)
    for (const answer of answers) await take(state, intake, next.get(answer.partition)!, answer)
    if (answers.some(({ fault, diverged }) => fault !== 0 || diverged)) await sleep(errorPauseMs)
  } catch (error) {
    const { error: reason } = describe(error)
    for (const { partition } of places) {
      const view = state.places.get(partition)
      if (view !== undefined) view.trouble = reason
    }
    fetcher.clearMetadata()
    state.options.log.rarely('warn', `fetch ${subject}`, `${subject} cannot be fetched now`, {
      topic,
      node,
      error: reason,
    })
    await sleep(errorPauseMs)
  }
}

const noLeader = -1

/** Starts a fetch from every broker that leads some of our partitions and has no fetch under way. If none leads any, nobody owes an answer. */
const fetchAll = async (state: State, intake: Intake): Promise<void> => {
  const { lastRead, topic, fetcher } = state.options
  const { id, partitions } = await describeTopic(state.options)
  if (id !== lastRead.topicId) throw new TopicRecreated(`the topic ${topic} was deleted and created again`)
  // It was added a moment ago. What the client knows would count as young for as long as the clock was set back.
  if (state.places.keys().some((partition) => partition >= partitions.length)) fetcher.clearMetadata()
  const leaderOf = (partition: number): number => partitions[partition]?.leader ?? noLeader
  const places = [...state.places].map(([partition, { next, epoch }]): Place => ({ partition, next, epoch }))
  const byNode = Map.groupBy(places, ({ partition }) => leaderOf(partition))
  if (byNode.size === 1 && byNode.has(noLeader)) state.lastAnswerAt = performance.now()
  for (const [node, wanted] of byNode) {
    if (node === noLeader) for (const { partition } of wanted) state.places.get(partition)!.trouble = 'it has no leader'
    if (node === noLeader || state.fetching.has(node)) continue
    state.fetching.add(node)
    void fetchOnce(state, intake, node, wanted).finally(() => {
      state.fetching.delete(node)
      state.bell.ring()
    })
  }
}

const run = async (state: State, intake: Intake, signal: AbortSignal): Promise<void> => {
  const { bell } = state
  while (!signal.aborted) {
    try {
      if (!state.paused && state.places.size > 0) await fetchAll(state, intake)
      else state.lastAnswerAt = performance.now()
    } catch (error) {
      if (error instanceof TopicRecreated || isUnknownTopic(error)) throw error
      await sleep(errorPauseMs, signal)
    }
    const silentMs = performance.now() - state.lastAnswerAt
    if (silentMs > silenceMaxMs) throw new Error(`no broker has answered a fetch for ${Math.round(silentMs)} ms`)
    await bell.wait(idleMs, signal)
  }
}

export const createFeed = (options: FeedOptions): Feed => {
  const state: State = {
    options,
    places: new Map(),
    assignment: 0,
    fetching: new Set(),
    paused: false,
    bell: createBell(),
    lastAnswerAt: performance.now(),
    lastChangeAt: performance.now(),
  }
  return {
    tap: {
      pause: () => (state.paused = true),
      resume() {
        state.paused = false
        state.bell.ring()
      },
      isPaused: () => state.paused,
    },
    assign: () => assign(state),
    run: (intake, signal) => run(state, intake, signal),
    rewind(partition, offset) {
      const view = state.places.get(partition)
      if (view === undefined) return
      Object.assign(view, { next: offset, epoch: unknownEpoch })
      state.lastChangeAt = performance.now()
      state.bell.ring()
    },
    view: () => state.places,
  }
}
