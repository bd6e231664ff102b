// How far the group is on each partition of the topic, whoever reads it. Every few seconds it asks the brokers how many partitions
// there are, where they end and what is committed. It has new partitions dealt out, commits what is done with and was not
// committed, and says which partition stands still, and why.

import { sleep } from '../../app/sleep.ts'
import type { RawConsumer } from '../client.ts'
import { committedOf, partitionsOf, type Fetcher, type Member } from '../places.ts'
import type { Commits } from './commits.ts'
import type { PartitionView } from './feed.ts'
import type { Intake } from './intake.ts'

/**
 * `messages`: from the first that is not disposed of to the end of the topic as it was known last. `oldestAt`: the timestamp of
 * the oldest that was fetched and is not disposed of, in ms since 1970; null where there is none.
 */
type PartitionLag = { topic: string; partition: number; messages: number; oldestAt: number | null }

/** A partition with messages whose offset has not moved for `stillMs`. */
type Standing = { topic: string; partition: number; messages: number; stillMs: number }
/** And why, in words for an operator. */
export type Still = Standing & { reason: string }

export type Headway = {
  /** Looks until `signal`. Throws where only a new consumer helps. */
  run: (signal: AbortSignal) => Promise<void>
  /** Of the partitions of this replica. */
  lag: () => PartitionLag[]
  /** Of all partitions: for how long their offset has not moved though there is more; 0 where it moves or there is none. */
  standing: () => Standing[]
  /** Of those, the ones that stand still. */
  still: () => Still[]
}

export type HeadwayOptions = {
  member: Member & Pick<RawConsumer, 'lastHeartbeat'>
  fetcher: Pick<Fetcher, 'listCommittedOffsets'>
  topic: string
  /** The last look. It outlives the consumer: a partition may stand still because no consumer lives long. */
  stands: Stands
  view: () => ReadonlyMap<number, PartitionView>
  intake: Pick<Intake, 'oldest'>
  /** Whether all that was fetched of a partition is done with. */
  isIdle: (partition: number) => boolean
  commits: Pick<Commits, 'pass'>
  /** Whether this member deals the partitions out. */
  isLeader: () => boolean
  /** Has the partitions dealt out anew. */
  rejoin: () => Promise<void>
  /** Why the fetched messages of a partition of this replica do not go on; null if no reason is known. */
  obstacle: (partition: number) => string | null
  /** Monotonic, in ms. */
  clock: () => number
}

const lookEveryMs = 3_000
/** What does not move for so long stands still; events of the outbox too (status.ts). */
export const stillAfterMs = 30_000
/** The group drops a member after such a silence: twice what the brokers allow, and time to come back. */
const heartbeatMaxMs = 35_000

/** Where a partition ends, what is committed of it, and since when that has not moved though there is more. */
type Stand = { end: bigint; committed: bigint; since: number | null }
/** By partition. */
export type Stands = Map<number, Stand>

type State = { options: HeadwayOptions; partitions: number | null }

const requireHeartbeat = ({ lastHeartbeat }: HeadwayOptions['member']): void => {
  if (lastHeartbeat !== null && Date.now() - lastHeartbeat.getTime() > heartbeatMaxMs)
    throw new Error(`the group has answered no heartbeat since ${lastHeartbeat.toISOString()}`)
}

/** The count that the leader deals out is the one that its own client knows, so the client asks first. */
const noticePartitions = async (state: State): Promise<number> => {
  const { member, topic, isLeader, rejoin } = state.options
  const count = (await member.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!.partitionsCount
  if (state.partitions !== null && state.partitions !== count && isLeader()) await rejoin()
  // Not before it succeeded, so that the next look tries again.
  state.partitions = count
  return count
}

const standOf = (before: Stand | undefined, end: bigint, committed: bigint, at: number): Stand => {
  if (end <= committed) return { end, committed, since: null }
  const moved = before === undefined || before.committed !== committed
  return { end, committed, since: moved ? at : (before.since ?? at) }
}

/**
 * Offsets stand behind where nothing of ours follows (the mark at the end of a transaction, an aborted one), or where a commit
 * met a rebalance: the library joins again and repeats it, and may take back what a new owner committed meanwhile.
 */
const commitIdle = (
  { options: { view, isIdle, commits } }: State,
  committed: ReadonlyMap<number, bigint | null>,
): void => {
  for (const [partition, { next }] of view()) {
    const at = committed.get(partition)
    if (at === undefined || !isIdle(partition)) continue
    if (next > (at ?? 0n)) commits.pass(partition, next)
  }
}

const look = async (state: State): Promise<void> => {
  const { member, fetcher, topic, stands, clock } = state.options
  const count = await noticePartitions(state)
  const partitions = Array.from({ length: count }, (_, partition) => partition)
  // The offsets are read first: an end that is read later is never below what was committed by then.
  const committed = await committedOf(fetcher, topic, partitions)
  const ends = (await member.listOffsets({ topics: [topic] })).get(topic) ?? []
  const at = clock()
  for (const partition of partitions)
    stands.set(partition, standOf(stands.get(partition), ends[partition] ?? 0n, committed.get(partition) ?? 0n, at))
  for (const partition of stands.keys()) if (partition >= count) stands.delete(partition)
  commitIdle(state, committed)
}

const reasonOf = ({ options }: State, partition: number): string => {
  const { view, member, topic, obstacle, isIdle } = options
  const place = view().get(partition)
  if (!partitionsOf(member, topic).includes(partition) || place === undefined)
    return 'this replica does not read it; whoever of the group does, if anybody, commits nothing'
  if (place.trouble !== null) return `it cannot be fetched: ${place.trouble}`
  if (!isIdle(partition)) return obstacle(partition) ?? 'its messages are fetched and not applied'
  if (place.stable < place.end && place.next >= place.stable)
    return `a transaction that was begun at offset ${place.stable} and never ended holds up what follows`
  return `nothing comes from offset ${place.next} on`
}

const lagOf = (
  state: State,
  partition: number,
  place: PartitionView,
  oldest: ReturnType<Intake['oldest']>,
): PartitionLag => {
  const { topic } = state.options
  const first = oldest.get(partition)
  const lastEnd = state.options.stands.get(partition)?.end ?? place.next
  // Messages that were read after the last question to the brokers lie beyond the end of then.
  const end = [lastEnd, place.end, place.next].reduce((a, b) => (b > a ? b : a))
  const messages = Number(end - (first?.offset ?? place.next))
  return { topic, partition, messages, oldestAt: first === undefined ? null : Number(first.timestamp) }
}

const standingOf = ({ topic, stands, clock }: HeadwayOptions): Standing[] => {
  const at = clock()
  return [...stands].map(([partition, { end, committed, since }]) => ({
    topic,
    partition,
    messages: Number(end - committed),
    stillMs: since === null ? 0 : at - since,
  }))
}

export const createHeadway = (options: HeadwayOptions): Headway => {
  const state: State = { options, partitions: null }
  return {
    async run(signal) {
      while (!signal.aborted) {
        requireHeartbeat(options.member)
        // If the brokers do not answer, that is the feed's trouble; the last look stays.
        await look(state).catch(() => undefined)
        await sleep(lookEveryMs, signal)
      }
    },
    lag() {
      const oldest = options.intake.oldest()
      return [...options.view()].map(([partition, place]) => lagOf(state, partition, place, oldest))
    },
    standing: () => standingOf(options),
    still: () =>
      standingOf(options)
        .filter(({ stillMs }) => stillMs >= stillAfterMs)
        .map((standing) => ({ ...standing, reason: reasonOf(state, standing.partition) })),
  }
}
