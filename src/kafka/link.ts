// Watches whether the brokers answer and the topics exist, and creates missing topics. Health shows the last state it found. Says in the log
// which topics are compacted.

import type { Admin } from '@platformatic/kafka'
import { sleep } from '../app/sleep.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createAdmin, type KafkaConfig } from './client.ts'
import { compactedOf } from './compacted.ts'
import { refusalOf } from './refusal.ts'
import { ensureTopics, topicNames, type Topics } from './topics.ts'

/** `detail`: a text that an operator can act on. */
type LinkState = { up: boolean; detail: string }

export type Link = { run: (signal: AbortSignal) => Promise<void>; state: () => LinkState }

const checkEveryMs = 2_000
/** Somebody changes a topic's settings rarely, and compaction takes its time. */
const settingsEveryMs = 60_000

export const createLink = (config: KafkaConfig, topics: Topics, partitions: number, log: Log): Link => {
  let state: LinkState = { up: false, detail: 'not reached yet' }

  const setState = (next: LinkState): void => {
    if (next.up && !state.up) log.info('kafka is reachable', { bootstrapServers: config.bootstrapServers })
    if (!next.up && state.detail !== next.detail) log.warn('kafka is not usable', { detail: next.detail })
    state = next
  }

  let settingsAt = -Infinity
  let compacted = ''
  const checkSettings = async (admin: Admin): Promise<void> => {
    if (performance.now() - settingsAt < settingsEveryMs) return
    const found = await compactedOf(admin, topicNames(topics))
    settingsAt = performance.now()
    if (found.length > 0 && found.join() !== compacted)
      log.error(
        'topics are compacted, so the brokers keep only the last message of each ticker: set their cleanup.policy to delete',
        {
          topics: found,
        },
      )
    compacted = found.join()
  }

  return {
    state: () => state,
    async run(signal) {
      const admin = createAdmin(config)
      while (!signal.aborted) {
        try {
          const created = await ensureTopics(admin, topics, partitions)
          if (created.length > 0) log.info('topics created', { topics: created, partitions })
          setState({ up: true, detail: 'brokers answer' })
          await checkSettings(admin)
        } catch (error) {
          const reason = refusalOf(error) ?? describe(error).error
          setState({ up: false, detail: `${config.bootstrapServers.join(',')}: ${reason}` })
        }
        await sleep(checkEveryMs, signal)
      }
      await admin.close().catch(() => undefined)
    },
  }
}
