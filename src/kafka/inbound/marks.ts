// The marks of a topic: up to which moment everything on a partition has its disposition. Each second, while somebody waits for them, the ends
// of the partitions are asked for. Once all before such an end is handled, dead letters written, the mark rises to the moment just before the
// question, by the database's clock.

import { sleep } from '../../app/sleep.ts'
import type { RaisedMarks, TapeMark } from '../../store/tapeMarks.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { ListOffsetTimestamps } from '../library.ts'
import { offsetsOf, partitionsOf, TopicRecreated, type Member } from '../places.ts'

/** What the marks need of the database. Both throw if it cannot be done now. */
export type Tape = {
  /** The database's time, if somebody waits for marks; null: nobody does. */
  need: () => Promise<Date | null>
  /** Keeps these marks, and what else is known of the topic. */
  raise: (raised: RaisedMarks) => Promise<void>
}

export type MarksOptions = {
  member: Pick<Member, 'assignments' | 'listOffsets' | 'metadata'>
  topic: string
  /** See GroupReader. */
  lastRead: { readonly topicId: string | null }
  /** The offset before which everything on a partition of this replica has its disposition; null: unknown. */
  handledTo: (partition: number) => bigint | null
  tape: Tape
  log: Log
  goneAfterMs?: number
}

export type Marks = { run: (signal: AbortSignal) => Promise<void> }

/** Where a partition ended after this moment. */
type Target = { end: bigint; readUntil: Date }

const askEveryMs = 1_000
const lookEveryMs = 100
/** While a partition is far behind, its targets get fewer, the farther they are apart: some of them are enough to rise step by step. */
const targetsMax = 64

/**
 * For so long every answer of the brokers has to leave out a partition before it is taken to be gone: one that was added a moment ago is
 * unknown to some of them.
 */
const goneAfterMs = 60_000

/**
 * `targets`: by partition, those that were not reached, the oldest first. `partitions`: how many the topic has, by the last answer.
 * `sameSince`: since when every answer said so, by performance.now. `goneUntil`: see RaisedMarks.
 */
type State = {
  options: MarksOptions
  targets: Map<number, Target[]>
  partitions: number
  sameSince: number
  goneUntil: Date | null
}

/** Answers count as successive only while somebody waits for marks, because only then the brokers are asked. */
const forget = (state: State): void => {
  state.targets.clear()
  state.sameSince = Infinity
  state.goneUntil = null
}

const notePartitions = (state: State, partitions: number, readUntil: Date): void => {
  const now = performance.now()
  state.sameSince = partitions === state.partitions ? Math.min(state.sameSince, now) : now
  state.partitions = partitions
  state.goneUntil = now - state.sameSince >= (state.options.goneAfterMs ?? goneAfterMs) ? readUntil : null
}

const addTarget = (state: State, partition: number, target: Target): void => {
  const targets = state.targets.get(partition) ?? []
  if (targets.length >= targetsMax) state.targets.set(partition, [...targets.filter((_, i) => i % 2 === 0), target])
  else state.targets.set(partition, [...targets, target])
}

/** Asks where our partitions end. The moment is taken first: whatever was on the topic before it lies before those ends. */
const ask = async (state: State): Promise<void> => {
  const { member, topic, lastRead, tape } = state.options
  const readUntil = await tape.need()
  if (readUntil === null) return forget(state)
  // Before the first assignment nobody can say whether the topic is still the same one.
  if (lastRead.topicId === null) return
  // The brokers are asked, because a partition that was added a moment ago may have trades.
  const described = (await member.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!
  const ends = await offsetsOf({ member, topic }, described, { timestamp: ListOffsetTimestamps.LATEST })
  const { id, partitionsCount } = described
  if (id !== lastRead.topicId) throw new TopicRecreated(`the topic ${topic} was deleted and created again`)
  const ours = new Set(partitionsOf(member, topic))
  for (const partition of state.targets.keys()) if (!ours.has(partition)) state.targets.delete(partition)
  for (const partition of ours) {
    const end = ends.get(partition)
    if (end !== undefined) addTarget(state, partition, { end, readUntil })
  }
  notePartitions(state, partitionsCount, readUntil)
}

/** The marks that the targets reached by now stand for. These targets are taken away. */
const reached = ({ targets, options }: State): TapeMark[] =>
  [...targets].flatMap(([partition, all]) => {
    const handledTo = options.handledTo(partition)
    const count = handledTo === null ? 0 : all.filter(({ end }) => end <= handledTo).length
    const last = all[count - 1]
    if (last === undefined) return []
    targets.set(partition, all.slice(count))
    return [{ partition, readUntil: last.readUntil }]
  })

export const createMarks = (options: MarksOptions): Marks => {
  const state: State = { options, targets: new Map(), partitions: 0, sameSince: Infinity, goneUntil: null }
  const { tape, log } = options
  const report = (error: unknown): void =>
    log.rarely('warn', 'marks', 'how far the trade topic was applied cannot be noted now', describe(error))

  const look = async (): Promise<void> => {
    const marks = reached(state)
    if (marks.length === 0) return
    await tape.raise({ partitions: state.partitions, goneUntil: state.goneUntil, marks })
  }

  return {
    async run(signal) {
      let askedAt = -Infinity
      while (!signal.aborted) {
        if (performance.now() - askedAt >= askEveryMs) {
          askedAt = performance.now()
          await ask(state).catch(report)
        }
        await look().catch(report)
        await sleep(state.targets.values().some((all) => all.length > 0) ? lookEveryMs : askEveryMs, signal)
      }
    },
  }
}
