// Settings of Kafka: its brokers and topics, how trades are read, and how events go out.

import { engineFeatures, type EngineFeature } from '../domain/engine.ts'
import { forEachKind, type EventKind } from '../domain/events.ts'
import type { FurtherTopic } from '../kafka/furtherTopics.ts'
import { topicNames, type Topics } from '../kafka/topics.ts'
import { leaseMaxMs } from '../store/formerClock.ts'
import {
  flag,
  int,
  listOf,
  ms,
  optionalTopic,
  servers,
  text,
  topic,
  topicsToCreate,
  type Reader,
  type TopicToCreate,
} from './readers.ts'
import type { Setting, ValuesOf } from './setting.ts'
import { kafkaSecuritySettings } from './transport.ts'

const features = listOf(engineFeatures, [])
const engineFeaturesOf: Reader<readonly EngineFeature[]> = (key, env, faults) => {
  const list = features(key, env, faults)
  // Only its report says that the engine has refused such an order.
  if (list.includes('post-only') && !list.includes('reports')) faults.push(`${key} has post-only, which needs reports`)
  return list
}

/** The topic of each kind of event. */
const eventTopicSettings = {
  KAFKA_TOPIC_ORDER_PLACED: { read: topic('order.placed.v1'), note: 'Out: orders for the engine.' },
  KAFKA_TOPIC_ORDER_CANCELLED: { read: topic('order.cancelled.v1'), note: 'Out: cancellations.' },
} as const satisfies Readonly<Record<`KAFKA_TOPIC_ORDER_${EventKind}`, Setting<string>>>

/** Every one of them must name a topic of its own. */
const topicSettings = {
  ...eventTopicSettings,
  KAFKA_TOPIC_ORDER_EVENT: {
    read: optionalTopic,
    note: 'Out: everything that happens to an order, such as `order.event.v1`. Unset: none of it is published.',
  },
  KAFKA_TOPIC_TRADE_EXECUTED: { read: topic('trade.executed.v1'), note: 'In: trades of the engine.' },
  KAFKA_TOPIC_TRADE_DLQ: {
    read: topic('trade.executed.v1.dlq'),
    note: 'Out: the dead letters, which are trades that cannot be applied.',
  },
  KAFKA_TOPIC_ORDER_REPORT: {
    read: topic('order.report.v1'),
    note: 'In, with `reports` in `ENGINE_FEATURES`: what the engine ended itself.',
  },
  KAFKA_TOPIC_REPORT_DLQ: {
    read: topic('order.report.v1.dlq'),
    note: 'Out: the dead letters of that topic.',
  },
} as const satisfies Readonly<Record<string, Setting<string>>>

export const kafkaSettings = {
  KAFKA_BOOTSTRAP_SERVERS: {
    read: servers('redpanda:9092'),
    note: 'Brokers to begin with, as `host:port`, comma-separated.',
  },
  ...kafkaSecuritySettings,
  KAFKA_CONSUMER_GROUP: {
    read: text('orders-exec-consumer', /^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces'),
    note: 'The group that reads trades. All replicas share it. Reports have a group of their own, which is called `<this>.reports`.',
  },
  ...topicSettings,
  KAFKA_TOPIC_PARTITIONS: {
    read: int(6, 1, 10_000),
    note: 'Partitions of topics that are missing and created. Existing topics are used as they are.',
  },
  KAFKA_TOPICS_CREATE: {
    read: topicsToCreate,
    note: 'Further topics to create where they are missing, comma-separated, for [neighbours](neighbours.md#topics-that-nobody-creates): `name`, `name:partitions` or `name:partitions:replication`.',
  },
  KAFKA_REQUEST_TIMEOUT_MS: { read: ms(10_000, 500), note: 'How long a broker may take for an answer.' },
  CE_SOURCE: {
    read: text('/orders', /^[\x21-\x7e]{1,200}$/, 'must be a URI reference'),
    note: 'The value of the header `ce_source` on events.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const tradeSettings = {
  ENGINE_FEATURES: {
    read: engineFeaturesOf,
    note: 'What the matching engine can do beyond the original one, comma-separated: `display` (icebergs), `post-only` (needs `reports`), `reports` (it says how orders ended). An order that asks for more is refused.',
  },
  REPORT_WAIT_MS: {
    read: ms(30_000, 1, 86_400_000),
    note: 'How long a report waits for the fills that it counts, measured on the trade topic. Then its order ends all the same, and an exception says so.',
  },
  TRADE_UNKNOWN_TO_DLQ: {
    read: flag(true),
    note: '`false` where orders of others share the topic: their legs are only counted. The same for reports.',
  },
  TRADES_BATCH_MAX_MESSAGES: { read: int(250, 1, 10_000), note: 'How many trades are applied in one transaction.' },
  TRADES_LANES: { read: int(2, 1, 16), note: 'How many such transactions run at a time.' },
  TRADES_QUEUE_MAX_MESSAGES: {
    read: int(20_000, 1, 1_000_000),
    note: 'Trades that are fetched and not applied yet. In a backlog one partition comes after the other, so a small queue leaves lanes idle.',
  },
  STOP_TRADE_TOLERANCE_MS: {
    read: ms(1_500, 0),
    note: 'How much older than a stop, by its own timestamp, the trade may be that triggers it: engines stamp whole seconds.',
  },
  TRADES_QUEUE_MAX_BYTES: { read: int(67_108_864, 1_048_576, 4_294_967_296), note: 'The same by size.' },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const outboxSettings = {
  OUTBOX_MAX_ROWS: {
    read: int(2_000_000, 1, 1_000_000_000),
    note: 'Events that may wait. Past this or the next bound `POST /orders` is a `503`; reads and cancels go on.',
  },
  OUTBOX_MAX_AGE_MS: {
    read: ms(900_000, 1_000, 604_800_000),
    note: 'How old the oldest waiting event may be. A ticker that is set aside is refused alone.',
  },
  RELAY_BATCH_MAX_EVENTS: { read: int(2_000, 1, 50_000), note: 'How many events one read of the outbox takes.' },
  RELAY_IN_FLIGHT_MAX_EVENTS: {
    read: int(10_000, 1, 500_000),
    note: 'How many events may be on their way to Kafka.',
  },
  RELAY_LEASE_MS: {
    read: ms(5_000, 500, leaseMaxMs),
    note: "How long a dead replica's tickers wait for another replica.",
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

type TopicNames = ValuesOf<typeof topicSettings>
type TopicValues = TopicNames & { ENGINE_FEATURES: readonly EngineFeature[] }

export const topicsOf = (values: TopicValues): Topics => ({
  events: forEachKind((kind) => values[`KAFKA_TOPIC_ORDER_${kind}`]),
  orderEvents: values.KAFKA_TOPIC_ORDER_EVENT === '' ? null : values.KAFKA_TOPIC_ORDER_EVENT,
  trades: values.KAFKA_TOPIC_TRADE_EXECUTED,
  deadLetters: values.KAFKA_TOPIC_TRADE_DLQ,
  reports: values.ENGINE_FEATURES.includes('reports') ? values.KAFKA_TOPIC_ORDER_REPORT : null,
  reportLetters: values.ENGINE_FEATURES.includes('reports') ? values.KAFKA_TOPIC_REPORT_DLQ : null,
})

/** The two inbound topics, each with that of its dead letters; those of reports too where the engine sends none. */
export const redriveTopicsOf = (values: TopicNames) => ({
  trades: { target: values.KAFKA_TOPIC_TRADE_EXECUTED, deadLetters: values.KAFKA_TOPIC_TRADE_DLQ },
  reports: { target: values.KAFKA_TOPIC_ORDER_REPORT, deadLetters: values.KAFKA_TOPIC_REPORT_DLQ },
})

/** The group that reads reports. */
export const reportGroup = ({ KAFKA_CONSUMER_GROUP }: { KAFKA_CONSUMER_GROUP: string }): string =>
  `${KAFKA_CONSUMER_GROUP}.reports`

type FurtherValues = { KAFKA_TOPICS_CREATE: readonly TopicToCreate[]; KAFKA_TOPIC_PARTITIONS: number }

/** The topics that neighbours need. Spring sends a dead letter to the partition of its message, so they have as many as those of this service. */
export const furtherTopicsOf = (values: FurtherValues): FurtherTopic[] =>
  values.KAFKA_TOPICS_CREATE.map(({ partitions, ...topic }) => ({
    ...topic,
    partitions: partitions ?? values.KAFKA_TOPIC_PARTITIONS,
  }))

/** Keys that name the same topic; one fault for each topic that occurs again. */
export const topicFaults = (values: TopicValues & FurtherValues): string[] => {
  const keys = Object.keys(topicSettings) as (keyof typeof topicSettings)[]
  const named = keys.filter((key) => values[key] !== '')
  const shared = [...Map.groupBy(named, (key) => values[key]).values()]
    .filter((sharing) => sharing.length > 1)
    .map((sharing) => `${sharing.join(' and ')} must differ: each topic has one use`)
  const own = topicNames(topicsOf(values))
  const isOwn = values.KAFKA_TOPICS_CREATE.some(({ name }) => own.includes(name))
  return isOwn
    ? [...shared, 'KAFKA_TOPICS_CREATE names a topic of this service: leave it out, it is created anyway']
    : shared
}
