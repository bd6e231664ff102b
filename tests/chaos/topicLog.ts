// All that a topic holds, read from its beginning and added to at each look, as the broker has it: every partition, no group.

import { Consumer, ListOffsetTimestamps, type RecordsBatch } from '@platformatic/kafka'

export type TopicRecord = {
  partition: number
  offset: number
  key: string | null
  bytes: Uint8Array | null
  headers: Record<string, string>
  /** By the broker's clock: the topic has LogAppendTime. */
  appendedAt: number
}

export type TopicLog = {
  readonly topic: string
  /** In order within each partition. */
  readonly records: TopicRecord[]
  /** Reads what the topic holds now. Rejects while no broker answers; what was read stays. */
  readToEnd: () => Promise<void>
  /** The offset that the next message of each partition gets. */
  ends: () => Promise<number[]>
}

const fetchBytes = 8_000_000
const controlBatch = 0x20
const text = (buffer: Buffer | null): string | null => (buffer === null ? null : buffer.toString())

const recordsOf = (partition: number, batch: RecordsBatch, from: number): TopicRecord[] =>
  (batch.attributes & controlBatch) !== 0
    ? []
    : batch.records
        .map((record) => ({
          partition,
          offset: Number(batch.firstOffset) + record.offsetDelta,
          key: text(record.key),
          bytes: record.value === null ? null : new Uint8Array(record.value),
          headers: Object.fromEntries(record.headers.map(([name, value]) => [text(name) ?? '', text(value) ?? ''])),
          appendedAt: Number(batch.maxTimestamp),
        }))
        // A fetch answers whole batches, also those that begin below the offset asked for.
        .filter(({ offset }) => offset >= from)

export const createConsumer = (bootstrap: string): Consumer => {
  const consumer = new Consumer({
    clientId: 'chaos',
    groupId: 'chaos',
    bootstrapBrokers: [bootstrap],
    timeout: 10_000,
    requestTimeout: 10_000,
    connectTimeout: 3_000,
    retries: 0,
    metadataMaxAge: 5_000,
  })
  consumer.on('error', () => undefined)
  return consumer
}

export const createTopicLog = (consumer: Consumer, topic: string): TopicLog => {
  const records: TopicRecord[] = []
  const next: number[] = []
  let turn: Promise<unknown> = Promise.resolve()

  const ends = async (): Promise<number[]> => {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST })
    return (offsets.get(topic) ?? []).map(Number)
  }
  const fetchOnce = async (open: readonly number[]): Promise<void> => {
    const { topics } = await consumer.metadata({ topics: [topic] })
    const { id, partitions } = topics.get(topic)!
    const wanted = open.map((partition) => ({
      partition,
      fetchOffset: BigInt(next[partition] ?? 0),
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
    for (const { partitionIndex, records: batches } of responses.flatMap((response) => response.partitions))
      for (const batch of batches ?? []) {
        records.push(...recordsOf(partitionIndex, batch, next[partitionIndex] ?? 0))
        next[partitionIndex] = Number(batch.firstOffset) + batch.lastOffsetDelta + 1
      }
  }
  const readToEnd = async (): Promise<void> => {
    try {
      const goal = await ends()
      const open = () => [...goal.keys()].filter((partition) => (next[partition] ?? 0) < goal[partition]!)
      while (open().length > 0) await fetchOnce(open())
    } catch (error) {
      consumer.clearMetadata()
      throw error
    }
  }
  return {
    topic,
    records,
    ends,
    // One look after the other: two at once would add the same records twice.
    readToEnd() {
      const look = turn.then(readToEnd)
      turn = look.catch(() => undefined)
      return look
    },
  }
}
