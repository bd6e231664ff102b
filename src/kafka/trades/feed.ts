// The messages of the partitions that the group gave to this replica, fetched from where the group stands. Each partition has a
// place of its own, so whatever is wrong with one holds up no other.

import { createBell, sleep } from '../../app/sleep.ts'
import type { TradeGap } from '../../store/gaps.ts'
import { describe } from '../../telemetry/log.ts'
import { faults, fetchFrom, type Answer, type Place } from '../fetching.ts'
import { protocolErrorsCodesById } from '../library.ts'
import { describeTopic, partitionsOf, placesOf, startOf, TopicRemade, type Reading } from '../places.ts'
import { isUnknownTopic } from '../topics.ts'
import type { Intake, Tap } from './intake.ts'

/** `next`: the next offset to fetch. `stable`, `end`: see Answer; -1 before the first answer. `trouble`: why nothing comes. */
export type PartitionView = { next: bigint; stable: bigint; end: bigint; trouble: string | null }

export type FeedOptions = Reading & {
  /** Called for messages that were deleted unread, before anything behind them is fetched. Throws if the record cannot be stored. */
  onGap: (gap: TradeGap) => Promise<void>
  /** Called for every assignment, before any of its messages: those that came before will come again. */
  onAssigned: () => void
}

export type Feed = {
  tap: Tap
  /** The group dealt its partitions out anew: goes to where each of ours stands. Throws what the brokers answer. */
  assign: () => Promise<void>
  /** Fetches into `intake` until `signal`. Throws where only a new consumer helps. */
  run: (intake: Intake, signal: AbortSignal) => Promise<void>
  /** Fetches a partition again from this offset. */
  rewind: (partition: number, offset: bigint) => void
  view: () => ReadonlyMap<number, PartitionView>
}

const waitMs = 500
const idleMs = 1_000
const errorPauseMs = 250
/** Attempts to find the places of a new assignment, before the consumer is given up. */
const triesMax = 10
/** If no broker answers for so long, a new consumer is built. */
const silenceMaxMs = 30_000

type State = {
  options: FeedOptions
  places: Map<number, PartitionView>
  /** Counts assignments: an older one that is still finding out its places is not used. */
  assignment: number
  /** Brokers with a fetch under way. */
  fetching: Set<number>
  paused: boolean
  bell: ReturnType<typeof createBell>
  lastAnswerAt: number
}

/** A coordinator may be moving about, and a new consumer would have to find it as well. */
const findPlaces = async (state: State, mine: number): Promise<ReadonlyMap<number, bigint>> => {
  const { member, topic } = state.options
  for (let tries = 1; ; tries++) {
    try {
      return await placesOf(state.options, partitionsOf(member, topic))
    } catch (error) {
      if (mine !== state.assignment) return new Map()
      if (tries === triesMax) throw error
      await sleep(errorPauseMs)
    }
  }
}

const assign = async (state: State): Promise<void> => {
  const { onAssigned } = state.options
  const mine = ++state.assignment
  state.places = new Map()
  const starts = await findPlaces(state, mine)
  if (mine !== state.assignment) return
  onAssigned()
  for (const [partition, next] of starts) state.places.set(partition, { next, stable: -1n, end: -1n, trouble: null })
  state.bell.ring()
}

/** The place is no longer on the partition: the messages there were deleted, or the partition ends before it. */
const leaveGap = async (state: State, view: PartitionView, partition: number): Promise<void> => {
  const { topic, onGap, log } = state.options
  const { next } = view
  const start = await startOf(state.options, partition)
  if (start > next) await onGap({ topic, partition, first: next, next: start })
  else {
    const fields = { topic, partition, offset: String(next), start: String(start) }
    log.error('a partition ends before the offset that was to be read: it is read from its start', fields)
  }
  if (view.next === next) view.next = start
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
  if (fault === faults.offsetOutOfRange) return leaveGap(state, view, answer.partition)
  if (fault !== 0) {
    view.trouble = `the broker answers ${protocolErrorsCodesById[fault] ?? fault}`
    if (staleLeader.has(fault) || staleTopic.has(fault)) state.options.fetcher.clearMetadata()
    return
  }
  view.trouble = null
  if (answer.end >= 0n) Object.assign(view, { stable: answer.stable, end: answer.end })
  view.next = answer.next
  for (const message of answer.messages) intake.put(message)
}

const clearTrouble = ({ places }: State, partition: number): void => {
  const view = places.get(partition)
  if (view !== undefined) view.trouble = null
}

/** One fetch from one broker. Each of its partitions says what failed. */
const fetchOnce = async (state: State, intake: Intake, node: number, places: readonly Place[]): Promise<void> => {
  const { fetcher, topic, lastRead } = state.options
  try {
    const answers = await fetchFrom({ fetcher, topic, topicId: lastRead.topicId!, node, waitMs }, places)
    state.lastAnswerAt = performance.now()
    const next = new Map(places.map((place) => [place.partition, place.next]))
    // A partition that is left out has nothing new, and no fault.
    for (const { partition } of places)
      if (!answers.some((answer) => answer.partition === partition)) clearTrouble(state, partition)
    for (const answer of answers) await take(state, intake, next.get(answer.partition)!, answer)
    if (answers.some(({ fault }) => fault !== 0)) await sleep(errorPauseMs)
  } catch (error) {
    const { error: reason } = describe(error)
    for (const { partition } of places) {
      const view = state.places.get(partition)
      if (view !== undefined) view.trouble = reason
    }
    fetcher.clearMetadata()
    state.options.log.rarely('warn', 'fetch', 'trades cannot be fetched now', { topic, node, error: reason })
    await sleep(errorPauseMs)
  }
}

const noLeader = -1

/** Fetches from every broker that leads partitions of ours and has no fetch under way. */
const fetchAll = async (state: State, intake: Intake): Promise<void> => {
  const { lastRead, topic } = state.options
  const { id, partitions } = await describeTopic(state.options)
  if (id !== lastRead.topicId) throw new TopicRemade(`the topic ${topic} was deleted and made anew`)
  const leaderOf = (partition: number): number => partitions[partition]?.leader ?? noLeader
  const places = [...state.places].map(([partition, { next }]) => ({ partition, next }))
  for (const [node, wanted] of Map.groupBy(places, ({ partition }) => leaderOf(partition))) {
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
      if (error instanceof TopicRemade || isUnknownTopic(error)) throw error
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
      view.next = offset
      state.bell.ring()
    },
    view: () => state.places,
  }
}
