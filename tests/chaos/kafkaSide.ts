// The harness's own side of Kafka: the topics as logs, the service's consumer group, and a producer for trades of its own. It
// goes to the broker directly, past the proxies.

import { Admin, ProduceAcks, Producer } from '@platformatic/kafka'
import { positiveHash } from '../engine/murmur2.ts'
import { clientOptions, createConsumer, createTopicLog, type TopicLog } from './topicLog.ts'

export const group = 'orders-exec-consumer'
const reportGroup = `${group}.reports`
export const partitions = 6
export const topics = {
  placed: 'order.placed.v1',
  cancelled: 'order.cancelled.v1',
  trades: 'trade.executed.v1',
  letters: 'trade.executed.v1.dlq',
  reports: 'order.report.v1',
  reportLetters: 'order.report.v1.dlq',
} as const

/** A trade or a report. */
export type InboundMessage = { key: string; value: Uint8Array | null }

export type KafkaSide = {
  logs: Record<keyof typeof topics, TopicLog>
  /** How many trades and reports their groups have not committed. */
  lag: () => Promise<number>
  /** Removes this client's members from the group, as its own LeaveGroup would have; no member is no error. */
  expel: (clientId: string) => Promise<void>
  publish: (to: 'trades' | 'reports', messages: readonly InboundMessage[]) => Promise<void>
  close: () => Promise<void>
}

export const openKafkaSide = (bootstrap: string): KafkaSide => {
  const options = clientOptions(bootstrap)
  const admin = new Admin(options)
  const producer = new Producer({ ...options, acks: ProduceAcks.ALL })
  const consumer = createConsumer(bootstrap)
  const logs = {
    placed: createTopicLog(consumer, topics.placed),
    cancelled: createTopicLog(consumer, topics.cancelled),
    trades: createTopicLog(consumer, topics.trades),
    letters: createTopicLog(consumer, topics.letters),
    reports: createTopicLog(consumer, topics.reports),
    reportLetters: createTopicLog(consumer, topics.reportLetters),
  }
  const lagOf = async (log: TopicLog, groupId: string): Promise<number> => {
    const ends = await log.ends()
    const indexes = [...ends.keys()]
    const [answer] = await admin.listConsumerGroupOffsets({
      groups: [{ groupId, topics: [{ name: log.topic, partitionIndexes: indexes }] }],
    })
    const committed = new Map(
      answer!.topics[0]!.partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
    )
    return indexes.reduce((sum, i) => sum + ends[i]! - Math.max(0, Number(committed.get(i) ?? 0)), 0)
  }
  return {
    logs,
    lag: async () => (await lagOf(logs.trades, group)) + (await lagOf(logs.reports, reportGroup)),
    async expel(clientId) {
      for (const groupId of [group, reportGroup]) {
        const { members } = (await admin.describeGroups({ groups: [groupId] })).get(groupId)!
        const dead = [...members.values()].filter((member) => member.clientId === clientId)
        if (dead.length === 0) continue
        await admin.removeMembersFromConsumerGroup({ groupId, members: dead.map(({ id }) => ({ memberId: id })) })
      }
    },
    async publish(to, messages) {
      await producer.send({
        messages: messages.map(({ key, value }) => ({
          topic: topics[to],
          key: Buffer.from(key),
          partition: positiveHash(Buffer.from(key)) % partitions,
          ...(value === null ? {} : { value: Buffer.from(value) }),
        })),
      })
    },
    async close() {
      await Promise.allSettled([admin.close(), producer.close(), consumer.close(true)])
    },
  }
}
