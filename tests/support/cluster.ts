// Changes a cluster while the service uses it, as an operator or a producer with transactions does.

import {
  Admin,
  ConfigResourceTypes,
  ConfigSources,
  IncrementalAlterConfigOperationTypes,
  ProduceAcks,
  Producer,
} from '@platformatic/kafka'
import { until } from './until.ts'

type Message = { value: string; partition: number; headers?: ReadonlyMap<Buffer, Buffer | null> }

export type Cluster = AsyncDisposable & {
  addPartitions: (topic: string, count: number) => Promise<void>
  /** Whether brokers may keep only the last message of each key. */
  setCompacted: (topic: string) => Promise<void>
  /** The cleanup policy, and whether it is the topic's own and not the brokers' default. */
  cleanupOf: (topic: string) => Promise<{ policy: string | null | undefined; own: boolean }>
  /** Deletes everything in the partition below the offset. */
  deleteRecords: (topic: string, partition: number, before: bigint) => Promise<void>
  /** Deletes the group and its offsets; it must have no member. */
  deleteGroup: (group: string) => Promise<void>
  publish: (topic: string, messages: readonly Message[]) => Promise<void>
  /** One transaction with one request for each message, so that each message lies in a batch of its own. */
  transaction: (topic: string, messages: readonly Message[], end: 'commit' | 'abort') => Promise<void>
  /** Begins one and leaves it open; answers how to end it. */
  openTransaction: (topic: string, messages: readonly Message[]) => Promise<() => Promise<void>>
}

export const openCluster = (bootstrap: string): Cluster => {
  const cleanup = 'cleanup.policy'
  const base = { clientId: 'cluster', bootstrapBrokers: [bootstrap], retries: 10, retryDelay: 200, metadataMaxAge: 500 }
  const admin = new Admin(base)
  const plain = new Producer({ ...base, acks: ProduceAcks.ALL })
  // All transactions share one producer: a broker's answer with several of its transactions is a case that tests need.
  const transactional = new Producer({
    ...base,
    acks: ProduceAcks.ALL,
    idempotent: true,
    // The broker aborts what is open for longer.
    timeout: 300_000,
    transactionalId: `cluster-${crypto.randomUUID()}`,
  })
  const recordOf = (topic: string, { value, partition, headers }: Message) => ({
    topic,
    key: Buffer.from('AAPL'),
    value: Buffer.from(value),
    partition,
    // Kafka's format knows headers without a value; the library's types do not.
    headers: (headers ?? new Map()) as ReadonlyMap<Buffer, Buffer> as Map<Buffer, Buffer>,
  })
  const begin = async (topic: string, messages: readonly Message[]) => {
    const transaction = await transactional.beginTransaction()
    for (const message of messages) await transaction.send({ messages: [recordOf(topic, message)] })
    return transaction
  }
  return {
    async addPartitions(topic, count) {
      await admin.createPartitions({ topics: [{ name: topic, count, assignments: null }] })
      const partitions = async (): Promise<number> =>
        (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!.partitionsCount
      await until(async () => (await partitions()) === count, { what: `${topic} has ${count} partitions` })
    },
    async setCompacted(topic) {
      const { SET } = IncrementalAlterConfigOperationTypes
      const configs = [{ name: cleanup, configOperation: SET, value: 'compact' }]
      await admin.incrementalAlterConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs }],
      })
    },
    async cleanupOf(topic) {
      const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [cleanup] }
      const [found] = (await admin.describeConfigs({ resources: [resource] }))[0]!.configs
      return { policy: found!.value, own: found!.configSource === ConfigSources.TOPIC_CONFIG }
    },
    async deleteRecords(topic, partition, offset) {
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] })
    },
    deleteGroup: (group) =>
      until(async () => admin.deleteGroups({ groups: [group] }).then(() => true), { what: `${group} is gone` }).then(
        () => undefined,
      ),
    async publish(topic, messages) {
      for (const message of messages) await plain.send({ messages: [recordOf(topic, message)] })
    },
    async transaction(topic, messages, end) {
      const transaction = await begin(topic, messages)
      await (end === 'commit' ? transaction.commit() : transaction.abort())
    },
    async openTransaction(topic, messages) {
      const transaction = await begin(topic, messages)
      return () => transaction.commit()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.close(), plain.close(), transactional.close()])
    },
  }
}
