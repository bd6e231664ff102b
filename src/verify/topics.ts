// Compares the topics with the tables while both go on moving. The order in which things happen makes that sound: an order is committed
// before its event is published, an event is acknowledged before it leaves the outbox, and a leg's trace is there before its offset is
// committed. So a thing that needs a proof is read first, and its proof afterwards.

import type { KafkaConfig } from '../kafka/client.ts'
import { openTopicReader } from '../kafka/topicReader.ts'
import type { Topics } from '../kafka/topics.ts'
import type { Sql } from '../store/sql.ts'
import { fromBeginnings, readBeginnings } from './beginnings.ts'
import { verifyEvents } from './events.ts'
import { verifyLegs } from './legs.ts'
import { verifyLogEvents } from './logEvents.ts'
import { verifyReportRecords } from './reportRecords.ts'
import type { Reporter } from './tables.ts'

export type VerifyTopicsOptions = {
  kafka: KafkaConfig
  /** The group whose committed offsets say which trades have their dispositions. It is used for nothing else. */
  group: string
  /** The same for reports. */
  reportGroup: string
  topics: Topics
  unknownToDeadLetters: boolean
  /** How far apart clocks and concurrent requests may put two events. */
  slackMs: number
  reporter: Reporter
}

/** The report topic, if the engine sends reports: its group is another one, so it is read by a reader of its own. */
const verifyReports = async (sql: Sql, options: VerifyTopicsOptions): Promise<void> => {
  const { reports: topic, reportLetters: letterTopic } = options.topics
  if (topic === null || letterTopic === null) return
  const reader = openTopicReader(options.kafka, options.reportGroup)
  try {
    await verifyReportRecords({ sql, reader, options, group: options.reportGroup }, { topic, letterTopic })
  } finally {
    await reader.close().catch(() => undefined)
  }
}

/** Resolves when every violation and note is reported. Throws the errors of Postgres, the brokers and the network. */
export const verifyTopics = async (sql: Sql, options: VerifyTopicsOptions): Promise<void> => {
  const reader = fromBeginnings(openTopicReader(options.kafka, options.group), await readBeginnings(sql))
  try {
    await verifyEvents(sql, reader, options)
    await verifyLogEvents(sql, reader, options)
    await verifyLegs(sql, reader, options)
  } finally {
    await reader.close().catch(() => undefined)
  }
  await verifyReports(sql, options)
}
