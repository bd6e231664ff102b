// Creates topics that this service does not use, for its neighbours (KAFKA_TOPICS_CREATE). It tries until all of them exist, and then never
// again: whoever deletes one later meant it. Nothing of this service depends on them.

import type { Admin } from '@platformatic/kafka'
import { sleep } from '../app/sleep.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createAdmin, type KafkaConfig } from './client.ts'
import { findErrorBy } from './library.ts'
import { refusalOf } from './refusal.ts'
import { brokerDefault } from './topics.ts'

/** `replicas`: on how many brokers a message is; null: as the brokers have it by default. */
export type FurtherTopic = { name: string; partitions: number; replicas: number | null }

export type FurtherTopics = {
  run: (signal: AbortSignal) => Promise<void>
  /** Why topics are not there, for an operator; null: nothing is known to be missing. */
  state: () => { obstacle: string | null }
}

const tryEveryMs = 5_000

/** What brokers answer to the creation of one topic, by their code. */
const refusals = {
  TOPIC_AUTHORIZATION_FAILED: 'is missing, or hidden from this client, which may not create it',
  CLUSTER_AUTHORIZATION_FAILED: 'is missing, or hidden from this client, which may not create topics',
  INVALID_REPLICATION_FACTOR: 'is missing, and there are not so many brokers',
  INVALID_PARTITIONS: 'is missing, and the brokers do not allow so many partitions',
  INVALID_TOPIC_EXCEPTION:
    'is missing, and the brokers refuse its name: one that differs in . and _ alone may be there',
  POLICY_VIOLATION: 'is missing, and a policy of the brokers forbids it',
} as const satisfies Readonly<Record<string, string>>

const reasonOf = (error: unknown): string => {
  const known = Object.entries(refusals).find(([code]) => hasCode(error, code))
  return known?.[1] ?? `is missing: ${refusalOf(error) ?? describe(error).error}`
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && findErrorBy(error, 'apiId', code) !== null

/** Creates one topic. Returns why it is not there; null: it is. */
const createTopic = async (admin: Admin, { name, partitions, replicas }: FurtherTopic): Promise<string | null> => {
  try {
    await admin.createTopics({ topics: [name], partitions, replicas: replicas ?? brokerDefault })
    return null
  } catch (error) {
    // Another replica was faster, or the topic is hidden from this client.
    return hasCode(error, 'TOPIC_ALREADY_EXISTS') ? null : reasonOf(error)
  }
}

type Round = { created: string[]; refused: { topic: FurtherTopic; reason: string }[] }

/** Tries each of the topics by itself, so that one that is refused keeps none of the others away. Throws if the brokers do not answer. */
const tryTopics = async (admin: Admin, topics: readonly FurtherTopic[]): Promise<Round> => {
  const existing = new Set(await admin.listTopics())
  const round: Round = { created: [], refused: [] }
  for (const topic of topics) {
    if (existing.has(topic.name)) continue
    const reason = await createTopic(admin, topic)
    if (reason === null) round.created.push(topic.name)
    else round.refused.push({ topic, reason })
  }
  return round
}

const obstacleOf = (refused: Round['refused']): string | null =>
  refused.length === 0
    ? null
    : `${refused.map(({ topic, reason }) => `${topic.name} ${reason}`).join('; ')}: create it, or let this client create it (KAFKA_TOPICS_CREATE)`

export const createFurtherTopics = (config: KafkaConfig, topics: readonly FurtherTopic[], log: Log): FurtherTopics => {
  let obstacle: string | null = null

  const take = ({ created, refused }: Round): void => {
    if (created.length > 0) log.info('further topics created', { topics: created })
    const next = obstacleOf(refused)
    if (next !== null && next !== obstacle) log.warn('further topics are missing', { reason: next })
    obstacle = next
  }

  return {
    state: () => ({ obstacle }),
    async run(signal) {
      if (topics.length === 0) return
      const admin = createAdmin(config)
      let missing = topics
      while (!signal.aborted && missing.length > 0) {
        try {
          const round = await tryTopics(admin, missing)
          take(round)
          missing = round.refused.map(({ topic }) => topic)
        } catch {
          // No broker answers; the link says so.
        }
        if (missing.length > 0) await sleep(tryEveryMs, signal)
      }
      await admin.close().catch(() => undefined)
    },
  }
}
