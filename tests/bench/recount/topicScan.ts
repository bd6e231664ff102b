// A whole topic, record by record, as the broker has it now: every partition from its beginning, no group. Half a million records do
// not fit into memory as objects, so each is shown once and forgotten.

import { Consumer, ListOffsetTimestamps, type RecordsBatch } from '@platformatic/kafka'

type ScannedRecord = {
  partition: number
  offset: number
  value: Buffer | null
  /** The header's text, or null. */
  header: (name: string) => string | null
  /** Milliseconds by the broker's clock. */
  appendedAt: number
  /** Of key, value and headers. */
  bytes: number
}

export type TopicReader = {
  /** The offset that the next record of each partition gets. */
  ends: (topic: string) => Promise<number[]>
  scan: (topic: string, onRecord: (record: ScannedRecord) => void) => Promise<void>
  close: () => Promise<void>
}

const fetchBytes = 4_000_000

const headerOf = (record: RecordsBatch['records'][number], name: string): string | null =>
  record.headers.find(([known]) => known?.toString() === name)?.[1]?.toString() ?? null

const bytesOf = ({ key, value, headers }: RecordsBatch['records'][number]): number =>
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  headers.reduce((sum, [name, text]) => sum + (name?.length ?? 0) + (text?.length ?? 0), 0)

/** Shows the records of a batch from an offset on; answers the offset after it. */
const showBatch = (
  { partition, batch, from }: { partition: number; batch: RecordsBatch; from: number },
  onRecord: (record: ScannedRecord) => void,
): number => {
  const first = Number(batch.firstOffset)
  for (const record of batch.records) {
    const offset = first + record.offsetDelta
    // A fetch answers whole batches, also those that begin below the offset asked for.
    if (offset >= from)
      onRecord({
        partition,
        offset,
        value: record.value,
        header: (name) => headerOf(record, name),
        appendedAt: Number(batch.maxTimestamp),
        bytes: bytesOf(record),
      })
  }
  return first + batch.lastOffsetDelta + 1
}

const endsOf = async (consumer: Consumer, topic: string): Promise<number[]> => {
  const offsets = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST })
  return (offsets.get(topic) ?? []).map(Number)
}

/** One fetch of every partition in `next`, from the offset there. */
const fetchFrom = async (consumer: Consumer, topic: string, next: ReadonlyMap<number, number>) => {
  const { topics } = await consumer.metadata({ topics: [topic] })
  const { id, partitions } = topics.get(topic)!
  const wanted = [...next].map(([partition, offset]) => ({
    partition,
    fetchOffset: BigInt(offset),
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: fetchBytes,
  }))
  const { responses } = await consumer.fetch({
    node: partitions[0]!.leader,
    topics: [{ topicId: id, partitions: wanted }],
    minBytes: 1,
    maxBytes: fetchBytes,
    maxWaitTime: 100,
  })
  return responses.flatMap((response) => response.partitions)
}

export const openTopicReader = (bootstrap: string): TopicReader => {
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: 'bench-reader',
    bootstrapBrokers: [bootstrap],
    timeout: 20_000,
    requestTimeout: 20_000,
    retries: 3,
  })
  consumer.on('error', () => undefined)
  return {
    ends: (topic) => endsOf(consumer, topic),
    async scan(topic, onRecord) {
      const goal = await endsOf(consumer, topic)
      const open = [...goal.keys()].filter((partition) => goal[partition]! > 0)
      const next = new Map(open.map((partition) => [partition, 0]))
      while (next.size > 0)
        for (const { partitionIndex: partition, records } of await fetchFrom(consumer, topic, next)) {
          for (const batch of records ?? [])
            next.set(partition, showBatch({ partition, batch, from: next.get(partition)! }, onRecord))
          if (next.get(partition)! >= goal[partition]!) next.delete(partition)
        }
    },
    close: async () => consumer.close(true),
  }
}
