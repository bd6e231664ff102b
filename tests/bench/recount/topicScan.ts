// A whole topic, record by record, as the broker has it now: every partition from its beginning, no group. Half a million records do
// not fit into memory as objects, so each is shown once and forgotten.

import { Consumer } from '@platformatic/kafka'
import { endsOf, fetchOnce, type FetchedRecord } from '../../support/topicFetch.ts'

type ScannedRecord = {
  partition: number
  offset: number
  value: Buffer | null
  /** The header's text, or null. */
  header: (name: string) => string | null
  /** Milliseconds by the broker's clock. */
  appendedAt: number
  /** The size of key, value and headers. */
  bytes: number
}

export type TopicReader = {
  /** The offset that the next record of each partition gets. */
  ends: (topic: string) => Promise<number[]>
  scan: (topic: string, onRecord: (record: ScannedRecord) => void) => Promise<void>
  close: () => Promise<void>
}

const fetchBytes = 4_000_000

const scannedOf = ({ partition, offset, record, appendedAt }: FetchedRecord): ScannedRecord => ({
  partition,
  offset,
  value: record.value,
  header: (name) => record.headers.find(([other]) => other?.toString() === name)?.[1]?.toString() ?? null,
  appendedAt,
  bytes: record.headers.reduce(
    (sum, [name, text]) => sum + (name?.length ?? 0) + (text?.length ?? 0),
    (record.key?.length ?? 0) + (record.value?.length ?? 0),
  ),
})

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
      while (next.size > 0) {
        await fetchOnce(consumer, {
          topic,
          next,
          maxBytes: fetchBytes,
          onRecord: (record) => onRecord(scannedOf(record)),
        })
        for (const [partition, offset] of next) if (offset >= goal[partition]!) next.delete(partition)
      }
    },
    close: async () => consumer.close(true),
  }
}
