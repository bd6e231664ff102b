// The group's position on a topic: which partitions are ours, which offsets are committed, where a partition begins.

import type { KeptPlace } from '../store/topicPlaces.ts'
import type { Log } from '../telemetry/log.ts'
import { PartitionUnavailable } from './blame.ts'
import type { FetchClient, RawConsumer } from './client.ts'
import type { Place } from './fetchRequest.ts'
import { ListOffsetTimestamps } from './library.ts'

/** The calls that this service needs from a member of the group. */
export type Member = Pick<RawConsumer, 'assignments' | 'listOffsets' | 'commit' | 'metadata'>
/**
 * The calls that this service needs from the client that fetches for the member. The fetching client also asks for the committed
 * offsets: a coordinator checks the generation of a member that asks, the library does not send it, and so the coordinator refuses the
 * member in a group that has members of the newer protocol.
 */
export type Fetcher = Pick<FetchClient, 'fetch' | 'metadata' | 'clearMetadata' | 'committedPlaces'>

/** How far the partitions of a topic were handled, in the database. Both throw if it cannot be done now. */
export type KeptPlaces = {
  /** Those of any topic that had this name. */
  read: () => Promise<readonly KeptPlace[]>
  keep: (places: readonly KeptPlace[]) => Promise<void>
}
/** How often they are kept: after a crash they lie so far behind what was handled. */
export const keepEveryMs = 10_000

/** `lastRead.topicId`: the id of the topic that this consumer, or one before it, read last; null before the first. */
export type GroupReader = {
  member: Member
  fetcher: Fetcher
  topic: string
  lastRead: { topicId: string | null }
  kept: Pick<KeptPlaces, 'read'>
  log: Log
}

/** The leader epoch of a record that nobody knows. */
export const unknownEpoch = -1
/** The place on a partition whose start nobody could say. A broker that leads it takes it for one that is out of range. */
export const unknownOffset = -1n

export const partitionsOf = ({ assignments }: Pick<Member, 'assignments'>, topic: string): readonly number[] =>
  assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []

/** The committed offset of each partition; null if it has none. */
export const committedOf = async (
  fetcher: Pick<Fetcher, 'committedPlaces'>,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, bigint | null>> => {
  const places = await fetcher.committedPlaces(topic, partitions)
  const offsets = new Map(places.map(({ partition, next }) => [partition, next]))
  return new Map(partitions.map((partition) => [partition, offsets.get(partition) ?? null]))
}

/** The topic was deleted, and another one was created under its name. */
export class TopicRecreated extends Error {
  override name = 'TopicRecreated'
}

export const describeTopic = async ({ fetcher, topic }: Pick<GroupReader, 'fetcher' | 'topic'>) => {
  const { topics } = await fetcher.metadata({ topics: [topic] })
  return topics.get(topic)!
}
type Described = Pick<Awaited<ReturnType<typeof describeTopic>>, 'partitions'>

/** The numbers of the partitions that have a leader. */
const ledOf = ({ partitions }: Described): number[] =>
  partitions.flatMap(({ leader }, partition) => (leader < 0 ? [] : [partition]))

/**
 * Where partitions begin (EARLIEST) or end (LATEST), by partition: all of them, or these. One without a leader is left out; to ask for it
 * would fail the question for the others.
 */
export const offsetsOf = async (
  { member, topic }: Pick<GroupReader, 'topic'> & { member: Pick<Member, 'listOffsets'> },
  described: Described,
  { timestamp, of }: { timestamp: bigint; of?: readonly number[] },
): Promise<ReadonlyMap<number, bigint>> => {
  const asked = ledOf(described).filter((partition) => of === undefined || of.includes(partition))
  if (asked.length === 0) return new Map()
  const found = (await member.listOffsets({ topics: [topic], partitions: { [topic]: asked }, timestamp })).get(topic)
  return new Map(
    asked.flatMap((partition) => {
      const offset = found?.[partition]
      return offset === undefined ? [] : [[partition, offset]]
    }),
  )
}

/** How far this topic was handled, by partition, as the database has it. What it has of an older topic of this name says nothing. */
const keptOf = async ({ kept }: GroupReader, topicId: string): Promise<ReadonlyMap<number, bigint>> =>
  new Map(
    (await kept.read()).filter((place) => place.topicId === topicId).map((place) => [place.partition, place.next]),
  )

/**
 * Where to begin on a partition of which the group has no offset: at its start; where this service had left off, if that lies before the start.
 * So the feed notices that messages were deleted unread.
 */
const beginningOf = (
  { topic, log }: GroupReader,
  partition: number,
  { start, left }: { start: bigint | undefined; left: bigint | undefined },
): bigint => {
  if (start === undefined) return left ?? unknownOffset
  if (start === 0n || (left !== undefined && left >= start)) return start
  if (left === undefined) {
    log.info('nothing is known of what was read of a partition before: it begins at its start', {
      topic,
      partition,
      start: String(start),
    })
    return start
  }
  log.warn('the group lost its offset of a partition: what was read after the place that was kept counts as lost', {
    topic,
    partition,
    kept: String(left),
    keptEveryMs: keepEveryMs,
  })
  return left
}

const beginningsOf = async (
  options: GroupReader,
  described: Described & { id: string },
  partitions: readonly number[],
): Promise<Place[]> => {
  const starts = await offsetsOf(options, described, { timestamp: ListOffsetTimestamps.EARLIEST, of: partitions })
  // Where partitions begin at 0 nothing was deleted, and the database need not be asked.
  const isWhole = partitions.every((partition) => starts.get(partition) === 0n)
  const kept = isWhole ? new Map<number, bigint>() : await keptOf(options, described.id)
  return partitions.map((partition) => {
    const found = { start: starts.get(partition), left: kept.get(partition) }
    return { partition, next: beginningOf(options, partition, found), epoch: unknownEpoch }
  })
}

/**
 * A batch of the old topic may have been committed to the new one. Whoever finds the places next would take that offset for one of the new
 * topic, and pass over its first messages.
 */
const commitBeginnings = async (
  { member, topic }: GroupReader,
  { partitions }: Described,
  places: readonly Place[],
): Promise<void> => {
  // The leader of the group may still deal out partitions that only the old topic had.
  const ours = partitionsOf(member, topic).filter((partition) => partition < partitions.length)
  const offsets = places
    .filter(({ partition }) => ours.includes(partition))
    .map(({ partition, next, epoch }) => ({
      topic,
      partition,
      offset: next === unknownOffset ? 0n : next,
      leaderEpoch: epoch,
    }))
  if (offsets.length > 0) await member.commit({ offsets })
}

/**
 * The group's place on each partition; the beginning of the partition if the group has none, or has one of an older topic of this name. Until
 * all is known and committed, the old topic counts as the last one: who tries again finds the new one again.
 */
export const placesOf = async (options: GroupReader, partitions: readonly number[]): Promise<Place[]> => {
  const { fetcher, topic, lastRead, log } = options
  const described = await describeTopic(options)
  const { id } = described
  const isRecreated = lastRead.topicId !== null && lastRead.topicId !== id
  const committed = isRecreated ? [] : await fetcher.committedPlaces(topic, partitions)
  const withoutOffset = partitions.filter((partition) => !committed.some((place) => place.partition === partition))
  const beginnings = await beginningsOf(options, described, withoutOffset)
  if (isRecreated) {
    await commitBeginnings(options, described, beginnings)
    log.warn('the topic was deleted and created again: it is read from its start', { topic })
  }
  lastRead.topicId = id
  return [...committed, ...beginnings]
}

/** Where the partition begins now. (A broker that answers OFFSET_OUT_OF_RANGE leaves this out of its answer.) Throws if nobody can say. */
export const startOf = async (options: GroupReader, partition: number): Promise<bigint> => {
  const question = { timestamp: ListOffsetTimestamps.EARLIEST, of: [partition] }
  const start = (await offsetsOf(options, await describeTopic(options), question)).get(partition)
  if (start === undefined) throw new PartitionUnavailable(`partition ${partition} of ${options.topic} has no leader`)
  return start
}
