// Where the group stands on the partitions of a topic: which are ours, what is committed, where a partition begins.

import type { Log } from '../telemetry/log.ts'
import type { RawConsumer } from './client.ts'
import { ListOffsetTimestamps } from './library.ts'

/** What is needed of a member of the group. */
export type Member = Pick<RawConsumer, 'assignments' | 'listOffsets' | 'commit' | 'metadata'>
/**
 * What is needed of the client that fetches for it. It also asks for the committed offsets: a coordinator checks the generation of a member that asks,
 * which the library leaves out, and refuses it in a group with members of the newer protocol.
 */
export type Fetcher = Pick<RawConsumer, 'fetch' | 'metadata' | 'clearMetadata' | 'listCommittedOffsets'>

/** `lastRead.topicId`: of the topic that this consumer or one before it read last; null before the first. */
export type Reading = {
  member: Member
  fetcher: Fetcher
  topic: string
  lastRead: { topicId: string | null }
  log: Log
}

export const partitionsOf = ({ assignments }: Pick<Member, 'assignments'>, topic: string): readonly number[] =>
  assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []

/** The committed offset of each; null where there is none. */
export const committedOf = async (
  fetcher: Pick<Fetcher, 'listCommittedOffsets'>,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, bigint | null>> => {
  if (partitions.length === 0) return new Map()
  const request = { topics: [{ topic, partitions: [...partitions] }] }
  const offsets = (await fetcher.listCommittedOffsets(request)).get(topic) ?? []
  return new Map(
    partitions.map((partition) => {
      const offset = offsets[partition] ?? -1n
      return [partition, offset < 0n ? null : offset]
    }),
  )
}

export class TopicRemade extends Error {
  override name = 'TopicRemade'
}

export const describeTopic = async ({ fetcher, topic }: Pick<Reading, 'fetcher' | 'topic'>) => {
  const { topics } = await fetcher.metadata({ topics: [topic] })
  return topics.get(topic)!
}

/** The group's offset on each partition. If it has none, or has one of an older topic of this name, the start of the partition. */
export const placesOf = async (options: Reading, partitions: readonly number[]): Promise<Map<number, bigint>> => {
  const { member, fetcher, topic, lastRead, log } = options
  const { id } = await describeTopic(options)
  const remade = lastRead.topicId !== null && lastRead.topicId !== id
  lastRead.topicId = id
  if (remade) log.warn('the topic was deleted and made anew: it is read from its start', { topic })
  const committed = remade ? new Map<number, null>() : await committedOf(fetcher, topic, partitions)
  const fresh = partitions.filter((partition) => (committed.get(partition) ?? null) === null)
  const request = { topics: [topic], partitions: { [topic]: fresh }, timestamp: ListOffsetTimestamps.EARLIEST }
  const starts = fresh.length === 0 ? [] : ((await member.listOffsets(request)).get(topic) ?? [])
  return new Map(partitions.map((partition) => [partition, committed.get(partition) ?? starts[partition] ?? 0n]))
}

/** Where the partition begins now. (With this fault brokers leave it out of their answer.) */
export const startOf = async ({ member, topic }: Reading, partition: number): Promise<bigint> => {
  const request = { topics: [topic], partitions: { [topic]: [partition] }, timestamp: ListOffsetTimestamps.EARLIEST }
  return (await member.listOffsets(request)).get(topic)![partition]!
}
