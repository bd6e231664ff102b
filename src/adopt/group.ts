// The consumer group of trades: whichever service read it last must have left it.

import type { Config } from '../config/config.ts'
import { kafkaOf } from '../config/transport.ts'
import { createAdmin } from '../kafka/client.ts'
import { AdoptionRefused } from './refusal.ts'

/** Throws AdoptionRefused if somebody is a member of the group. */
export const requireNoMembers = async (config: Config): Promise<void> => {
  const group = config.KAFKA_CONSUMER_GROUP
  const admin = createAdmin(kafkaOf(config, 'orders-adopt'))
  try {
    const found = (await admin.describeGroups({ groups: [group] })).get(group)
    const members = found?.members.size ?? 0
    if (members > 0)
      throw new AdoptionRefused(
        `The consumer group ${group} has ${members} member${members === 1 ? '' : 's'}: stop the order service that is in it, wait for its exit, and try again.`,
      )
  } finally {
    await admin.close().catch(() => undefined)
  }
}
