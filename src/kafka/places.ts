// The group's position on a topic: which partitions are ours, which offsets are committed, where a partition begins.

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

/** `lastRead.topicId`: the id of the topic that this consumer, or one before it, read last; null before the first. */
export type GroupReader = {
  member: Member
  fetcher: Fetcher
  topic: string
  lastRead: { topicId: string | null }
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

/** The group's place on each partition; the start of the partition if the group has none, or has one of an older topic of this name. */
export const placesOf = async (options: GroupReader, partitions: readonly number[]): Promise<Place[]> => {
  const { fetcher, topic, lastRead, log } = options
  const described = await describeTopic(options)
  const { id } = described
  const isRecreated = lastRead.topicId !== null && lastRead.topicId !== id
  lastRead.topicId = id
  if (isRecreated) log.warn('the topic was deleted and created again: it is read from its start', { topic })
  const committed = isRecreated ? [] : await fetcher.committedPlaces(topic, partitions)
  const withoutOffset = partitions.filter((partition) => !committed.some((place) => place.partition === partition))
  const starts = await offsetsOf(options, described, { timestamp: ListOffsetTimestamps.EARLIEST, of: withoutOffset })
  return [
    ...committed,
    ...withoutOffset.map((partition) => ({
      partition,
      next: starts.get(partition) ?? unknownOffset,
      epoch: unknownEpoch,
    })),
  ]
}

/** Where the partition begins now. (A broker that answers OFFSET_OUT_OF_RANGE leaves this out of its answer.) Throws if nobody can say. */
export const startOf = async (options: GroupReader, partition: number): Promise<bigint> => {
  const question = { timestamp: ListOffsetTimestamps.EARLIEST, of: [partition] }
  const start = (await offsetsOf(options, await describeTopic(options), question)).get(partition)
  if (start === undefined) throw new PartitionUnavailable(`partition ${partition} of ${options.topic} has no leader`)
  return start
}
