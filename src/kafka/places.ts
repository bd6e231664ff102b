// The group's position on a topic: which partitions are ours, which offsets are committed, where a partition begins.

import type { Log } from '../telemetry/log.ts'
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

/** The group's place on each partition; the start of the partition if the group has none, or has one of an older topic of this name. */
export const placesOf = async (options: GroupReader, partitions: readonly number[]): Promise<Place[]> => {
  const { member, fetcher, topic, lastRead, log } = options
  const { id } = await describeTopic(options)
  const isRecreated = lastRead.topicId !== null && lastRead.topicId !== id
  lastRead.topicId = id
  if (isRecreated) log.warn('the topic was deleted and created again: it is read from its start', { topic })
  const committed = isRecreated ? [] : await fetcher.committedPlaces(topic, partitions)
  const withoutOffset = partitions.filter((partition) => !committed.some((place) => place.partition === partition))
  const request = { topics: [topic], partitions: { [topic]: withoutOffset }, timestamp: ListOffsetTimestamps.EARLIEST }
  const starts = withoutOffset.length === 0 ? [] : ((await member.listOffsets(request)).get(topic) ?? [])
  return [
    ...committed,
    ...withoutOffset.map((partition) => ({ partition, next: starts[partition] ?? 0n, epoch: unknownEpoch })),
  ]
}

/** Where the partition begins now. (A broker that answers OFFSET_OUT_OF_RANGE leaves this out of its answer.) */
export const startOf = async ({ member, topic }: GroupReader, partition: number): Promise<bigint> => {
  const request = { topics: [topic], partitions: { [topic]: [partition] }, timestamp: ListOffsetTimestamps.EARLIEST }
  return (await member.listOffsets(request)).get(topic)![partition]!
}
