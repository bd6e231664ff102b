// Keeps all records of a topic as the broker has them: every partition from its beginning, without a group; each look adds more.

import { Consumer } from '@platformatic/kafka'
import { endsOf, fetchOnce, type FetchedRecord } from '../support/topicFetch.ts'

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
  /** Reads what the topic holds now. Rejects while no broker answers; earlier records stay. */
  readToEnd: () => Promise<void>
  /** The offset that the next message of each partition gets. */
  ends: () => Promise<number[]>
}

const fetchBytes = 8_000_000
const text = (buffer: Buffer | null): string | null => (buffer === null ? null : buffer.toString())

const recordOf = ({ partition, offset, record, appendedAt }: FetchedRecord): TopicRecord => ({
  partition,
  offset,
  key: text(record.key),
  bytes: record.value === null ? null : new Uint8Array(record.value),
  headers: Object.fromEntries(record.headers.map(([name, value]) => [text(name) ?? '', text(value) ?? ''])),
  appendedAt,
})

/** The options of every Kafka client of the harness: it retries nothing by itself (persist.ts does). */
export const clientOptions = (bootstrap: string) => ({
  clientId: 'chaos',
  bootstrapBrokers: [bootstrap],
  timeout: 10_000,
  requestTimeout: 10_000,
  connectTimeout: 3_000,
  retries: 0,
  metadataMaxAge: 5_000,
})

export const createConsumer = (bootstrap: string): Consumer => {
  const consumer = new Consumer({ ...clientOptions(bootstrap), groupId: 'chaos' })
  consumer.on('error', () => undefined)
  return consumer
}

export const createTopicLog = (consumer: Consumer, topic: string): TopicLog => {
  const records: TopicRecord[] = []
  /** The next offset to read of each partition. */
  const read: number[] = []
  let turn: Promise<unknown> = Promise.resolve()

  const ends = (): Promise<number[]> => endsOf(consumer, topic)
  const onRecord = (fetched: FetchedRecord): void => {
    if (!fetched.isControl) records.push(recordOf(fetched))
  }
  const readToEnd = async (): Promise<void> => {
    try {
      const goal = await ends()
      for (;;) {
        const open = [...goal.keys()].filter((partition) => (read[partition] ?? 0) < goal[partition]!)
        if (open.length === 0) return
        const next = new Map(open.map((partition) => [partition, read[partition] ?? 0]))
        await fetchOnce(consumer, { topic, next, maxBytes: fetchBytes, onRecord })
        for (const [partition, offset] of next) read[partition] = offset
      }
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
