// Fetches the records of a topic without a consumer group: shared by the topic readers of the tests, of chaos and of the benchmark.

import { ListOffsetTimestamps, type Consumer, type RecordsBatch } from '@platformatic/kafka'

export type FetchedRecord = {
  partition: number
  offset: number
  record: RecordsBatch['records'][number]
  /** Milliseconds, of the record's batch; by the broker's clock if the topic has message.timestamp.type=LogAppendTime. */
  appendedAt: number
  /** Whether it is the mark of a transaction's end and no message. */
  isControl: boolean
}

const controlBatch = 0x20
const maxWaitMs = 100

const offsetsOf = async (consumer: Consumer, topic: string, timestamp: bigint): Promise<number[]> =>
  ((await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? []).map(Number)

/** The offset of the oldest record of each partition. */
export const startsOf = (consumer: Consumer, topic: string): Promise<number[]> =>
  offsetsOf(consumer, topic, ListOffsetTimestamps.EARLIEST)

/** The offset that the next record of each partition gets. */
export const endsOf = (consumer: Consumer, topic: string): Promise<number[]> =>
  offsetsOf(consumer, topic, ListOffsetTimestamps.LATEST)

export type FetchOptions = {
  topic: string
  /** The partitions to read with the next offset of each; a fetch moves the offsets on. */
  next: Map<number, number>
  /** Applies to each partition and to the whole fetch. */
  maxBytes: number
  onRecord: (record: FetchedRecord) => void
}

const requestOf = ([partition, offset]: [number, number], maxBytes: number) => ({
  partition,
  fetchOffset: BigInt(offset),
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  partitionMaxBytes: maxBytes,
})

/** One fetch from each broker that leads a partition. Gives each record once, in the order of its partition. */
export const fetchOnce = async (
  consumer: Consumer,
  { topic, next, maxBytes, onRecord }: FetchOptions,
): Promise<void> => {
  const { topics } = await consumer.metadata({ topics: [topic] })
  const { id, partitions } = topics.get(topic)!
  const byLeader = Map.groupBy(next, ([partition]) => partitions[partition]!.leader)
  const answers = await Promise.all(
    [...byLeader].map(([node, places]) =>
      consumer.fetch({
        node,
        topics: [{ topicId: id, partitions: places.map((place) => requestOf(place, maxBytes)) }],
        minBytes: 1,
        maxBytes,
        maxWaitTime: maxWaitMs,
      }),
    ),
  )
  const found = answers.flatMap(({ responses }) => responses).flatMap((response) => response.partitions)
  for (const { partitionIndex: partition, records } of found)
    for (const batch of records ?? []) {
      const first = Number(batch.firstOffset)
      const isControl = (batch.attributes & controlBatch) !== 0
      for (const record of batch.records) {
        const offset = first + record.offsetDelta
        // A fetch answers whole batches, also those that begin below the offset in the request.
        if (offset < next.get(partition)!) continue
        onRecord({ partition, offset, record, appendedAt: Number(batch.maxTimestamp), isControl })
      }
      next.set(partition, first + batch.lastOffsetDelta + 1)
    }
}
