// Creates missing topics if the broker allows it. Existing topics are used as they are.

import type { Admin } from '@platformatic/kafka'
import type { EventKind } from '../domain/events.ts'
import { notCompacted } from './compacted.ts'
import { findErrorBy } from './library.ts'

/** The names of all topics. */
export type Topics = {
  /** The topic for the events of each kind. */
  events: Readonly<Record<EventKind, string>>
  /** For everything that happens to an order; null: it is not published. */
  orderEvents: string | null
  trades: string
  /** For the dead letters of trades. */
  deadLetters: string
  /** For reports of the engine, and for their dead letters; null: the engine sends none. */
  reports: string | null
  reportLetters: string | null
}

/** The names of those that are used. */
export const topicNames = ({ events, ...others }: Topics): string[] =>
  [...Object.values(events), ...Object.values(others)].filter((name) => name !== null)

/** Some topics do not exist and could not be created; the message names them. */
class TopicsMissing extends Error {
  override name = 'TopicsMissing'
}

/** Kafka's value for "the broker's default replication factor". */
export const brokerDefault = -1

/** The library's error for an answer of which a part is an error. It has the whole answer. */
type CreateRefusal = { response?: { topics?: readonly { name: string; errorCode: number }[] } }

const missingTopics = async (admin: Admin, names: readonly string[]): Promise<string[]> => {
  const existing = new Set(await admin.listTopics())
  return names.filter((name) => !existing.has(name))
}

/** Of `names`, those that the brokers refused to create; all of them if the error does not say. What they created may not be in their list yet. */
const refusedOf = (names: readonly string[], error: unknown): readonly string[] => {
  const partial = findErrorBy(error as Error, 'code', 'PLT_KFK_RESPONSE') as CreateRefusal | null
  return partial?.response?.topics?.flatMap(({ name, errorCode }) => (errorCode === 0 ? [] : [name])) ?? names
}

/** Creates what is missing with `partitions` partitions. Throws TopicsMissing, or the network's error. Returns what it created. */
export const ensureTopics = async (admin: Admin, topics: Topics, partitions: number): Promise<string[]> => {
  const missing = await missingTopics(admin, topicNames(topics))
  if (missing.length === 0) return []
  try {
    await admin.createTopics({ topics: missing, partitions, replicas: brokerDefault, configs: [notCompacted] })
  } catch (error) {
    // Another replica may have been faster.
    const still = await missingTopics(admin, refusedOf(missing, error))
    if (still.length > 0)
      throw new TopicsMissing(
        `topics ${still.join(', ')} do not exist and could not be created: create them, or let this client create topics`,
        { cause: error },
      )
  }
  return missing
}

/**
 * The broker's code decides. For metadata requests the library drops the broker's code and has none of its own, so there its message
 * decides (tests/kafka/refusal.test.ts compares the text with the library).
 */
export const isUnknownTopic = (error: unknown): boolean =>
  error instanceof Error &&
  (findErrorBy(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null || error.message.startsWith('Unknown topic'))
