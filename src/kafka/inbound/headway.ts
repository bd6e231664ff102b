// Watches how far the group is on each partition of the topic, whichever member reads it. Every few seconds it asks the brokers how many
// partitions there are, where they end and which offsets are committed. It lets the group assign new partitions, commits the offsets
// of handled messages that were not committed, and says which partition stands still and why.

import { sleep } from '../../app/sleep.ts'
import type { RawConsumer } from '../client.ts'
import { ListOffsetTimestamps } from '../library.ts'
import { committedOf, offsetsOf, partitionsOf, unknownOffset, type Fetcher, type Member } from '../places.ts'
import type { Commits } from './commits.ts'
import type { PartitionView } from './feed.ts'
import type { Intake } from './intake.ts'

/**
 * `messages`: how many there are from the first message without a disposition to the last known end of the topic. `oldestAt`: the
 * timestamp of the oldest fetched message without a disposition, in ms since 1970; null if there is none.
 */
type PartitionLag = { topic: string; partition: number; messages: number; oldestAt: number | null }

/** A partition and how many of its messages are not committed. `stillMs`: how long its offset has not moved although there are some. */
type Standing = { topic: string; partition: number; messages: number; stillMs: number }
/** A partition that stands still. `reason`: why, as a text for an operator. */
export type StalledPartition = Standing & { reason: string }

export type Headway = {
  /** Asks the brokers every few seconds until `signal` is aborted. Throws if only a new consumer helps. */
  run: (signal: AbortSignal) => Promise<void>
  /** The lag of the partitions of this replica. */
  lag: () => PartitionLag[]
  /** All partitions, with the time that their offset has not moved although there is more; 0 if it moves or there is no more. */
  standing: () => Standing[]
  /** Those of all partitions that stand still. */
  stalled: () => StalledPartition[]
}

export type HeadwayOptions = {
  member: Member & Pick<RawConsumer, 'lastHeartbeat'>
  fetcher: Pick<Fetcher, 'committedPlaces'>
  topic: string
  /** What the brokers answered last. It outlives the consumer: a partition may stand still because no consumer lives long. */
  positions: Positions
  view: () => ReadonlyMap<number, PartitionView>
  intake: Pick<Intake, 'oldest'>
  /** Whether all fetched messages of a partition have been handled. */
  isIdle: (partition: number) => boolean
  commits: Pick<Commits, 'pass'>
  /** How many partitions this member dealt out, as the leader of the group, when they were dealt out last; null: another member did it. */
  dealt: () => number | null
  /** Makes the group assign the partitions anew. */
  rejoin: () => Promise<void>
  /** Why the fetched messages of a partition of this replica are not applied; null if no reason is known. */
  obstacle: (partition: number) => string | null
  /** Monotonic, in ms. */
  clock: () => number
}

const checkEveryMs = 3_000
/** A partition whose offset does not move for this long stands still. The same bound holds for events of the outbox (serve/status.ts). */
export const stillAfterMs = 30_000
/** The group has dropped a member after a silence this long: it is twice what the brokers allow, and some time to come back. */
const heartbeatMaxMs = 35_000

/** The end of a partition, its committed offset, and since when (ms of `clock`) that has not moved although there is more. */
type Position = { end: bigint; committed: bigint; since: number | null }
/** By partition. */
export type Positions = Map<number, Position>

/** `joined`: when the member had joined, for one that the group answered no heartbeat at all. */
const requireHeartbeat = ({ lastHeartbeat }: HeadwayOptions['member'], joined: Date): void => {
  const last = lastHeartbeat ?? joined
  if (Date.now() - last.getTime() > heartbeatMaxMs)
    throw new Error(`the group has answered no heartbeat since ${last.toISOString()}`)
}

/**
 * The leader assigns as many partitions as its own client knows, so the client asks the brokers first. What it had known may be as old as the
 * wait for the group, and older. Returns the topic as the brokers have it.
 */
const noticePartitions = async ({ member, topic, dealt, rejoin }: HeadwayOptions) => {
  const described = (await member.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!
  const known = dealt()
  if (known !== null && known !== described.partitionsCount) await rejoin()
  return described
}

/** `end`: undefined if the partition has no leader; then it stands still, whatever it has. */
const positionOf = (
  before: Position | undefined,
  { end, committed }: { end: bigint | undefined; committed: bigint },
  at: number,
): Position => {
  if (end === undefined) {
    const known = before?.end ?? 0n
    return { end: known > committed ? known : committed, committed, since: before?.since ?? at }
  }
  if (end <= committed) return { end, committed, since: null }
  const moved = before === undefined || before.committed !== committed
  return { end, committed, since: moved ? at : (before.since ?? at) }
}

/**
 * Commits the places of partitions of which nothing is left to handle, where the committed offset is another one. It is behind if no message
 * for us follows (there is only the marker at the end of a transaction, or an aborted transaction), or if a commit met a rebalance: the
 * library joins again and repeats the commit, which may put back the offset that a new owner committed meanwhile. It is ahead if the partition
 * begins anew: a batch that was under way when its topic was deleted is committed to the topic that has the name now. Whoever began there
 * later would pass over its first messages.
 */
const commitIdle = (
  { view, isIdle, commits }: Pick<HeadwayOptions, 'view' | 'isIdle' | 'commits'>,
  committed: ReadonlyMap<number, bigint | null>,
): void => {
  for (const [partition, { next, epoch }] of view()) {
    const at = committed.get(partition)
    if (at === undefined || !isIdle(partition)) continue
    if (next !== (at ?? 0n) && next !== unknownOffset) commits.pass({ partition, next, epoch })
  }
}

const check = async (options: HeadwayOptions): Promise<void> => {
  const { member, fetcher, topic, positions, clock } = options
  const described = await noticePartitions(options)
  const partitions = Array.from({ length: described.partitionsCount }, (_, partition) => partition)
  // The offsets are read first: an end that is read later is never below the offset that was committed by then.
  const committed = await committedOf(fetcher, topic, partitions)
  const ends = await offsetsOf({ member, topic }, described, { timestamp: ListOffsetTimestamps.LATEST })
  const at = clock()
  for (const partition of partitions) {
    const found = { end: ends.get(partition), committed: committed.get(partition) ?? 0n }
    positions.set(partition, positionOf(positions.get(partition), found, at))
  }
  for (const partition of positions.keys()) if (partition >= partitions.length) positions.delete(partition)
  commitIdle(options, committed)
}

const reasonOf = ({ view, member, topic, obstacle, isIdle }: HeadwayOptions, partition: number): string => {
  const place = view().get(partition)
  if (!partitionsOf(member, topic).includes(partition) || place === undefined)
    return 'this replica does not read it; the member of the group that does, if any, commits nothing'
  if (place.trouble !== null) return `it cannot be fetched: ${place.trouble}`
  if (!isIdle(partition)) return obstacle(partition) ?? 'its messages are fetched but not applied'
  if (place.stable < place.end && place.next >= place.stable)
    return `a transaction that began at offset ${place.stable} and never ended holds up what follows`
  return `nothing comes from offset ${place.next} on`
}

const lagOf = (
  { topic, positions }: HeadwayOptions,
  partition: number,
  place: PartitionView,
  oldest: ReturnType<Intake['oldest']>,
): PartitionLag => {
  const first = oldest.get(partition)
  const lastEnd = positions.get(partition)?.end ?? place.next
  // Messages that were read after the last check lie beyond the end that the check found.
  const end = [lastEnd, place.end, place.next].reduce((a, b) => (b > a ? b : a))
  const from = first?.offset ?? (place.next === unknownOffset ? end : place.next)
  const messages = Number(end - from)
  return { topic, partition, messages, oldestAt: first === undefined ? null : Number(first.timestamp) }
}

const standingOf = ({ topic, positions, clock }: HeadwayOptions): Standing[] => {
  const at = clock()
  return [...positions].map(([partition, { end, committed, since }]) => ({
    topic,
    partition,
    messages: Number(end - committed),
    stillMs: since === null ? 0 : at - since,
  }))
}

export const createHeadway = (options: HeadwayOptions): Headway => ({
  async run(signal) {
    const joined = new Date()
    while (!signal.aborted) {
      requireHeartbeat(options.member, joined)
      // If the brokers do not answer, the feed reports it; the last positions stay.
      await check(options).catch(() => undefined)
      await sleep(checkEveryMs, signal)
    }
  },
  lag() {
    const oldest = options.intake.oldest()
    // The view is in the order in which its partitions are fetched next.
    const places = [...options.view()].toSorted(([one], [other]) => one - other)
    return places.map(([partition, place]) => lagOf(options, partition, place, oldest))
  },
  standing: () => standingOf(options),
  stalled: () =>
    standingOf(options)
      .filter(({ stillMs }) => stillMs >= stillAfterMs)
      .map((standing) => ({ ...standing, reason: reasonOf(options, standing.partition) })),
})
