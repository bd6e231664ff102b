// Finds topics that are compacted. Their brokers keep only the last message of each key, and the key of all our messages is the ticker: of the
// trades, or the placed orders, of one ticker all but the last vanish, sooner or later, without a gap that a reader could tell from others.

import type { Admin } from '@platformatic/kafka'

/** Kafka's number for the settings of a topic. */
const topicSettings = 2 as const
const policy = 'cleanup.policy'

/** What a topic needs, whatever the brokers' own default is. */
export const notCompacted = { name: policy, value: 'delete' }

/** False also if the brokers do not say: an old one, or one that lets this client not read settings. */
const isCompacted = async (admin: Pick<Admin, 'describeConfigs'>, topic: string): Promise<boolean> => {
  const resource = { resourceType: topicSettings, resourceName: topic, configurationKeys: [policy] }
  try {
    const described = await admin.describeConfigs({ resources: [resource] })
    return described.some(({ configs }) =>
      configs.some(({ name, value }) => name === policy && value?.includes('compact')),
    )
  } catch {
    return false
  }
}

/** Those of the topics that are compacted, in their order. Never rejects. */
export const compactedOf = async (
  admin: Pick<Admin, 'describeConfigs'>,
  topics: readonly string[],
): Promise<string[]> => {
  const answers = await Promise.all(topics.map((topic) => isCompacted(admin, topic)))
  return topics.filter((_, i) => answers[i])
}
